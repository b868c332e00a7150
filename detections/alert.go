package detections

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Links are the addresses in annotations.
type Links struct {
	Grafana    string // its URL, without a slash at the end; "" for the engine's own: external_url of Loki's ruler, root_url of Grafana
	Runbooks   string // the page of runbooks
	DataSource string // UID of the Loki data source in links; "" for Grafana's default one
	Job        string // the label job of the events
}

// DefaultLinks lead to the Grafana that the engine knows, and to the runbooks that every alloy-okta serves beside its UI.
var DefaultLinks = Links{Runbooks: "http://127.0.0.1:12345/docs/runbooks.md", Job: "loki.source.okta"}

// Dashboard is the UID of the dashboard to which alerts lead, and DashboardPanel the one of its panels that Grafana shows with an alert.
const (
	Dashboard      = "okta-investigation"
	DashboardPanel = "9"
)

// An engine evaluates alerts, and renders annotations. Both have Prometheus' template functions; of those here, Grafana 12 has urlquery,
// externalURL, and reReplaceAll, and no now, which came with Prometheus 3.6.
type engine struct {
	value string // an alert's number
	now   bool   // whether there is a function now
}

var (
	rulerEngine   = engine{value: "$value", now: true}
	grafanaEngine = engine{value: "$values.A.Value"}
)

// at is the time of evaluation, less a duration, as an action of the template language: method is one of Go's time.Time.
func at(ago time.Duration, method string) string {
	if ago == 0 {
		return "{{ (toTime now)." + method + " }}"
	}
	return fmt.Sprintf("{{ ((toTime now).Add -%d).%s }}", ago.Nanoseconds(), method)
}

// with is a text around a label, {} for its value, which is left out where the label is.
func with(label, text string) string {
	return "{{ with $labels." + label + " }}" + strings.ReplaceAll(text, "{}", "{{ . }}") + "{{ end }}"
}

// words are what a label means, in the order of the sentence. IDs stand with the name of what they are of.
var words = []struct{ label, text string }{
	{"actor", " By {}"}, {"actor_id", " ({})"}, {"client", " By the client {}"}, {"user", " On {}"},
	{"user_id", " ({})"}, {"target", " On {}"}, {"shared", " Shared: {}"}, {"audience", " For {}"},
	{"issuer", " Through the provider {}"}, {"detection", " Okta calls it {}"},
	{"event_type", " As {}"}, {"from", " From the setting {}"}, {"to", " to the setting {}"}, {"session", " In the session {}"},
	{"token_id", " With the token {}"}, {"device", " From the device {}"}, {"ip", " From the address {}"},
	{"asn", " From the network AS{}"},
	{"org", " In {}"}, {"job", " The job is {}"},
}

func (r Rule) has(label string) bool {
	return slices.Contains(r.Labels, label) || r.single() && slices.Contains(evidence, label)
}

// single tells whether the rule is about single events, so that its alerts have the labels of evidence.
func (r Rule) single() bool { return strings.Contains(r.Query, "label_format at=") }

// summary says what happened, who did it, to whom, from where, how often, and since when, in words.
func (r Rule) summary(e engine) string {
	var out strings.Builder
	out.WriteString(r.Title + ".")
	for _, w := range words {
		if !r.has(w.label) || w.label == "target" && r.has("user_id") { // the user is the target
			continue
		}
		text := w.text
		if w.label != "actor" && w.label != "user" && w.label != "from" { // what follows these is in the same sentence
			text += "."
		}
		out.WriteString(with(w.label, text))
	}
	if counted := r.counted(); counted != "" {
		fmt.Fprintf(&out, ` {{ printf "%%.0f" %s }} %s within %s`, e.value, counted, r.Window)
	} else {
		fmt.Fprintf(&out, " Within %s", r.Window)
	}
	switch {
	case r.single():
		out.WriteString(with("at", ", since {}"))
	case e.now:
		out.WriteString(", since " + at(time.Duration(r.Window), `UTC.Format "2006-01-02 15:04"`) + " UTC")
	}
	return out.String() + "."
}

// units are what a query counts, by the label of its innermost grouping that its outermost does not have.
var units = map[string]string{
	"uuid": "events", "tx": "events", "actor_id": "users", "user_id": "users", "actor": "logins",
	"app": "applications", "country": "countries",
	"asn": "networks", "session": "sessions", "event_type": "kinds of event", "ip": "addresses", "os": "systems",
}

var grouping = regexp.MustCompile(`(sum|count|min|max) by \(([^)]*)\)`)

