package detections

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestEveryEventTypeHasARuleOrAReason(t *testing.T) {
	coverage, err := coverageOf(".", rules(t), sigmaRules(t))
	require.NoError(t, err)
	require.Len(t, coverage.types, 1274)
	require.Emptyf(t, coverage.Gaps(), "types without a rule, a panel, and a reason in not-covered.yaml")
	for _, k := range coverage.kinds {
		require.NotEmpty(t, k.Reason, k.Name)
		for _, pattern := range k.Types {
			require.Truef(t, matchesSome(coverage, pattern), "%s: %s stands for no type of the catalog", k.Name, pattern)
		}
	}
	page := coverage.Page()
	for _, name := range coverage.types {
		require.Equal(t, 1, strings.Count(page, "\n| `"+name+"` |"), name)
	}
}

func TestNumbersHaveCommas(t *testing.T) {
	for n, want := range map[int]string{0: "0", 836: "836", 1_000: "1,000", 1_274: "1,274", 12_345: "12,345", 1_000_007: "1,000,007"} {
		require.Equal(t, want, grouped(n))
	}
}

func matchesSome(c *Coverage, pattern string) bool {
	for _, name := range c.types {
		if (kind{Types: []string{pattern}}).has(name, c.releases[name], c.releases[name]) {
			return true
		}
	}
	return false
}

// TestWhatANewCatalogBringsNeedsARuleOrAReason takes over a catalog with one more type of each sort.
func TestWhatANewCatalogBringsNeedsARuleOrAReason(t *testing.T) {
	next := `{"release": "2026.09.0", "versions": [{"eventTypes": [{"id": "user.session.start"}, {"id": "pam.secret.steal"}, ` +
		`{"id": "policy.rule.deactivate"}, {"id": "system.idp.lifecycle.replace"}, {"id": "user.teleport"}]}]}`
	catalog, err := Catalog([]byte(next), eventTypes)
	require.NoError(t, err)
	require.Contains(t, string(catalog), "user.session.start 2026.08.1\n")
	require.Contains(t, string(catalog), "user.teleport 2026.09.0\n")
	require.NotContains(t, string(catalog), "user.session.end", "the catalog has it no more")

	reasons, err := os.ReadFile("not-covered.yaml")
	require.NoError(t, err)
	gaps := func(reasons string) []string {
		coverage, err := cover(string(catalog), rules(t), sigmaRules(t), os.DirFS("dashboards"), []byte(reasons))
		require.NoError(t, err)
		return coverage.Gaps()
	}
	require.Equal(t, []string{"pam.secret.steal", "user.teleport"}, gaps(string(reasons)), "a panel shows all of system.idp.lifecycle")
	require.Equal(t, []string{"pam.secret.steal"}, gaps(strings.Replace(string(reasons), "- user.*\n", "- user.teleport\n", 1)))
	require.Empty(t, gaps(strings.Replace(string(reasons), "looked: 2026.08.1", "looked: 2026.09.0", 1)))

	for name, bad := range map[string]string{
		"no JSON": "<html>", "no types": `{"release": "2026.09.0"}`, "no release": `{"versions": [{"eventTypes": [{"id": "a"}]}]}`,
	} {
		_, err := Catalog([]byte(bad), "")
		require.ErrorContains(t, err, "reading the catalog of event types", name)
	}
	_, err = cover(string(catalog), nil, nil, fstest.MapFS{}, []byte("kind: x"))
	require.ErrorContains(t, err, "not-covered.yaml")
}

func TestAQueryTellsWhichTypesItSelects(t *testing.T) {
	types := []string{"a.b", "a.b.c", "a.bc", "x"}
	for query, want := range map[string][]string{
		"| event_type=`a.b`":                                             {"a.b"},
		`| event_type="a.b"`:                                             {"a.b"},
		`| eventType=~"a\\.b.*|x"`:                                       {"a.b", "a.b.c", "a.bc", "x"},
		"| event_type=~`a\\.b` | event_type!=`x`":                        {"a.b"},
		"| event_type=~`a.*` | event_type!=`a.b`":                        {"a.b.c", "a.bc"},
		"| event_type=~`a.*` | event_type!~`a.b.+`":                      {"a.b"},
		"| event_type=~`a.*` | event_type!=`a.b` or factor=`x`":          {"a.b", "a.b.c", "a.bc"},
		"| event_type=~`a.*` | result=`x` or event_type!=`a.b`":          {"a.b", "a.b.c", "a.bc"},
		"| json | event_eventType=`a.b` or event_eventType=`x`":          {"a.b", "x"},
		"| (event_eventType=`a.b` or event_eventType=`x`) and y=`a.b.c`": {"a.b", "x"},
		"| event_outcome_result=`x`":                                     nil,
		"A(| event_type=`a.b`) unless A(| event_type=`x`)":               {"a.b", "x"},
	} {
		got, err := selects(query, types)
		require.NoError(t, err, query)
		require.Equal(t, want, got, query)
	}
	_, err := selects("| event_type=~`(`", types)
	require.Error(t, err)
}
