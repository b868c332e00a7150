// Package reconcile asks Loki which events it has.
//
// # Contract
//
// [Loki.Find] is given events (uuid and time) and returns the uuids that are in Loki. It asks for the entries of a stream selector in
// narrow ranges of time around the events and looks for the uuids in their lines, so it does not matter which program wrote the line or how
// it wrapped the event, as long as the event's own member `"uuid":"..."` is in it, escaped or not. An error means that nothing is known: a
// partial answer is never returned.
//
//   - Ranges: a late event gets a range of its own; a query over the hours between it and
//     the rest is never made. See ranges.
//   - Length: a range that is over Loki's max_query_length is read in halves.
//   - Paging: answers that hit the entry limit are followed by time, forward. A limit
//     that Loki refuses is halved until it is taken. More entries at one instant than
//     the limit are queried by uuid.
//   - Size: Loki is asked to return uuids in place of the lines in which it can find them; after a timeout or a server error the next query
//     is for fewer entries at a time. Both bounds recover with success.
//   - Caching is switched off for these queries: Loki's frontend caches empty answers,
//     which would hide an entry that is sent a second time.
//
// What Loki does not show: entries that were pushed recently with a time further back than query_ingesters_within (3h by default) are
// invisible until their chunk is flushed, since queries for that time do not ask the ingesters. Callers that back-fill must not take such
// an event for lost; see [Loki.Visible].
//
// # Many callers, one Loki
//
// A [Server] is one Loki, or a tenant of it, and [Servers] are those of a process: all callers that reach a Loki in the same way share one.
//
//   - At most 8 requests are under way, and a Loki that answers 429, or 503 with Retry-After, gets none before the time it names (at most 5
//     minutes; without one after a second, doubling up to a minute). A request waits for that for a minute; then it fails.
//   - What waits is joined: selectors that differ only in the values of labels become one, as {org="a"} and {org="b"} become {org=~"a|b"},
//     and each entry belongs to the selector with the values of its stream. Queries for one shape of selectors are 100 ms apart, a second
//     for searches and for what is marked [Loki.Unhurried]; the first of all goes at once.
//   - Events are looked for together where they lie together: a joined range is at most twice as long as what each needs, or a minute. A
//     selector whose entries fill a page of a joined answer is read further by itself, after the others.
//   - When a joined query fails, one of its selectors is queried alone. If that fails too, all get the error. Else half as many are joined
//     from then on, and more after successes: an answer may have been too large, or a gateway may only let through what names one org.
//   - A search for the newest entries goes back in growing steps, for all at once and only for those not found yet. It asks the index
//     (values of a label) where streams are, and without an answer to that the entries.
//   - A caller that stops waiting returns at once, and a query that nobody waits for ends.
package reconcile
