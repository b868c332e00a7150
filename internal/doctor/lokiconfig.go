package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/grafana/alloy/okta/internal/limits"
)

// lokiTold is the part of Loki's /config that entries depend on (Loki, configuration reference).
type lokiTold struct {
	Limits struct {
		Structured bool           `yaml:"allow_structured_metadata"` // left out when false (Loki 3.7.8, pkg/validation: omitempty)
		Reject     bool           `yaml:"reject_old_samples"`
		MaxAge     model.Duration `yaml:"reject_old_samples_max_age"`
		Unordered  *bool          `yaml:"unordered_writes"`
		MaxLine    size           `yaml:"max_line_size"`
		Truncate   bool           `yaml:"max_line_size_truncate"`
		Overrides  string         `yaml:"per_tenant_override_config"`
	} `yaml:"limits_config"`
	// Runtime has a file when tenants may have limits of their own. So does the deprecated per_tenant_override_config.
	Runtime struct {
		File any `yaml:"file"`
	} `yaml:"runtime_config"`
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
		return nil // a size that is not understood is not checked
	}
	*s = size(f * float64(unit))
	return nil
}

// config asks Loki for its configuration, once for all orgs of a tenant. Gateways and Grafana Cloud do not show it.
func (v *visit) config(ctx context.Context) (*lokiTold, error) {
	var base *url.URL
	var hc *http.Client
	tenant, user := "", ""
	switch {
	case v.Loki != nil:
		base, hc, tenant, user = v.Loki.URL, v.Loki.HTTP, v.Loki.Tenant, v.Loki.User
	case len(v.Push) > 0:
		u := *v.Push[0].URL
		u.Path, u.RawQuery = strings.TrimSuffix("/"+strings.Trim(u.Path, "/"), pushPath), ""
		base, hc, tenant, user = &u, v.Push[0].HTTP, v.Push[0].Tenant, v.Push[0].User
	default:
		return nil, errors.New("there is none")
	}
	target, own := base.JoinPath("config").String(), false
	ask := func() (*lokiTold, error) {
		own = true
		body, err := v.ask(ctx, hc, tenant, nil, http.MethodGet, target, nil)
		if err != nil {
			return nil, err
		}
		told := &lokiTold{}
		if yaml.Unmarshal(body, told) != nil || len(told.Schema.Configs) == 0 { // the error may quote what is not Loki's, so it is not used
			return nil, errors.New("what answers at /config is not Loki")
		}
		return told, nil
	}
	told, err := v.shared.configs.get([3]string{target, tenant, user}, ask)
	if r, ok := errors.AsType[*refusal](err); ok && !own && (r.status == http.StatusUnauthorized || r.status == http.StatusForbidden) {
		return ask() // the credential of another org was refused
	}
	return told, err
}

const untold = "compare Loki's limits with docs/operations.md: Loki does not tell them, as in Grafana Cloud"

// limit returns a failed check about a limit of limits_config. Where tenants may have limits of their own, which /config does not show, it
// is a warning.
func (t *lokiTold) limit(remedy, seen string, args ...any) Check {
	c := fail(remedy, seen, args...)
	if t.overridden() {
		c.Status = Warn
		c.Seen += ", unless this tenant has limits of its own"
		c.Remedy = "look at this tenant's limits in the file of Loki's runtime_config; if they do not differ, " + c.Remedy
	}
	return c
}

// overridden reports whether a tenant may have limits of its own.
func (t *lokiTold) overridden() bool {
	file := strings.Trim(fmt.Sprint(t.Runtime.File), "[] ") // text, or a list
	return t.Limits.Overrides != "" || t.Runtime.File != nil && file != ""
}

