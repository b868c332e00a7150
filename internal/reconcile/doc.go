// Package reconcile asks Loki which events it has.
//
// # Contract
//
// [Loki.Find] is given events (uuid and time) and returns the uuids that are in Loki.
// It asks for the entries of a stream selector in narrow ranges of time around the
// events and looks for the uuids in their lines, so it does not matter which program
// wrote the line or how it wrapped the event, as long as the event's own member
// `"uuid":"..."` is in it, escaped or not. An error means that nothing is known: a
// partial answer is never returned.
//
//   - Ranges: a late event gets a range of its own; a query over the hours between it and
//     the rest is never made. See ranges.
//   - Length: a range that is over Loki's max_query_length is read in halves.
//   - Paging: answers that hit the entry limit are followed by time, forward. A limit
//     that Loki refuses is halved until it is taken. More entries at one instant than
//     the limit are queried by uuid.
//   - Size: Loki is asked to return uuids instead of lines where it can tell them; after a
//     timeout or a server error the next query is for fewer entries at a time.
//     Both bounds recover with success.
//   - Caching is switched off for these queries: Loki's frontend caches empty answers,
//     which would hide an entry that is sent a second time.
//
// What Loki does not show: entries that were pushed recently with a time further back
// than query_ingesters_within (3h by default) are invisible until their chunk is
// flushed, since queries for that time do not ask the ingesters. Callers that back-fill
// must not take such an event for lost; see [Loki.Visible].
package reconcile
