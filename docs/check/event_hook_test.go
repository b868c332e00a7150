package check

import (
	"io"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/syntax/alloytypes"
	"github.com/grafana/alloy/syntax/encoding/alloyjson"

	"github.com/grafana/alloy/okta/component/loki/source/okta_event_hook"
	"github.com/grafana/alloy/okta/internal/hook"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

const hookReference = "loki.source.okta_event_hook.md"

func TestTheEventHookPageDocumentsEveryArgument(t *testing.T) {
	requireDocumented(t, read(t, hookReference), reflect.ValueOf(&okta_event_hook.Arguments{}).Elem(), "org")
	var args okta_event_hook.Arguments
	args.SetToDefault()
	args.ForwardTo = []loki.LogsReceiver{loki.NewLogsReceiver()}
	require.ErrorContains(t, args.Validate(), "org", "a block that is required")
}

func TestTheEventHookPageDocumentsMetricsAndDebugInfo(t *testing.T) {
	p := read(t, hookReference)
	var args okta_event_hook.Arguments
	args.SetToDefault()
	args.ForwardTo = []loki.LogsReceiver{loki.NewLogsReceiver()}
	args.Orgs = []okta_event_hook.Org{{Name: "a", URL: "https://a.okta.com", Secrets: []alloytypes.Secret{"a secret of 16 bytes"}}}
	registry := prometheus.NewRegistry()
	c, err := okta_event_hook.New(component.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Registerer: registry}, args)
	require.NoError(t, err)
	families, err := registry.Gather()
	require.NoError(t, err)
	own := p.metrics(t)
	for _, f := range families {
		listed := own[f.GetName()]
		delete(own, f.GetName())
		require.Equal(t, f.GetHelp(), listed.Help, f.GetName())
		require.Equal(t, strings.ToLower(f.GetType().String()), listed.Type, f.GetName())
	}
	require.Empty(t, own, "the page lists metrics that do not exist")
	shown, err := alloyjson.MarshalBody(c.DebugInfo())
	require.NoError(t, err)
	text := read(t, "operations.md").sections["Debug information"]
	_, text, ok := strings.Cut(text, "`loki.source.okta_event_hook`")
	require.True(t, ok)
	names := regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(text, -1)
	require.Len(t, names, 6)
	for _, name := range names {
		if name[1] != "address" && name[1] != "last_hook" { // which are there when there is something to show
			require.Contains(t, string(shown), `"`+name[1]+`"`)
		}
	}
}

// What is eligible is Okta's list.
func TestTheEventHookPageCountsEligibleTypes(t *testing.T) {
	content, err := os.ReadFile("../" + hookReference)
	require.NoError(t, err)
	require.Len(t, oktasim.HookEligible(), 314)
	require.Contains(t, string(content), "314 of 1,274")
	for _, kind := range []string{"policy.evaluate_sign_on", "user.authentication.verify", "security.request.blocked",
		"user.mfa.okta_verify.deny_push", "zone.update", "user.session.impersonation.grant"} {
		require.NotContains(t, oktasim.HookEligible(), kind, "the page says so")
	}
}

// The page's two columns of event types are what Okta's list makes of them.
func TestTheEventHooksPageSortsTypesByEligibility(t *testing.T) {
	kind := regexp.MustCompile("`([a-z_]+\\.[A-Za-z0-9_.]+)`")
	text := read(t, "event-hooks.md").sections["Eligible event types"]
	checked := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		for column, cell := range cellsOf(strings.TrimSpace(line)) {
			for _, m := range kind.FindAllStringSubmatch(cell, -1) {
				require.Equal(t, column == 0, slices.Contains(oktasim.HookEligible(), m[1]), m[1])
				checked++
			}
		}
	}
	require.Greater(t, checked, 20)
}

// What the page says to look for is really logged, and its results are those of the metric.
func TestTheEventHooksPageQuotesWhatIsThere(t *testing.T) {
	text, code := read(t, "event-hooks.md").sections["When it does not work"], source(t)
	for _, m := range regexp.MustCompile("`(event hook [^`]+)`").FindAllStringSubmatch(text, -1) {
		require.Contains(t, code, `"`+m[1]+`"`)
	}
	for _, m := range regexp.MustCompile("`([a-z_]+)`,? (?:or|rises|rise|stopped)").FindAllStringSubmatch(text, -1) {
		known := slices.Contains(hook.Results(), hook.Result(m[1])) || strings.Contains(code, `event_hook_`+m[1])
		require.True(t, known, m[1])
	}
}
