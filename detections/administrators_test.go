package detections

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
)

// Each variant fires on the events of its rule if the party holds a role, whatever else is known, and not without the metadata, nor on the
// rule's near misses.
func TestVariantsForAdministrators(t *testing.T) {
	all := rules(t)
	variants := Administrators(all)
	require.GreaterOrEqual(t, len(variants), 6)
	require.LessOrEqual(t, len(variants), 10, "few: each is one more query")
	for _, lineFormat := range []string{event.FormatEnvelope, event.FormatEvent} {
		f, err := event.New(event.Options{Org: org, LineFormat: lineFormat})
		require.NoError(t, err)
		for _, variant := range variants {
			i := slices.IndexFunc(all, func(r Rule) bool { return r.Alert() == variant.base })
			rule := all[i]
			require.NotEqual(t, "high", rule.Severity, "it would raise nothing")
			require.Equal(t, "high", variant.Severity)
			raised := func(file string, c event.Context) []map[string]string {
				content, err := os.ReadFile(filepath.Join("rules", rule.Name, file))
				require.NoError(t, err)
				entries := entries(t, f, content)
				page, err := event.Scan(pageOf(content))
				require.NoError(t, err)
				for i := range page {
					entries[i] = f.EntryIn(c, page[i], time.Time{})
				}
				return alerts(t, variant, lineFormat, entries, 0)
			}
			both := event.Context{ActorRoles: "HELP_DESK_ADMIN", TargetRoles: "SUPER_ADMIN"}
			only, other := event.Context{ActorRoles: "ADMIN"}, event.Context{TargetRoles: "ADMIN"}
			if rule.Administrators == "target" {
				only, other = other, only
			}
			require.Len(t, raised("fires.jsonl", both), 1, variant.Name)
			require.Len(t, raised("fires.jsonl", only), 1, variant.Name)
			require.Empty(t, raised("fires.jsonl", other), variant.Name)
			require.Empty(t, raised("fires.jsonl", event.Context{}), variant.Name)
			require.Empty(t, raised("silent.jsonl", both), variant.Name)
		}
	}
}
