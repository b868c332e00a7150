// Package delivery decides when a delivered event has arrived, when it is lost, and when
// nothing newer may be delivered. It knows neither where events come from nor what they
// are delivered to.
//
// # The window
//
// A [Window] is the ordered log of pages that were delivered and not confirmed. Its owner
// delivers pages, queries the destination for what [Window.Due] names, passes the answer to
// [Window.Learn], delivers again what [Window.Retry] names, and saves the position that
// [Window.Commit] returns.
//
//	 saved position                                        position
//	      |                                                   |
//	      v                                                   v
//	------[ page: 2 of 500 missing ][ page: all missing ][ ... ]------> log
//	confirmed      in the window, oldest first            not delivered
//
// # Contract
//
//   - An event is lost only when one that was delivered after it, on the same route, has been
//     visible at the destination for [overtakenAfter], with another one that was delivered
//     after that was first seen, and a query sent after that does not find it. (A batch of
//     which the destination took a part is sent again; a later batch shows that this is over.)
//     No age proves that an event is lost: a pipeline may deliver a copy hours later.
//   - A route is a way through the pipeline that keeps the order of delivery. Only where the order
//     between routes is unknown can an event have nothing later on its own route; when later
//     events of other routes arrive, it stops holding up the log and counts as lost after
//     [strandedAfter].
//   - A lost event is delivered again at once, the second time after [lastRetryAfter]. Lost
//     [maxLosses] times in a row, while later events arrived each time, it is given up: the
//     pipeline drops it or the destination refuses it. One that the log no longer has is given up at once.
//   - What the destination may have and cannot show (too old to be shown before a flush, or in
//     the future) is not lost before it would be shown. See [Rules].
//   - Nothing is lost before an event delivered under the present configuration was found:
//     with a wrong selector everything looks lost. But for one event, where the log has ended
//     and nothing newer could be found ([Window.Sample]).
//   - While an event has been missing for [missingAfter], or the window is full, nothing newer is
//     delivered ([Window.Hold]), but for a probe now and then: one event, which shows whether
//     the pipeline works again ([Window.Probe]). Full is counted in events, bytes and event
//     time.
//
// A Window is not safe for concurrent use.
package delivery
