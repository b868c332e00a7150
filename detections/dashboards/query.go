package dashboards

import (
	"fmt"
	"regexp"
	"strings"
)

// LineFormat is line_format of loki.source.okta.
type LineFormat string

// The line formats there are.
const (
	Envelope LineFormat = "envelope" // the default: the event is in the member "event" of the line
	Event    LineFormat = "event"    // the line is the event
)

// paths are the fields that panels read from the line, by the label that holds them.
var paths = map[string]string{
	"agent":     "client.userAgent.rawUserAgent",
	"as_org":    "securityContext.asOrg",
	"asn":       "securityContext.asNumber",
	"behaviors": "debugContext.debugData.behaviors",
	"browser":   "client.userAgent.browser",
	"city":      "client.geographicalContext.city",
	"client":    "client.id",
	"country":   "client.geographicalContext.country",
	"factor":    "debugContext.debugData.factor",
	"ip":        "client.ipAddress",
	"lat":       "client.geographicalContext.geolocation.lat",
	"lon":       "client.geographicalContext.geolocation.lon",
	"message":   "displayMessage",
	"os":        "client.userAgent.os",
	"proxy":     "securityContext.isProxy",
	"push":      "debugContext.debugData.pushOnlyResponseType",
	"reason":    "outcome.reason",
	"role":      "debugContext.debugData.privilegeGranted",
	"session":   "authenticationContext.externalSessionId",
	"threat":    "debugContext.debugData.threatDetections",
	"token":     "transaction.detail.requestApiTokenId",
	"tx":        "transaction.id",
	"uri":       "debugContext.debugData.requestUri",
	"user":      "actor.alternateId",
	"user_name": "actor.displayName",
	"user_type": "actor.type",
	"uuid":      "uuid",
}

// streams are the events of the chosen orgs. Regular expressions stand in back quotes: Grafana escapes dots by one backslash.
const streams = "{job=\"${job:raw}\", org=~`${org:regex}`}"

// query is a log query under construction.
type query struct {
	format LineFormat
	lines  []string // filters on the line: the cheapest, so they come first
	before []string // filters that need no parsing
	fields []string
	after  []string // filters on fields
}

// of selects events by their types; a type that ends in * stands for all that begin so. No types are all events.
func (f LineFormat) of(types ...string) query {
	q := query{format: f}
	var exact, texts []string
	for _, t := range types {
		name, all := strings.CutSuffix(t, "*")
		texts = append(texts, name)
		exact = append(exact, regexp.QuoteMeta(name)+map[bool]string{true: ".+"}[all])
	}
	switch {
	case len(types) == 1 && !strings.HasSuffix(types[0], "*"):
		return q.holding(texts...).that(fmt.Sprintf("eventType=%q", types[0]))
	case len(types) > 0:
		return q.holding(texts...).that("eventType=~`" + strings.Join(exact, "|") + "`")
	}
	return q
}

// holding keeps lines that have one of the texts anywhere. It is for what a later filter wants anyhow, so that fewer lines are parsed.
func (q query) holding(texts ...string) query {
	return q.line("|= `" + strings.Join(texts, "` or `") + "`")
}

// line adds a filter on the line.
func (q query) line(filter string) query {
	q.lines = append(q.lines[:len(q.lines):len(q.lines)], filter)
	return q
}

// that adds a filter on labels or structured metadata.
func (q query) that(filter string) query {
	q.before = append(q.before[:len(q.before):len(q.before)], "| "+filter)
	return q
}

// with extracts fields, by their names in paths.
func (q query) with(fields ...string) query {
	q.fields = append(q.fields[:len(q.fields):len(q.fields)], fields...)
	return q
}

// where adds a filter on extracted fields.
func (q query) where(filter string) query {
	q.after = append(q.after[:len(q.after):len(q.after)], "| "+filter)
	return q
}

// having extracts fields that an event must have: its line names them, and they are not empty.
func (q query) having(fields ...string) query {
	q = q.with(fields...)
	for _, name := range fields {
		path := paths[name]
		q = q.holding(`"` + path[strings.LastIndex(path, ".")+1:] + `"`).where(name + `!=""`)
	}
	return q
}

// String is the log query.
func (q query) String() string {
	parts := append([]string{streams}, q.lines...)
	parts = append(parts, q.before...)
	if len(q.fields) > 0 {
		var list []string
		for _, name := range q.fields {
			path, ok := paths[name]
			if !ok {
				panic("dashboards: no path for field " + name)
			}
			if q.format == Envelope {
				path = "event." + path
			}
			list = append(list, fmt.Sprintf("%s=%q", name, path))
		}
		parts = append(parts, "| json "+strings.Join(list, ", "), "| __error__=\"\"")
	}
	return strings.Join(append(parts, q.after...), " ")
}

// total counts the events of the whole time range, by labels that have few values: by default Loki cuts the query into hours and shards,
// and refuses it when one of them has more than 500 groups.
func (q query) total(by ...string) string { return q.count("$__range", by) }

// over counts the events of each step, by labels that have few values.
func (q query) over(by ...string) string { return q.count("$__auto", by) }

func (q query) count(window string, by []string) string {
	grouping := ""
	if len(by) > 0 {
		grouping = " by (" + strings.Join(by, ", ") + ")"
	}
	return fmt.Sprintf("sum%s (count_over_time(%s [%s]))", grouping, q, window)
}

// frequent are the most frequent combinations of labels that have few values.
func (q query) frequent(n int, by ...string) string {
	return fmt.Sprintf("topk(%d, %s)", n, q.total(by...))
}

// each is every combination of labels that there is in the whole time range, with the time of its last event in milliseconds since 1970.
// There may be any number of them: Loki evaluates last_over_time in one piece, where only the result may not have more than 500 series.
// See isSplittableByRange and ShardMapper in pkg/logql, and JoinSampleVector for the limit (Loki 3.7.8).
func (q query) each(by ...string) string {
	return fmt.Sprintf("last_over_time(%s | label_format seen=`{{ __timestamp__ | unixEpochMillis }}` | unwrap seen [$__range]) by (%s)",
		q, strings.Join(by, ", "))
}

// distinct counts the values of a label, or combinations of several.
func (q query) distinct(by ...string) string { return "count(" + q.each(by...) + ")" }

// different counts, for each of by, the different values of a label, and returns the n with most.
func (q query) different(n int, label string, by ...string) string {
	return fmt.Sprintf("topk(%d, count by (%s) (%s))", n, strings.Join(by, ", "), q.each(append(by[:len(by):len(by)], label)...))
}

// top are the most frequent combinations of labels with any number of values. It is for events that are not many, as Loki remembers each
// of them, in up to 2 KB; one that is there twice counts once.
func (q query) top(n int, by ...string) string { return q.with("uuid").different(n, "uuid", by...) }

// oldest are the combinations of labels whose latest event is the oldest, with its time.
func (q query) oldest(n int, by ...string) string {
	return fmt.Sprintf("bottomk(%d, %s)", n, q.each(by...))
}

// latest are the combinations of labels that came last, with the time.
func (q query) latest(n int, by ...string) string {
	return fmt.Sprintf("topk(%d, %s)", n, q.each(by...))
}