func (v *visit) lokiMetadata(ctx context.Context) Check {
	if len(v.Push) == 0 {
		return skip("no loki.write")
	}
	told, err := v.config(ctx)
	if err != nil {
		return warn(untold, "Loki's configuration cannot be read: %v", err)
	}
	schema := ""
	for _, s := range told.Schema.Configs {
		if s.From <= v.opts.Now().UTC().Format(time.DateOnly) {
			schema = s.Schema
		}
	}
	switch version, _ := strconv.Atoi(strings.TrimPrefix(schema, "v")); {
	case version < 13:
		return fail("add a schema v13 with the store tsdb to Loki's schema_config, or set structured_metadata = {} here",
			"Loki's schema is %s, and structured metadata needs v13", schema)
	case !told.Limits.Structured:
		return told.limit("set allow_structured_metadata: true in Loki, or structured_metadata = {} here", "Loki refuses structured metadata")
	}
	return pass("taken: schema %s", schema)
}

// lokiLimits reports the first limit that does not fit. Limits of Loki as a whole come before those that a tenant may have of its own.
func (v *visit) lokiLimits(ctx context.Context) Check {
	if len(v.Push) == 0 {
		return skip("no loki.write")
	}
	told, err := v.config(ctx)
	if err != nil {
		return v.lokiLimitsUntold(err)
	}
	window, within := time.Duration(told.Ingester.MaxChunkAge)/2, time.Duration(told.Querier.Within)
	switch {
	case window > 0 && v.OutOfOrder > window:
		return fail("lower out_of_order_window, or raise max_chunk_age in Loki",
			"out_of_order_window is %s, and Loki takes entries up to %s behind the newest of a stream", v.OutOfOrder, window)
	case v.Loki != nil && v.Loki.IngestersWithin != within:
		return fail(fmt.Sprintf(`set query_ingesters_within = "%s" in reconcile`, within),
			"reconcile has query_ingesters_within %s, and Loki %s", v.Loki.IngestersWithin, within)
	}
	return v.lokiTenantLimits(told, window)
}

func (v *visit) lokiTenantLimits(told *lokiTold, window time.Duration) Check {
	l, maxAge := &told.Limits, time.Duration(told.Limits.MaxAge)
	if !l.Reject {
		maxAge = 0
	}
	switch {
	case l.Unordered != nil && !*l.Unordered:
		return told.limit("set unordered_writes: true in Loki", "Loki refuses entries that are out of order, as late events are")
	case maxAge > 0 && v.InitialLookback > maxAge && !v.failed["retention"]: // where the remedy is the same
		return told.limit("lower initial_lookback, or raise reject_old_samples_max_age in Loki",
			"initial_lookback is %s, and Loki refuses entries older than %s", v.InitialLookback, maxAge)
	case v.Loki != nil && v.Loki.MaxAge != maxAge:
		return told.limit(fmt.Sprintf(`set reject_old_samples_max_age = "%s" in reconcile`, maxAge),
			"reconcile has reject_old_samples_max_age %s, and Loki %s", v.Loki.MaxAge, maxAge)
	case l.MaxLine > 0 && v.found != nil && v.found.Large > 0 && l.MaxLine <= limits.MaxLine && !l.Truncate:
		return warn("raise max_line_size in Loki", "%d entries of the sample are over %d bytes, which Loki refuses", v.found.Large, l.MaxLine)
	case told.overridden():
		return pass("out-of-order window %s; by default entries up to %s old, lines up to %d bytes", window, maxAge, l.MaxLine)
	}
	return pass("out-of-order window %s, entries up to %s old, lines up to %d bytes", window, maxAge, l.MaxLine)
}

// lokiLimitsUntold is for a Loki that does not show its configuration: it compares with what ours says of Loki.
func (v *visit) lokiLimitsUntold(err error) Check {
	if v.Loki != nil && v.Loki.MaxAge > 0 && v.InitialLookback > v.Loki.MaxAge && !v.failed["retention"] {
		return fail("lower initial_lookback, or raise reject_old_samples_max_age in Loki and in reconcile",
			"initial_lookback is %s, and reconcile says that Loki refuses entries older than %s", v.InitialLookback, v.Loki.MaxAge)
	}
	return warn(untold, "Loki's configuration cannot be read: %v", err)
}
