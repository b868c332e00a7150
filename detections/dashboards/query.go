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
	"uri":       "debugContext.debugData.requestUri",
	"user":      "actor.alternateId",
	"user_type": "actor.type",
}

// streams are the events of the chosen orgs. Regular expressions stand in back quotes: Grafana escapes dots by one backslash.
const streams = "{job=\"${job:raw}\", org=~`${org:regex}`}"

// query is a log query under construction.
type query struct {
	format LineFormat
	before []string // filters that need no parsing
	fields []string
	after  []string // filters on fields
}

// of selects events by their types; a type that ends in * stands for all that begin so. No types are all events.
func (f LineFormat) of(types ...string) query {
	q := query{format: f}
	var exact []string
	for _, t := range types {
		name, all := strings.CutSuffix(t, "*")
		exact = append(exact, regexp.QuoteMeta(name)+map[bool]string{true: ".+"}[all])
	}
	switch {
	case len(types) == 1 && !strings.HasSuffix(types[0], "*"):
		return q.that(fmt.Sprintf("eventType=%q", types[0]))
	case len(types) > 0:
		return q.that("eventType=~`" + strings.Join(exact, "|") + "`")
	}
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

// String is the log query.
func (q query) String() string {
	parts := append([]string{streams}, q.before...)
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

// total counts the events of the whole time range, by labels.
func (q query) total(by ...string) string { return q.count("$__range", by) }

// over counts the events of each step, by labels.
func (q query) over(by ...string) string { return q.count("$__auto", by) }

func (q query) count(window string, by []string) string {
	grouping := ""
	if len(by) > 0 {
		grouping = " by (" + strings.Join(by, ", ") + ")"
	}
	return fmt.Sprintf("sum%s (count_over_time(%s [%s]))", grouping, q, window)
}

// distinct counts the values of a label over the whole time range.
func (q query) distinct(label string) string { return "count(" + q.total(label) + ")" }

// top are the most frequent combinations of labels.
func (q query) top(n int, by ...string) string { return fmt.Sprintf("topk(%d, %s)", n, q.total(by...)) }
