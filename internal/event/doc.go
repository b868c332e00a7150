// Package event turns pages of Okta's System Log into entries for Loki.
//
// # Reading
//
// [Scan] reads a page as a whole: either every byte of it is one valid JSON
// array of objects, or there is an error and no event. It builds nothing. An
// [Event] is a piece of the page with the few facts that every event needs.
// Okta adds members whenever it likes and may leave out the ones that are null
// (its core API concepts say so), so nothing is required: an event without a
// uuid or without a usable published time is an event like others.
//
// # Entries
//
// A [Formatter] makes the [Entry] for an event. The event's bytes are in the
// line as Okta sent them: member order, spelling of numbers, escapes, white
// space and members we never heard of survive. By default the line is an
// envelope around them,
//
//	{"event":{...},"level":"info","msg":"received event","time":"2026-08-21T10:00:00.000Z"}
//
// which is what grafana/okta-logs-collector printed and what Sigma's pipeline
// for Okta in Loki expects. The level is that of the collector, in the words of
// logrus: WARN becomes warning, ERROR error, everything else info. Unlike the
// collector's, the time keeps its fraction, the country keeps its name and no
// character is escaped that Okta did not escape.
//
// The time of an entry is the event's published time, exact. Events that have
// none get the caller's; it is for the caller to count them
// (Published.IsZero()), and to count lines that are too long or too old for
// Loki: len(Line) and Timestamp are there to be looked at.
//
// Labels are job, org and the configured ones, then relabeling rules over
// these and the __okta_* labels; names that begin with two underscores are
// dropped at the end. No label has many values unless a rule makes one. Rules
// that drop an event leave its Labels nil.
//
// Structured metadata is a set of names and paths. A name that is also a label
// is refused when it was configured, and left out of an entry when a rule made
// the label, since Loki shows only one of the two.
//
// # Paths
//
// A path is member names joined by dots, as in client.ipAddress. Brackets pick
// from an array: target[0] is the first element, target[AppInstance] the first
// whose type is AppInstance, target[AppInstance|User|0] the first AppInstance,
// or else the first User, or else the first of all. On an object, brackets keep
// it if its type fits: actor[User].alternateId is there for people only. A name
// that holds dots or brackets is quoted in brackets: debugData["a.b"].
package event
