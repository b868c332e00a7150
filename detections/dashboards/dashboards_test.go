package dashboards

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shown is the part of Grafana's model that is held to account.
type shown struct {
	UID, Title, Description string
	Templating              struct {
		List []struct{ Name, Type, Label string }
	}
	Panels []shownPanel
}

type shownPanel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Links                    []struct{ Title, URL string }
	Datasource               struct{ UID string }
	Targets                  []shownTarget
	FieldConfig              struct {
		Defaults struct{ Unit, NoValue string }
	}
}

type shownTarget struct {
	Expr, LegendFormat, QueryType string
	Datasource                    struct{ Type, UID string }
}

func boards(t *testing.T, format LineFormat) map[string]shown {
	t.Helper()
	files, err := Files(format)
	require.NoError(t, err)
	boards := map[string]shown{}
	for name, content := range files {
		var d shown
		require.NoError(t, json.Unmarshal(content, &d))
		require.Equal(t, name, d.UID+".json")
		boards[d.UID] = d
	}
	require.Len(t, boards, 5)
	return boards
}

// panels are all but the rows, by "board: title".
func panels(t *testing.T, format LineFormat) map[string]shownPanel {
	t.Helper()
	all := map[string]shownPanel{}
	for uid, d := range boards(t, format) {
		for _, p := range d.Panels {
			name := uid + ": " + p.Title
			if p.Type != "row" {
				require.Empty(t, all[name].Title, "%s twice", name)
				all[name] = p
			}
		}
	}
	return all
}

func TestEveryPanelExplainsItself(t *testing.T) {
	for name, p := range panels(t, Envelope) {
		require.NotEmpty(t, p.Description, name)
		require.NotEmpty(t, p.FieldConfig.Defaults.Unit, name)
		require.NotEmpty(t, p.FieldConfig.Defaults.NoValue, name)
		require.Equal(t, "${datasource}", p.Datasource.UID, name)
		require.Len(t, p.Targets, 1, name)
		require.Equal(t, "loki", p.Targets[0].Datasource.Type)
		require.Equal(t, "${datasource}", p.Targets[0].Datasource.UID)
		require.Equal(t, "Explore", p.Links[0].Title, name)
	}
}

func TestTheLayoutHasNoHolesAndNoOverlaps(t *testing.T) {
	for uid, d := range boards(t, Envelope) {
		require.NotEmpty(t, d.Title)
		require.NotEmpty(t, d.Description)
		ids, taken, bottom := map[int]bool{}, map[string]string{}, 0
		for _, p := range d.Panels {
			require.False(t, ids[p.ID], "%s: two panels have the id %d", uid, p.ID)
			require.Positive(t, p.ID)
			ids[p.ID] = true
			g := p.GridPos
			require.True(t, g.W > 0 && g.H > 0 && g.X+g.W <= 24, "%s: %q does not fit into 24 columns", uid, p.Title)
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					cell := fmt.Sprint(x, ",", y)
					require.Empty(t, taken[cell], "%s: %q overlaps %q", uid, p.Title, taken[cell])
					taken[cell] = p.Title
				}
			}
			bottom = max(bottom, g.Y+g.H)
		}
		require.Len(t, taken, 24*bottom, "%s: holes between panels", uid)
	}
}

var variable = regexp.MustCompile(`\$\{?(\w+)(?::\w+)?\}?`)

func TestQueriesUseTheVariablesThereAre(t *testing.T) {
	for uid, d := range boards(t, Envelope) {
		known, used := []string{"__range", "__auto"}, map[string]bool{"datasource": true}
		for _, v := range d.Templating.List {
			known = append(known, v.Name)
			require.NotEmpty(t, v.Label)
		}
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				for _, v := range variable.FindAllStringSubmatch(target.Expr, -1) {
					require.Contains(t, known, v[1], "%s: %s", uid, p.Title)
					used[v[1]] = true
				}
				require.NotRegexp(t, `\[\d`, strings.ReplaceAll(target.Expr, "[7d] offset", ""), "a range of its own")
			}
		}
		for _, v := range d.Templating.List {
			require.True(t, used[v.Name], "%s: nothing uses %s", uid, v.Name)
		}
	}
	require.Len(t, boards(t, Envelope)[investigationUID].Templating.List, 7, "data source, job, org; user, IP, session, event type")
}

// Grafana fills in the variables of a link as text, so what it gets must still be a URL whose panes are JSON.
func TestExploreLinksCarryTheQuery(t *testing.T) {
	values := map[string]string{
		"datasource": "loki-1", "org:pipe": "acme.okta.com|beta.okta.com", "job:raw": "loki.source.okta", "user:pipe": "zoë@acme.example",
		"ip:pipe": "203.0.113.", "session:pipe": "102x-_", "eventType:pipe": "user.mfa", "__from": "1787313300000", "__to": "1787313600000",
	}
	for name, p := range panels(t, Envelope) {
		filled := p.Links[0].URL
		for variable, value := range values {
			filled = strings.ReplaceAll(filled, "${"+variable+"}", value)
		}
		require.NotContains(t, filled, "$", name)
		link, err := url.Parse(filled)
		require.NoError(t, err)
		require.Equal(t, "/explore", link.Path)
		var panes map[string]struct {
			Datasource string
			Queries    []struct{ Expr, QueryType string }
			Range      struct{ From, To string }
		}
		require.NoError(t, json.Unmarshal([]byte(link.Query().Get("panes")), &panes), name)
		pane := panes["okta"]
		require.Equal(t, "loki-1", pane.Datasource)
		require.Equal(t, "1787313300000", pane.Range.From)
		want := strings.ReplaceAll(p.Targets[0].Expr, ":regex}", ":pipe}")
		for variable, value := range values {
			want = strings.ReplaceAll(want, "${"+variable+"}", value)
		}
		require.Equal(t, want, pane.Queries[0].Expr)
		require.Equal(t, p.Targets[0].QueryType, pane.Queries[0].QueryType)
	}
}

// What a panel needs beyond the default metadata and unredacted identities is in the documentation, too.
func TestTheDocsSayWhatPanelsNeed(t *testing.T) {
	content, err := os.ReadFile("../../docs/dashboards.md")
	require.NoError(t, err)
	docs := string(content)
	everywhere := regexp.MustCompile(`^(the structured metadata|client\.|securityContext\.|debugContext\.debugData\.(factor|requestUri)$|transaction\.)`)
	rows := 0
	for name, p := range panels(t, Envelope) {
		_, needs, ok := strings.Cut(strings.TrimSuffix(p.FieldConfig.Defaults.NoValue, "."), "Needs ")
		if !ok || everywhere.MatchString(needs) && !strings.Contains(needs, " seven days ") {
			continue
		}
		require.Contains(t, docs, "\n| "+p.Title+" | "+needs+" |\n", name)
		rows++
	}
	_, table, _ := strings.Cut(docs, "| Panel | Needs |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	require.Len(t, strings.Split(table, "\n"), rows, "the table has rows that no panel needs")
	for uid, d := range boards(t, Envelope) {
		require.Contains(t, docs, "| "+d.Title+" | ")
		require.Contains(t, docs, "](../detections/dashboards/"+uid+".json)")
		for _, v := range d.Templating.List {
			require.Contains(t, docs, "\n| `"+v.Name+"` | ")
		}
	}
}