// counted is what the value of an alert is a number of; "" for a time, or for nothing that says more than the title.
func (r Rule) counted() string {
	all := grouping.FindAllStringSubmatch(r.Query, -1)
	switch {
	case len(all) == 0 || all[0][1] == "min":
		return ""
	case all[0][1] == "sum" && strings.Contains(r.Query, "unwrap weight"):
		return "users, less a tenth of those who got in,"
	case all[0][1] == "sum":
		return "events"
	case all[0][1] == "max" && (len(all) == 1 || all[1][1] != "count" || !strings.HasPrefix(r.Query, "topk(100,\n  max")):
		return ""
	}
	inner := strings.Split(all[1][2], ", ")
	if len(all) > 2 && all[2][1] == "count" && all[0][1] == "max" {
		inner = strings.Split(all[2][2], ", ")
	}
	return units[inner[len(inner)-1]]
}

// link leads to the investigation dashboard: to the session, else the user, else the actor, else the address. IDs are found in every
// line, whatever redaction makes of names; whoever has none is found by what was typed, or by the token in its place.
func (r Rule) link(e engine, l Links) string {
	base := `{{ reReplaceAll "/$" "" externalURL }}`
	if l.Grafana != "" {
		base = strings.TrimSuffix(l.Grafana, "/")
	}
	query := "?var-job=" + url.QueryEscape(l.Job)
	if l.DataSource != "" {
		query += "&var-datasource=" + url.QueryEscape(l.DataSource)
	}
	variable := func(name, label string) {
		query += "&var-" + name + "={{ with $labels." + label + " }}{{ urlquery . }}{{ end }}"
	}
	if r.has("org") {
		variable("org", "org")
	}
	person := func(name string) {
		query += fmt.Sprintf(`&var-user={{ if or (not $labels.%[1]s_id) (eq $labels.%[1]s_id "unknown") }}`+
			`{{ with $labels.%[1]s }}{{ urlquery . }}{{ end }}`+
			`{{ else }}{{ urlquery $labels.%[1]s_id }}{{ end }}`, name)
	}
	switch {
	case r.has("session"):
		variable("session", "session")
	case r.has("user_id"):
		person("user")
	case r.has("actor_id"):
		person("actor")
	case slices.Contains(r.Labels, "ip"):
		variable("ip", "ip")
	case r.has("client"), r.has("shared"), r.has("device"):
		variable("user", r.Labels[1])
	}
	switch {
	case e.now: // an hour before the window, to see what led to it
		query += "&from=" + at(time.Duration(r.Window)+time.Hour, "UnixMilli") + "&to=" + at(0, "UnixMilli")
	case r.single():
		query += "&from={{ with $labels.at }}{{ urlquery . }}{{ else }}now-24h{{ end }}&to=now"
	default:
		query += "&from=now-24h&to=now"
	}
	return base + "/d/" + Dashboard + query
}

// logQueryOf is LogQuery for an alert: with filters on the labels that the query knows. Its own {{ are no actions.
func (r Rule) logQueryOf(lineFormat string) string {
	query := r.LogQuery(lineFormat)
	text := strings.ReplaceAll(query, "{{", `{{ "{{" }}`)
	for _, label := range r.Labels {
		if label == "org" || regexp.MustCompile(`\b`+label+"=[\"`]").MatchString(query) && !strings.HasSuffix(label, "_type") {
			text += `{{ with $labels.` + label + ` }} | ` + label + `={{ printf "%q" . }}{{ end }}`
		}
	}
	return text
}

func (r Rule) alertLabels() map[string]string {
	labels := map[string]string{"severity": r.Severity, "source": "okta", "pack": "alloy-okta"}
	if r.sigma { // by which a notification about ours can leave out Sigma's, which are about the same events
		labels["pack"] = "sigma"
	}
	if len(r.Attack) > 0 {
		labels["attack"] = strings.Join(r.Attack, ",")
	}
	return labels
}

func (r Rule) annotations(e engine, lineFormat string, l Links) map[string]string {
	annotations := map[string]string{
		"summary": r.summary(e), "dashboard": r.link(e, l), "log_query": r.logQueryOf(lineFormat),
		"runbook_url": l.Runbooks + "#" + strings.ToLower(cmp.Or(r.base, r.Alert())),
	}
	for name, text := range map[string]string{"description": r.Description, "false_positives": r.FalsePositives} {
		if text != "" {
			annotations[name] = strings.TrimSpace(text)
		}
	}
	for name, steps := range map[string][]string{"investigate": r.Investigate, "contain": r.Contain} {
		if len(steps) > 0 {
			annotations[name] = strings.TrimSpace(numbered(steps))
		}
	}
	return annotations
}

// numbered is a list in Markdown.
func numbered(steps []string) string {
	var out strings.Builder
	for i, step := range steps {
		fmt.Fprintf(&out, "%d. %s\n", i+1, step)
	}
	return out.String()
}
