// Package detections holds what looks for attacks in the entries of loki.source.okta.
//
//	rules/<name>/rule.yaml        a detection: a LogQL query with all that one has to know of it
//	rules/<name>/fires.jsonl      events that raise one alert
//	rules/<name>/silent.jsonl     events that raise none: near misses, too slow, by several actors
//	testdata/facts.txt            what public packs look for, and what is next to it
//	sigma/                        Sigma's public rules for Okta, a package of its own
//	ruler.yaml, ruler-event.yaml  all of these for Loki's ruler, by line format; generated
//	grafana/                      the same as Grafana's alert provisioning; generated
//	sigma-rule-deployment/        our rules as deployment files of Grafana's actions of this name, and their configuration; generated
//	drop/                         event types that nothing reads, as relabeling rules in three strengths; generated
//	event-types.txt               Okta's catalog of event types; not-covered.yaml has the reasons for those without a rule
//	lokitest/                     Loki's query engine over entries in memory, for tests
//
// Queries are written for line_format "envelope" and stand as they are: paste one into Grafana. Those for line_format "event" follow
// from them, see [Rule.QueryFor].
//
// # How a query is written
//
//   - A line filter with the event type comes first, which is what makes it cheap, then json with the members that it needs. It reads
//     the line only, so that it works whatever labels and metadata are configured.
//   - Targets are read by their type, wherever they stand: json gives the array as text, and label_format takes the id of the User, the
//     AppInstance, or the UserGroup out of it.
//   - What somebody did leaves out FAILURE and DENY: result!~, so that an event without a result counts.
//   - | __error__="" leaves out lines that are no JSON, as a stage of loki.process may make them, and targets that are no list: one would
//     fail the whole query, and the rule would be blind for its window. It stands behind the last stage that can fail.
//   - It groups by org, by the actor's ID, which stays when the login changes and which no preset redacts, and by the login for people
//     to read. These are the labels of the alert, so an actor raises one alert however many events there are.
//   - Where it counts, it counts distinct uuids: without reconcile an event may be in Loki twice.
//   - The user whom an event is about is the first target of the type User, or the actor when there is none: one of target[0] to target[3],
//     which is what JSON expressions reach. Such a query wants lines that end as JSON does (|~ `}$`): one that was cut has lost targets.
//   - A rule with administrators: actor or target has a variant that is high where that holds a role. Only that reads metadata, which the
//     block context adds; without it, it does not fire.
//   - Its window is half an hour at least: a single event that is late by less than the window minus one interval is still found.
//
// `go generate ./detections` writes the generated files, the tables in docs/detections.md, and docs/coverage.md; tests fail while they
// are not current.
package detections

//go:generate go run ./generate --root ..
