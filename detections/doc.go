// Package detections holds what looks for attacks in the entries of loki.source.okta.
//
//	rules/<name>/rule.yaml        a detection: a LogQL query with all that one has to know of it
//	rules/<name>/fires.jsonl      events that raise one alert
//	rules/<name>/silent.jsonl     events that raise none: near misses, too slow, by several actors
//	sigma/                        Sigma's public rules for Okta, a package of its own
//	ruler.yaml, ruler-event.yaml  all of these for Loki's ruler, by line format; generated
//	grafana/                      the same as Grafana's alert provisioning; generated
//	lokitest/                     Loki's query engine over entries in memory, for tests
//
// Queries are written for line_format "envelope" and stand as they are: paste one into Grafana. Those for line_format "event" follow
// from them, see [Rule.QueryFor].
//
// # How a query is written
//
//   - A line filter with the event type comes first, which is what makes it cheap, then json with the members that it needs. It reads
//     the line only, so that it works whatever labels and metadata are configured; rules about targets need the default metadata
//     event_target_*, and say so.
//   - | __error__="" leaves out lines that are no JSON, as a stage of loki.process may make them: one would fail the whole query, and the
//     rule would be blind for its window.
//   - It groups by org, by the actor's ID, which stays when the login changes and which no preset redacts, and by the login for people
//     to read. These are the labels of the alert, so an actor raises one alert however many events there are.
//   - Where it counts, it counts distinct uuids: without reconcile an event may be in Loki twice.
//   - Its window is 15 minutes at least: an event that arrives late by less than the window minus one evaluation is still found.
//
// `go generate ./detections` writes the generated files and the table in docs/detections.md; a test fails while they are not current.
package detections

//go:generate go run ./generate
