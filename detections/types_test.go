package detections

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
)

// byType is the end of a query that looks at an event's type, at whether it failed, and at nothing else.
var byType = regexp.MustCompile("__error__=\"\" \\| event_type=~?[`\"][^`\"]+[`\"] \\| result!~`FAILURE\\|DENY`\\s*(\\[|\\| json ip=)")

var eventTypeOf = regexp.MustCompile(`"eventType":"[^"]*"`)

// TestARuleFiresForEachOfItsEventTypes has the first event of fires.jsonl logged under each event type of the catalog that the rule names,
// in the case of rules that look at the type alone: its line filter lets each through, and none of them fires when it failed.
func TestARuleFiresForEachOfItsEventTypes(t *testing.T) {
	tested := 0
	for _, rule := range rules(t) {
		alone := byType.MatchString(rule.Query) && strings.Count(rule.Query, " by (")+strings.Count(rule.Query, "count_over_time") == 2
		if !alone && rule.Name != "protection-lowered" {
			continue
		}
		content, err := os.ReadFile(filepath.Join("rules", rule.Name, "fires.jsonl"))
		require.NoError(t, err)
		first, _, _ := bytes.Cut(content, []byte("\n"))
		types, err := selects(rule.Query, eventTypeNames())
		require.NoError(t, err)
		require.NotEmpty(t, types, rule.Name)
		byOrg := map[string][]event.Entry{}
		for _, name := range types {
			for _, result := range []string{"SUCCESS", "FAILURE"} {
				f, err := event.New(event.Options{Org: name + " " + result})
				require.NoError(t, err)
				line := eventTypeOf.ReplaceAll(first, []byte(`"eventType":"`+name+`"`))
				line = bytes.Replace(line, []byte(`"outcome":{"result":"SUCCESS"`), []byte(`"outcome":{"result":"`+result+`"`), 1)
				require.Contains(t, string(line), `{"result":"`+result+`"`)
				byOrg[name+" "+result] = entries(t, f, line)
			}
		}
		raised := raisedByOrg(t, rule, event.FormatEnvelope, byOrg)
		for _, name := range types {
			require.Lenf(t, raised[name+" SUCCESS"], 1, "%s: %s", rule.Name, name)
			require.Emptyf(t, raised[name+" FAILURE"], "%s: %s failed", rule.Name, name)
		}
		tested++
	}
	require.GreaterOrEqual(t, tested, 15)
}

func eventTypeNames() (names []string) {
	for name := range releasesOf(eventTypes) {
		names = append(names, name)
	}
	return names
}
