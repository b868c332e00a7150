package detections

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/detections/lokitest"
	"github.com/grafana/alloy/okta/internal/event"
)

var evaluatedAt = time.Date(2026, 8, 21, 10, 7, 0, 0, time.UTC)

// rulerRender renders an annotation as Loki's ruler does: rules/alerting.go of Prometheus.
func rulerRender(t *testing.T, text string, labels map[string]string, external string) string {
	t.Helper()
	text = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}" + text
	return render(t, text, template.AlertTemplateData(labels, nil, external, promql.Sample{F: 3}), external, nil)
}

// grafanaRender renders it as Grafana does: pkg/services/ngalert/state/template.
func grafanaRender(t *testing.T, text string, labels map[string]string, external string) string {
	t.Helper()
	type value struct {
		Labels map[string]string
		Value  float64
	}
	text = "{{- $labels := .Labels -}}{{- $values := .Values -}}{{- $value := .Value -}}" + text
	data := struct {
		Labels map[string]string
		Values map[string]value
		Value  string
	}{labels, map[string]value{"A": {labels, 3}}, "[ var='A' value=3 ]"}
	return render(t, text, data, external, []string{"missingkey=invalid"})
}

func render(t *testing.T, text string, data any, external string, options []string) string {
	t.Helper()
	root, err := url.Parse(external)
	require.NoError(t, err)
	query := func(context.Context, string, time.Time) (promql.Vector, error) { return nil, nil }
	now := model.TimeFromUnixNano(evaluatedAt.UnixNano())
	out, err := template.NewTemplateExpander(t.Context(), text, "__alert_x", data, now, query, root, options).Expand()
	require.NoError(t, err, text)
	require.NotContains(t, out, "no value", text)
	return out
}

// odd are values of labels that must come through links, and through LogQL, as they are.
var odd = []string{"mara@acme.example", `a+b&c=d%20"e"`, "zoë.müller@acme.example", "山田 太郎", `back\slash`, "unknown", ""}

// newerThanGrafana are Prometheus' functions that Grafana 12 does not have: it is built with Prometheus 3.3 or older.
var newerThanGrafana = regexp.MustCompile(`\b(now|toDuration|urlQueryEscape)\b`)

func dashboardVariables(t *testing.T) (names []string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("dashboards", Dashboard+".json"))
	require.NoError(t, err)
	var board struct {
		UID        string
		Templating struct{ List []struct{ Name string } }
		Panels     []struct {
			ID    int
			Title string
		}
	}
	require.NoError(t, json.Unmarshal(content, &board))
	require.Equal(t, Dashboard, board.UID)
	for _, v := range board.Templating.List {
		names = append(names, "var-"+v.Name)
	}
	for _, p := range board.Panels {
		if strconv.Itoa(p.ID) == DashboardPanel {
			require.Equal(t, "By event type", p.Title)
			return names
		}
	}
	require.Fail(t, "no panel "+DashboardPanel)
	return nil
}

