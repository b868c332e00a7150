package detections

import (
	"regexp"
	"strings"
)

// single is a query that fires for every actor of single events, which it counts: the labels, the log query with its filters, the window.
var single = regexp.MustCompile(`(?s)^sum by \(([^)]*)\) \(\n  count_over_time\(\n(.*?)\s*\[(\d+[hm])\]\n  \)\n\) > 0$`)

// evidence are the labels that alerts about single events have beyond those that their rule promises, each where the event has it: what
// the first targets are, from which address, and in which quarter of an hour. So a second act, on something else, from elsewhere, or
// later, is another alert, of which one is told.
var evidence = []string{"target", "ip", "at"}

// evidenceStages give the labels to lines that passed a rule's filters. Of a user the login is named, of other targets the name. The time
// has the form that Grafana takes in a link, YYYY-MM-DDTHH:mm:ss.sssZ; 900e9 nanoseconds are a quarter of an hour.
const evidenceStages = `
      | json ip="event.client.ipAddress", target0="event.target[0].alternateId", name0="event.target[0].displayName", ` +
	`target1="event.target[1].alternateId", name1="event.target[1].displayName" | __error__=""
      | label_format ` +
	"at=`" + `{{ ((__timestamp__).UTC.Truncate 900000000000).Format "2006-01-02T15:04:05.000Z" }}` + "`, target=`" +
	`{{ if contains "@" .target0 }}{{ .target0 }}{{ else }}{{ .name0 }}{{ end }}` +
	`{{ if contains "@" .target1 }}, {{ .target1 }}{{ else if .name1 }}, {{ .name1 }}{{ end }}` + "`"

// withEvidence adds the labels of evidence to a query about single events, and leaves others as they are.
func withEvidence(query string) string {
	parts := single.FindStringSubmatch(query)
	if parts == nil || strings.Count(query, "_over_time(") > 1 {
		return query
	}
	return "sum by (" + parts[1] + ", " + strings.Join(evidence, ", ") + ") (\n  count_over_time(\n" + parts[2] + evidenceStages +
		" [" + parts[3] + "]\n  )\n) > 0"
}

var (
	logQuery = regexp.MustCompile(`(?s)\{job=.*?\[\d+[hmd]\]`)
	rangeEnd = regexp.MustCompile(`\s*\[\d+[hmd]\]$`)
	unwrap   = regexp.MustCompile(`\s*\| unwrap \w+`)
	shown    = regexp.MustCompile(`(?s)\s*\| json ip="[^"]*", target0=.*$`) // evidenceStages
	spaces   = regexp.MustCompile(`\n\s*`)
)

// LogQuery is the first log query of the rule, without what is counted: the events behind an alert, for Explore, in one line.
func (r Rule) LogQuery(lineFormat string) string {
	query := rangeEnd.ReplaceAllString(logQuery.FindString(r.QueryFor(lineFormat)), "")
	query = shown.ReplaceAllString(query, "")
	return spaces.ReplaceAllString(unwrap.ReplaceAllString(query, ""), " ")
}
