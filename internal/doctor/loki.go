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

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/httptext"
)

const (
	lokiTimeout = 30 * time.Second
	lokiBody    = 4 << 20
	pushPath    = "/loki/api/v1/push"
)

// refusal is an answer of Loki's that is an error.
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
		if errors.As(err, &inner) { // the text of err has the URL, which may hold a secret
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

// tenant compares where entries are sent and where they are looked for, without a request.
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

// lokiPush sends a push of no streams to each endpoint, once for all orgs, which proves that address and credential are right, but not that
// entries are within limits.
func (v *visit) lokiPush(ctx context.Context) Check {
	if len(v.Push) == 0 {
		if len(v.Others) > 0 {
			return warn("look at that component's own metrics", "entries go to %s, which is not looked at", strings.Join(v.Others, ", "))
		}
		return warn("forward to a loki.write", "entries go to no component that delivers them")
	}
	for _, p := range v.Push {
		endpoint := [5]string{p.Component, p.URL.String(), p.Tenant, p.User, fmt.Sprint(p.Header)}
		_, err := v.shared.pushes.get(endpoint, func() (none struct{}, err error) {
			body := []byte(`{"streams":[]}`)
			if v.opts.SendTest {
				body = v.testEntry()
			}
			_, err = v.ask(ctx, p.HTTP, p.Tenant, p.Header, http.MethodPost, p.URL.String(), body)
			return none, err
		})
		if err != nil && !wantsMore(err) {
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

// testEntry belongs to no org: an endpoint gets one entry for all orgs whose entries go there.
func (v *visit) testEntry() []byte {
	labels := map[string]string{"job": event.Job, "doctor": "1"}
	metadata := map[string]string{"eventType": "doctor"}
	now := v.opts.Now()
	line, _ := json.Marshal(map[string]string{ // strings: cannot fail
		"message": "alloy-okta doctor was here", "time": now.UTC().Format(time.RFC3339),
	})
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
