package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/httptext"
)

const (
	lokiTimeout = 30 * time.Second
	lokiBody    = 4 << 20
	pushPath    = "/loki/api/v1/push"
)

// refusal is an answer of Loki's that is not good.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%d %s: %s", r.status, http.StatusText(r.status), cmp.Or(r.text, "no more is said"))
}

// ask makes one request. Errors hold no secret.
func (v *visit) ask(
	ctx context.Context, hc *http.Client, tenant string, header http.Header, method, target string, body []byte,
) ([]byte, error) {
	ctx, secrets := httptext.Watch(ctx)
	ctx, stop := context.WithTimeout(ctx, lokiTimeout)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(string(body)))
	if err != nil {
		return nil, errors.New("its address is no URL")
	}
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if tenant != "" {
		req.Header.Set("X-Scope-OrgID", tenant)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", v.UserAgent)
	if hc == nil {
		hc = http.DefaultClient
	}
	resp, err := hc.Do(req)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) { // its text has the URL, with what may be in it
			err = inner.Err
		}
		return nil, errors.New(secrets.Clean(err.Error(), 300))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, lokiBody))
	if resp.StatusCode >= 300 {
		return nil, &refusal{resp.StatusCode, secrets.Clean(string(answer), 300)}
	}
	return answer, err
}

// tenant compares where entries go and where they are looked for, without asking anybody.
func (v *visit) tenant(context.Context) Check {
	if v.Loki == nil || len(v.Push) == 0 {
		return skip("entries are not looked for: there is no reconcile block, or no loki.write")
	}
	for _, p := range v.Push {
		if p.Tenant == v.Loki.Tenant && (p.User == v.Loki.User || p.URL.Host != v.Loki.URL.Host) {
			return pass("entries are looked for in the tenant that they are sent to")
		}
	}
	p := v.Push[0]
	if p.Tenant != v.Loki.Tenant {
		return fail("give reconcile the tenant_id of loki.write's endpoint", "%s sends to the tenant %q, and reconcile asks the tenant %q",
			p.Component, p.Tenant, v.Loki.Tenant)
	}
	return fail("give reconcile the basic_auth of loki.write's endpoint: the user name is the tenant in Grafana Cloud",
		"%s and reconcile log in with different user names", p.Component)
}

// advice is what to do about a refusal of Loki's. Words: Loki, pkg/loghttp/push, pkg/util/server, dskit's user package.
func advice(err error, what, block string) string {
	r, ok := errors.AsType[*refusal](err)
	switch {
	case !ok:
		return "check " + block + "'s url, its TLS and proxy settings, and that Loki is up"
	case strings.Contains(r.text, "no org id"):
		return "set tenant_id in " + block + ": this Loki has tenants"
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden:
		return "give " + block + " a credential that may " + what
	case r.status == http.StatusNotFound, r.status == http.StatusMethodNotAllowed:
		return "check the path in " + block + "'s url: Loki's push path is " + pushPath
	case r.status == http.StatusTooManyRequests:
		return "Loki is asked too much: raise its limits, or ask again later"
	}
	return "look at Loki's log, and at gateways on the way"
}

// lokiPush sends a push of no streams, which proves the route and the credential, and not that entries are within limits.
func (v *visit) lokiPush(ctx context.Context) Check {
	if len(v.Push) == 0 {
		if len(v.Others) > 0 {
			return warn("look at that component's own metrics", "entries go to %s, which is not looked at", strings.Join(v.Others, ", "))
		}
		return warn("forward to a loki.write", "entries go to no component that delivers them")
	}
	for _, p := range v.Push {
		body := []byte(`{"streams":[]}`)
		if v.opts.SendTest {
			body = v.testEntry()
		}
		if _, err := v.ask(ctx, p.HTTP, p.Tenant, p.Header, http.MethodPost, p.URL.String(), body); err != nil && !wantsMore(err) {
			return fail(advice(err, "write logs", p.Component), "%s: pushing to %s: %v", p.Component, p.URL.Host, err)
		}
	}
	if v.opts.SendTest {
		return pass(`an entry with the label doctor="1" was taken`)
	}
	return pass("the route and the credential are right; --send-test sends an entry")
}

