package detections

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

var dropped = regexp.MustCompile(`(?m)^\t+"([^"]+)",$`)

// droppedBy are the types that a list in detections/drop drops.
func droppedBy(t *testing.T, list string) (types []string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("drop", list+".alloy"))
	require.NoError(t, err)
	for _, m := range dropped.FindAllStringSubmatch(string(content), -1) {
		types = append(types, m[1])
	}
	require.Contains(t, string(content), fmt.Sprintf("It drops %d of the ", len(types)))
	return types
}

// TestDropListsDropNothingThatIsRead holds the lists against docs/coverage.md, which names what reads each type, and against the events
// that Sigma's rules are tested with.
func TestDropListsDropNothingThatIsRead(t *testing.T) {
	page, err := os.ReadFile("../docs/coverage.md")
	require.NoError(t, err)
	rows := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*) \\|$").FindAllStringSubmatch(string(page), -1) {
		rows[m[1]] = m[2]
	}
	require.Len(t, rows, len(releasesOf(eventTypes)))
	var before []string
	for _, list := range dropLists {
		types := droppedBy(t, list.name)
		require.Subset(t, types, before, "each list drops what the one before does")
		require.Greater(t, len(types), len(before))
		before = types
		for _, name := range types {
			require.Regexp(t, `^none: [^|]+ \|  \|\s*$`, rows[name], name)
		}
	}
	for name, row := range rows {
		require.Equal(t, strings.HasPrefix(row, "none: "), slices.Contains(before, name), "the strong list has all that nothing reads: %s", name)
	}
	events, err := filepath.Glob("sigma/rules/*/event.json")
	require.NoError(t, err)
	require.Len(t, events, len(sigmaRules(t)))
	for _, file := range events {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, before, gjson.GetBytes(content, "eventType").Str, file)
	}
}

// TestRulesWorkWithoutWhatIsDropped has each rule judge its events without those that the strong list drops.
func TestRulesWorkWithoutWhatIsDropped(t *testing.T) {
	t.Parallel()
	types := droppedBy(t, "strong")
	verdicts := judge(t, event.FormatEnvelope, variant{name: "dropped", change: func(all []event.Entry) []event.Entry {
		return slices.DeleteFunc(all, func(e event.Entry) bool {
			return slices.Contains(types, gjson.Get(e.Line, "event.eventType").Str)
		})
	}})
	for _, rule := range rules(t) {
		oneAlert(t, rule, verdicts[rule.Name][0].fires)
		require.Empty(t, verdicts[rule.Name][0].silent, rule.Name)
	}
}

// TestTheSavingIsAsDocumented measures what each list saves, in bytes of lines, on a day of a quiet org.
func TestTheSavingIsAsDocumented(t *testing.T) {
	var raw [][]byte
	synctest.Test(t, func(*testing.T) {
		o := &oktasim.Org{Quiet: true}
		o.Generate(20_000, 24*time.Hour)
		raw = o.Events()
	})
	page, err := os.ReadFile("../docs/volume.md")
	require.NoError(t, err)
	for _, list := range dropLists {
		types := droppedBy(t, list.name)
		all, saved, n := 0, 0, 0
		for _, e := range raw {
			all += len(e)
			if slices.Contains(types, gjson.GetBytes(e, "eventType").Str) {
				saved += len(e)
				n++
			}
		}
		row := fmt.Sprintf("\n| [`%[1]s`](../detections/drop/%[1]s.alloy) | %d | %.1f %% | %.1f %% |", list.name, len(types),
			100*float64(saved)/float64(all), 100*float64(n)/float64(len(raw)))
		require.Contains(t, string(page), row)
	}
}