func TestLinksOfAlertsLeadToTheirEvents(t *testing.T) {
	variables := dashboardVariables(t)
	for _, rule := range append(rules(t), sigmaRules(t)...) {
		for name, c := range map[string]struct {
			engine
			render func(*testing.T, string, map[string]string, string) string
		}{"ruler": {rulerEngine, rulerRender}, "grafana": {grafanaEngine, grafanaRender}} {
			for _, value := range odd {
				for external, want := range map[string]string{
					"https://grafana.example/":  "https://grafana.example/d/" + Dashboard,
					"https://a.example/grafana": "https://a.example/grafana/d/" + Dashboard,
				} {
					labels := map[string]string{"at": "2026-08-21T10:00:00.000Z"}
					for _, label := range append(slices.Clone(rule.Labels), evidence[:2]...) {
						if labels[label] = value; value == "" {
							delete(labels, label) // Loki leaves out what is empty
						}
					}
					annotations := rule.annotations(c.engine, event.FormatEnvelope, DefaultLinks)
					link, err := url.Parse(c.render(t, annotations["dashboard"], labels, external))
					require.NoError(t, err, rule.Name)
					require.Equal(t, want, strings.SplitN(link.String(), "?", 2)[0])
					query, err := url.ParseQuery(link.RawQuery)
					require.NoError(t, err, rule.Name)
					for variable := range query {
						require.Contains(t, append(variables, "from", "to"), variable, rule.Name)
					}
					if name == "ruler" {
						require.Equal(t, strconv.FormatInt(evaluatedAt.UnixMilli(), 10), query.Get("to"))
						begin := evaluatedAt.Add(-time.Hour - time.Duration(rule.Window))
						require.Equal(t, strconv.FormatInt(begin.UnixMilli(), 10), query.Get("from"))
					} else {
						require.Contains(t, []string{"now-24h", labels["at"]}, query.Get("from"))
					}
					narrowed := query.Get("var-user") + query.Get("var-ip") + query.Get("var-session")
					if slices.ContainsFunc(rule.Labels, func(l string) bool { return l != "org" && l != "job" && l != "asn" }) {
						require.Equal(t, value, narrowed, "%s: %s", rule.Name, name)
					}
					summary := c.render(t, annotations["summary"], labels, external)
					require.NotContains(t, summary, "{{")
					for _, label := range rule.Labels {
						require.Contains(t, summary, value, "%s: %s", rule.Name, label)
					}
					if rule.single() {
						require.Contains(t, summary, "3 events within "+rule.Window.String()+", since 2026-08-21T10:00:00.000Z.")
					}
					logs := c.render(t, annotations["log_query"], labels, external)
					require.Regexp(t, "^{job=[\"`]loki.source.okta[\"`]}", logs)
				}
			}
			for name, text := range rule.annotations(grafanaEngine, event.FormatEnvelope, DefaultLinks) {
				for _, action := range regexp.MustCompile(`{{[^{}]*}}`).FindAllString(text, -1) {
					require.NotRegexp(t, newerThanGrafana, action, "%s: %s", rule.Name, name)
				}
			}
		}
	}
}

func TestLinksLeadToTheGrafanaThatIsNamed(t *testing.T) {
	links := DefaultLinks
	links.Grafana, links.DataSource = "https://grafana.example/sub/", "abc"
	link := rulerRender(t, rules(t)[0].link(rulerEngine, links), map[string]string{"actor_id": "00u1"}, "")
	want := "https://grafana.example/sub/d/okta-investigation?var-job=loki.source.okta&var-datasource=abc&"
	require.True(t, strings.HasPrefix(link, want), link)
}

// TestLogQueriesFindTheEvents runs each alert's log query, filled in with the labels of the alert, over the events that raise it.
func TestLogQueriesFindTheEvents(t *testing.T) {
	t.Parallel()
	f, err := event.New(event.Options{Org: org})
	require.NoError(t, err)
	for _, rule := range rules(t) {
		loki := &lokitest.Loki{}
		all := fixture(t, f, filepath.Join("rules", rule.Name, "fires.jsonl"))
		from, to := all[0].Timestamp, all[0].Timestamp
		for _, e := range all {
			loki.Push(e)
			if e.Timestamp.Before(from) {
				from = e.Timestamp
			}
			if e.Timestamp.After(to) {
				to = e.Timestamp
			}
		}
		found := alerts(t, rule, event.FormatEnvelope, all, 0)
		require.NotEmpty(t, found, rule.Name)
		query := rulerRender(t, rule.annotations(rulerEngine, event.FormatEnvelope, DefaultLinks)["log_query"], found[0], "")
		lines, err := loki.Lines(t.Context(), query, from, to.Add(1))
		require.NoError(t, err, "%s: %s", rule.Name, query)
		require.NotEmpty(t, lines, "%s: %s", rule.Name, query)
	}
}

