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
// Labels are job, org and the configured ones, then relabeling rules over these
// and the __okta_* labels of sourceLabels, which docs/loki.source.okta.md lists
// and which are "" where the event does not have them. Names that begin with two
// underscores are dropped at the end. No label has many values unless a rule
// makes one. Rules that drop an event leave its Labels nil; rules that leave no
// label leave them empty.
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
//
// Where a path leads to an object or array, the value is its JSON; null,
// nothing and "" give no metadata. The word country_code in the place of a path
// means the ISO 3166-1 code of client.geographicalContext.country.
//
// A path also leads into JSON inside a string, which is how Okta sends some
// debug data: debugContext.debugData.logOnlySecurityData.risk.level.
//
// What package redact takes out of an event is neither in the line nor in
// labels or metadata, which are made from what is left.
//
// # Speed
//
// The page is read by code of our own, which checks it and finds the members in
// the same pass. Against json.Valid of the same bytes, over 1,000 events of
// 2 KB about a thousand people (BenchmarkRatio, which runs all of it in turns):
// Scan 0.22, gjson 0.65. gjson would do for a goal of 1.0; it reads the page
// three times, and the rest of the way would have to fit into what it leaves. Our
// reader is 250 lines, fuzzed against encoding/json.
//
// From page to entries it is 0.38, or 0.42 for events of 12 KB, where copying the
// line counts; structs and back take 6 to 8. An event costs three allocations:
// uuid, line, metadata.
//
// With identities redacted and hashed it is 0.78 and 0.99, with personal data
// 1.07 and 1.2.
package event
