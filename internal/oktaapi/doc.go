// Package oktaapi reads the System Log of one Okta org, one page at a time.
//
// # Contract
//
// [Client.Fetch] is a pure function of a [Cursor]: it asks Okta for the page behind that URL and returns the page's bytes and the cursor
// that Okta names as next. It keeps no position, changes nothing, and may be called with the same cursor again after any error.
//
//   - Requests are polling requests (without `until`), so Okta orders events by the time at which it persisted them, and late events are
//     not skipped. Only a range has an end ([Config].Until). The first cursor comes from [Client.Start]; all later ones are the path and
//     query of Okta's `rel="next"` links, used verbatim.
//   - Requests and credentials go to the configured scheme and host and nowhere else: a next
//     link that names another is followed there, and a redirect that leads elsewhere is refused.
//   - A request is made when the org's [Budget] allows it. The budget is learnt from
//     the X-Rate-Limit-* headers of every response and is shared by all clients of
//     an org in this process.
//   - The body is bounded, gzip is accepted, and one timeout covers headers and body.
//   - Every failure is an [*Error] with a [Class] that says what a caller should do.
//     The HTTP status decides first, because Okta uses E0000053 both for a bad filter
//     (400) and for an internal error (500).
//
// The package knows nothing of events: a page is bytes that claim to be a JSON array. Package event checks that claim.
//
// Source for what Okta promises: the System Log API reference, "System Log query"
// guide and "Rate limits" pages of the Okta developer documentation.
package oktaapi