// wantsMore reports Loki's answer to a push of no streams, which it gives after it has accepted tenant and credential (Loki 3.7.8, 422:
// pkg/validation, MissingStreamsErrorMsg); earlier ones, and gateways, answer 204.
func wantsMore(err error) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.status < 500 && strings.Contains(r.text, "at least one valid stream is required")
}

func (v *visit) testEntry() []byte {
	labels := model.LabelSet{"job": event.Job, "org": model.LabelValue(v.URL.Host)}
	metadata := map[string]string{}
	labels["doctor"] = "1"
	now := v.opts.Now()
	line, _ := json.Marshal(map[string]string{ // strings: cannot fail
		"message": "alloy-okta doctor was here", "time": now.UTC().Format(time.RFC3339),
	})
	metadata["eventType"] = "doctor"
	body, _ := json.Marshal(map[string]any{"streams": []any{map[string]any{
		"stream": labels, "values": []any{[]any{strconv.FormatInt(now.UnixNano(), 10), string(line), metadata}},
	}}})
	return body
}

// lokiQuery asks for the newest entry, as reconcile would.
func (v *visit) lokiQuery(ctx context.Context) Check {
	if v.Loki == nil {
		return warn("add a reconcile block, and each event is in Loki exactly once", "no reconcile block: what arrives is not looked at")
	}
	now := v.opts.Now()
	q := url.Values{"query": {v.Loki.Selector}, "limit": {"1"}, "direction": {"backward"},
		"start": {strconv.FormatInt(now.Add(-time.Hour).UnixNano(), 10)}, "end": {strconv.FormatInt(now.UnixNano(), 10)}}
	target := v.Loki.URL.JoinPath("loki/api/v1/query_range").String() + "?" + q.Encode()
	body, err := v.ask(ctx, v.Loki.HTTP, v.Loki.Tenant, nil, http.MethodGet, target, nil)
	if err != nil {
		return fail(advice(err, "read logs", "reconcile"), "querying %s: %v", v.Loki.URL.Host, err)
	}
	var answer struct {
		Status string `json:"status"`
		Data   struct {
			Result []any `json:"result"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Status != "success" {
		return fail("check reconcile's url: it must be Loki's base address", "what answers at %s is not Loki", v.Loki.URL.Host)
	}
	if len(answer.Data.Result) == 0 {
		return pass("Loki answers, and has no entry of this org of the last hour")
	}
	return pass("Loki answers, and has entries of this org")
}

// lokiConfig is the part of Loki's /config that entries depend on (Loki, configuration reference).
type lokiConfig struct {
	asked bool
	err   error
	told  struct {
		Limits struct {
			Structured bool           `yaml:"allow_structured_metadata"` // left out when false (Loki 3.7.8, pkg/validation: omitempty)
			Reject     bool           `yaml:"reject_old_samples"`
			MaxAge     model.Duration `yaml:"reject_old_samples_max_age"`
			Unordered  *bool          `yaml:"unordered_writes"`
			MaxLine    size           `yaml:"max_line_size"`
			Truncate   bool           `yaml:"max_line_size_truncate"`
			MaxMeta    int            `yaml:"max_structured_metadata_entries_count"`
			MaxLabels  int            `yaml:"max_label_names_per_series"`
		} `yaml:"limits_config"`
		Ingester struct {
			MaxChunkAge model.Duration `yaml:"max_chunk_age"`
		} `yaml:"ingester"`
		Querier struct {
			Within model.Duration `yaml:"query_ingesters_within"`
		} `yaml:"querier"`
		Schema struct {
			Configs []struct {
				From   string `yaml:"from"`
				Schema string `yaml:"schema"`
			} `yaml:"configs"`
		} `yaml:"schema_config"`
	}
}

// size is a number of bytes, also as Loki's flagext.ByteSize prints it: "256KB".
type size int64

func (s *size) UnmarshalYAML(n *yaml.Node) error {
	text, unit := strings.ToUpper(strings.TrimSpace(n.Value)), int64(1)
	for i, suffix := range []string{"KB", "MB", "GB"} {
		if cut, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = cut, 1<<(10*(i+1))
		}
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "B")), 64)
	if err != nil {
		return nil // one that is not understood is not judged
	}
	*s = size(f * float64(unit))
	return nil
}

// config asks Loki once what it is set to. A gateway, and Grafana Cloud, do not say.
func (v *visit) config(ctx context.Context) error {
	c := &v.facts
	if c.asked {
		return c.err
	}
	c.asked = true
	var base *url.URL
	var hc *http.Client
	tenant := ""
	switch {
	case v.Loki != nil:
		base, hc, tenant = v.Loki.URL, v.Loki.HTTP, v.Loki.Tenant
	case len(v.Push) > 0:
		u := *v.Push[0].URL
		u.Path, u.RawQuery = strings.TrimSuffix(u.Path, pushPath), ""
		base, hc, tenant = &u, v.Push[0].HTTP, v.Push[0].Tenant
	default:
		c.err = errors.New("there is none")
		return c.err
	}
	body, err := v.ask(ctx, hc, tenant, nil, http.MethodGet, base.JoinPath("config").String(), nil)
	if err == nil {
		err = yaml.Unmarshal(body, &c.told)
	}
	if err == nil && len(c.told.Schema.Configs) == 0 {
		err = errors.New("it is not Loki's")
	}
	c.err = err
	return err
}

const untold = "compare Loki's limits with docs/operations.md: Loki does not tell them, as in Grafana Cloud"

func (v *visit) lokiMetadata(ctx context.Context) Check {
	if len(v.Push) == 0 {
		return skip("no loki.write")
	}
	if err := v.config(ctx); err != nil {
		return warn(untold, "Loki's configuration cannot be read")
	}
	told, schema := &v.facts.told, ""
	for _, s := range told.Schema.Configs {
		if s.From <= v.opts.Now().UTC().Format(time.DateOnly) {
			schema = s.Schema
		}
	}
	switch version, _ := strconv.Atoi(strings.TrimPrefix(schema, "v")); {
	case !told.Limits.Structured:
		return fail("set allow_structured_metadata: true in Loki, or structured_metadata = {} here", "Loki refuses structured metadata")
	case version < 13:
		return fail("add a schema v13 with the store tsdb to Loki's schema_config, or set structured_metadata = {} here",
			"Loki's schema is %s, and structured metadata needs v13", schema)
	}
	return pass("taken: schema %s", schema)
}

func (v *visit) lokiLimits(ctx context.Context) Check {
	if len(v.Push) == 0 {
		return skip("no loki.write")
	}
	if err := v.config(ctx); err != nil {
		return warn(untold, "Loki's configuration cannot be read")
	}
	l, window := &v.facts.told.Limits, time.Duration(v.facts.told.Ingester.MaxChunkAge)/2
	maxAge, within := time.Duration(l.MaxAge), time.Duration(v.facts.told.Querier.Within)
	if !l.Reject {
		maxAge = 0
	}
	switch {
	case l.Unordered != nil && !*l.Unordered:
		return fail("set unordered_writes: true in Loki", "Loki refuses entries that are out of order, as late events are")
	case window > 0 && v.OutOfOrder > window:
		return fail("lower out_of_order_window, or raise max_chunk_age in Loki", "out_of_order_window is %s, and Loki takes entries "+
			"up to %s behind the newest of a stream", v.OutOfOrder, window)
	case maxAge > 0 && v.InitialLookback > maxAge:
		return fail("lower initial_lookback, or raise reject_old_samples_max_age in Loki", "initial_lookback is %s, and Loki refuses entries "+
			"older than %s", v.InitialLookback, maxAge)
	case v.Loki != nil && v.Loki.MaxAge != maxAge:
		return fail(fmt.Sprintf(`set reject_old_samples_max_age = "%s" in reconcile`, maxAge), "reconcile has reject_old_samples_max_age %s, "+
			"and Loki %s", v.Loki.MaxAge, maxAge)
	case v.Loki != nil && v.Loki.IngestersWithin != within:
		return fail(fmt.Sprintf(`set query_ingesters_within = "%s" in reconcile`, within), "reconcile has query_ingesters_within %s, and Loki %s",
			v.Loki.IngestersWithin, within)
	case l.MaxLine > 0 && v.found != nil && v.found.Large > 0 && l.MaxLine <= largeLine && !l.Truncate:
		return warn("raise max_line_size in Loki", "%d entries of the sample are over %d bytes, which Loki refuses", v.found.Large, l.MaxLine)
	}
	return pass("out-of-order window %s, entries up to %s old, lines up to %d bytes", window, maxAge, l.MaxLine)
}
