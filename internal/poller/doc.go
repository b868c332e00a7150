// Package poller reads one org's log for as long as its context lives: fetch -> deliver ->
// commit.
//
// # Contract
//
//   - A page is delivered in the order Okta gave it, each event once: an event whose
//     uuid was delivered before in this process is dropped and counted ([Memory]).
//   - The position moves after the last event of a page was delivered, and only then.
//     When the context ends in the middle of a page the position stays, and a poller that
//     follows with the same Memory delivers the rest of the page and nothing twice.
//   - A full page is followed at once, as far as the budget allows; after a shorter one the
//     poller waits the poll interval. Full is what the server makes of it: one that caps its
//     pages is noticed. It never asks for an extra empty page, never spins.
//   - A page that is too large for the way from Okta is asked for in parts, by the time of the
//     last event, and pages grow back while they are light.
//   - A page that leads nowhere (no next link, or links in a circle) is left by the time of
//     its last event. Where that shows nothing new either, the poller is stuck and says so.
//   - With Wakes, an event that an event hook announced ends the wait: it is polled for at
//     once and some times more until it is seen, at most once a second, within the budget, and
//     never sooner than a failure is retried. What is announced changes this
//     schedule and nothing else: an announcement is no event.
//   - No failure ends it. Transient failures are retried with jittered backoff up to a
//     minute; failures that need an operator (token, permission, filter) every 30 to 60
//     seconds. A failure and its end are logged once each, not once a try.
//   - A refused cursor is replaced by a start at the latest event time that was
//     delivered, never rounded up. Okta compares that time to when it persisted an event,
//     which is not before the event's own time, so nothing is skipped; what is read
//     twice is dropped by uuid.
//   - An entry further behind the newest one of its labels than Config.OutOfOrder gets the
//     label "late", its hour, so that Loki takes it as a stream of its own.
//   - A checkpoint that cannot be read for the moment is waited for, never replaced.
//   - Pages in memory are bounded over all pollers by [oktaapi.Slots]. A page that waits for a
//     blocked receiver, or for a Loki that does not answer, makes room when others want to go on;
//     the rest of it is fetched again, and nothing is delivered twice.
//   - Every wait, and every delivery, ends at once with the context. While the sink
//     blocks, nothing more is fetched.
//
// # Contract with a Confirmer
//
//   - The journal moves when the destination has the events, not at delivery. What is under
//     way is in a [delivery.Window], which decides what is lost and whether anything newer
//     may be delivered. It outlives a reload; a new process queries for what the journal says
//     was under way.
//   - Lost events are delivered again, the oldest first, on one way through the log for each filter they
//     were read with: from the page of the oldest to where the log was read to when that way began, or to
//     a probe behind it. A cursor that is refused, or missing, is replaced by a time, as for the position.
//     What the log no longer has is given up then. The position does not move.
//   - A failed query means that nothing is known: nothing moves. Queries run beside
//     polling, but for pages that a previous process may have delivered: those wait for
//     the answer.
//   - Events of a previous configuration are looked for under that one too, until all of
//     them were found, or its Loki has not answered for [forgotten].
//
// A start after a stop of the process goes back by the replay window, see package
// checkpoint. A poller that follows another one in the same process does not.
package poller