func TestEvidenceIsInTheAlert(t *testing.T) {
	t.Parallel()
	f, err := event.New(event.Options{Org: org})
	require.NoError(t, err)
	const one = `{"uuid":"%","published":"2026-08-21T10:MM:00.000Z","eventType":"user.account.privilege.grant",` +
		`"actor":{"id":"00u1","alternateId":"ann@acme.example"},"outcome":{"result":"SUCCESS"},"client":{"ipAddress":"203.0.113.7"},` +
		`"debugContext":{"debugData":{"privilegeGranted":"Super administrator"}},"target":[{"type":"User","id":"00u2","alternateId":"TT@acme.example","displayName":"T"},` +
		`{"type":"ROLE","displayName":"Super"}]}` + "\n"
	line := func(uuid, minute, target string) string {
		return strings.NewReplacer("%", uuid, "MM", minute, "TT", target).Replace(one)
	}
	i := slices.IndexFunc(rules(t), func(r Rule) bool { return r.Name == "super-admin-granted" })
	rule := rules(t)[i]
	const bob = "bob@acme.example, Super 203.0.113.7 2026-08-21T10:00:00.000Z"
	for name, c := range map[string]struct {
		lines string
		want  []string // target, ip, at of each alert
	}{
		"one act":                  {line("a", "01", "bob"), []string{bob}},
		"again at once":            {line("a", "01", "bob") + line("b", "02", "bob"), []string{bob}},
		"again, to somebody else":  {line("a", "01", "bob") + line("b", "02", "eve"), []string{bob, strings.Replace(bob, "bob", "eve", 1)}},
		"again, a quarter later":   {line("a", "01", "bob") + line("b", "16", "bob"), []string{bob, strings.Replace(bob, "10:00", "10:15", 1)}},
		"twice in Loki is one act": {line("a", "01", "bob") + line("a", "01", "bob"), []string{bob}},
	} {
		var got []string
		for _, alert := range allAlerts(t, rule, event.FormatEnvelope, entries(t, f, []byte(c.lines)), 0) {
			got = append(got, alert["target"]+" "+alert["ip"]+" "+alert["at"])
		}
		slices.Sort(got)
		require.Equal(t, c.want, got, name)
	}
}

func TestEveryRuleHasItsRunbook(t *testing.T) {
	page, err := os.ReadFile("../docs/runbooks.md")
	require.NoError(t, err)
	for _, rule := range append(rules(t), sigmaRules(t)...) {
		require.Contains(t, string(page), "\n## "+rule.Alert()+"\n", rule.Name)
		require.NotEmpty(t, rule.Investigate, rule.Name)
		require.NotEmpty(t, rule.Contain, rule.Name)
		_, anchor, _ := strings.Cut(rule.annotations(rulerEngine, event.FormatEnvelope, DefaultLinks)["runbook_url"], "#")
		require.Equal(t, strings.ToLower(rule.Alert()), anchor)
	}
	for _, wrong := range []string{"persn", ""} {
		_, err := containment([]string{wrong})
		require.ErrorContains(t, err, "no list in contain.yaml")
	}
}

// TestEveryStepSaysWhere wants the place wherever a step asks for what is done in Okta, and no action that nothing asks for.
func TestEveryStepSaysWhere(t *testing.T) {
	actions, err := readActions()
	require.NoError(t, err)
	table, said := actionsTable(actions), map[string]bool{}
	asks := map[string]string{
		"(?i)clear (its|the .*)sessions": "clear-sessions", "(?i)suspend (it|the) ": "suspend", "(?i)reset the password": "reset-password",
		"(?i)revoke the API token": "revoke-token", "Block the address": "block-address", "ThreatInsight": "threat-insight",
		"(?i)deactivate the identity provider": "deactivate-idp", "(?i)deactivate the application": "deactivate-key",
	}
	for _, rule := range append(rules(t), sigmaRules(t)...) {
		for _, step := range rule.Contain {
			for _, a := range actions {
				said[a.Name] = said[a.Name] || strings.Contains(step, a.where())
				for words, name := range asks {
					if name == a.Name && regexp.MustCompile(words).MatchString(step) {
						require.Contains(t, step, a.where(), rule.Name)
					}
				}
			}
		}
	}
	for _, a := range actions {
		require.True(t, said[a.Name], "no rule's contain says where to: %s", a.Action)
		require.Contains(t, table, "| ["+a.Action+"](https://")
		for _, source := range a.Sources {
			require.Regexp(t, `^https://[a-z.]*okta\.(com|github\.io)/`, source)
		}
		for _, request := range a.API {
			require.Regexp(t, `^(DELETE|PATCH|POST|PUT) /api/v1/`, request)
			require.Contains(t, table, "`"+request+"`")
		}
	}
	for _, wrong := range []string{"Do {suspent} now.", "Do {} now."} {
		_, err := containment([]string{wrong})
		require.ErrorContains(t, err, "names nothing in actions.yaml")
	}
}
