// Package poller reads one org's log for as long as its context lives: cursor ->
// page -> sink -> commit.
//
// # Contract
//
//   - A page is handed over in the order Okta gave it, each event once: an event whose
//     uuid was handed over before in this run is dropped and counted ([Memory]).
//   - The cursor moves after the last event of a page was handed over, and only then.
//     When the context ends in the middle of a page the cursor stays, and a poller that
//     follows with the same Memory sends the rest of the page and nothing twice.
//   - A full page is followed at once, as far as the budget allows; after a shorter one,
//     or one that leads nowhere (no next link, or a full page whose next is itself), the
//     poller waits the poll interval. It never asks for an extra empty page, never
//     spins.
//   - No failure ends it. What passes by itself is retried with jittered backoff up to a
//     minute; what somebody has to mend (token, permission, filter) every 30 to 60
//     seconds. A failure and its end are logged once each, not once a try.
//   - A refused cursor is replaced by a start at the latest event time that was handed
//     over, never rounded up. Okta compares that time to when it persisted an event,
//     which is not before the event's own time, so nothing is skipped; what is read
//     twice is dropped by uuid.
//   - A full page that leads nowhere is left the same way, for asking again could show
//     nothing new.
//   - Every wait, and every hand-over, ends at once with the context. While the sink
//     blocks, nothing more is fetched.
//
// # Contract with a Confirmer
//
//   - The journal moves when the destination has the events, not at hand-over. What was
//     handed over and is not known to be there is in the ledger, which outlives a
//     reload; a new process asks for what the journal says was under way.
//   - An event is handed over again only when its first copy can no longer arrive: it was
//     overtaken, by a later one that has been seen for [overtaken], or all the time in
//     which loki.write retries is over; and never while the destination may have it and
//     not show it. Whether it was there, or might have been hidden, is judged by the
//     moment at which the question was put, not by that of the answer.
//   - Nothing is handed over again before something that was handed over under the
//     present configuration was found: a wrong selector makes everything look lost.
//   - A failed question means that nothing is known: nothing moves.
//   - What is not known to be there is bounded. At the bound fetching stops, but for a
//     page now and then when answers come and nothing is in them. A crash makes the next
//     process read again from the oldest event of it.
//   - An event that is overtaken again and again, for an hour in which others arrive, or
//     ten minutes at the bound, is let go and counted. Never one that nothing overtook.
//
// A start after a stop of the process goes back by the replay window, see package
// checkpoint. A poller that follows another one in the same process does not.
package poller
