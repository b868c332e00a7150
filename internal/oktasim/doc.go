// Package oktasim is an Okta org small enough to live in a test: its System Log, its rate limits, its token endpoint, and its bad days.
//
// The zero value of [Org] is ready to use. It is an http.Handler that serves an empty log to any SSWS token; the fields of Org are its
// knobs, and each says what its zero value means. Feed it with [Org.Append], [Org.AppendAt], [Org.Generate], [Org.Play] or [Org.Live]; ask
// it afterwards what it saw with [Org.Requests] and [Org.Windows]. In a testing/synctest bubble, reach it over [Org.Pipe], which needs no
// socket. cmd/oktasim is the same org as a program.
//
// # What is modeled
//
//   - GET /api/v1/logs. A polling request (no until, ascending) is ordered by
//     the time an event was committed to the log, compares since with that
//     time (inclusively) and always has a next link; on an empty page next
//     equals self. A bounded request (until, or descending) is ordered by
//     published, covers [since, until), and its last page has no next link.
//   - Cursors: "<13-digit milliseconds>_<n>", the n-th event persisted in that
//     millisecond, for polling; a UUID for bounded requests. A cursor that
//     points at no event of this org is refused.
//   - Validation of every parameter, Okta's error body and codes, SSWS tokens,
//     OAuth service apps (private_key_jwt, DPoP with nonces), gzip, and the
//     headers that Okta's edge adds.
//   - The per-minute bucket, which opens with the first request rather than on
//     the wall clock's minute; the cap of one principal.
//   - filter: every operator of Okta's dialect but [], over dotted paths. q:
//     whole tokens, all of which must match.
//   - Pages capped below the limit asked for (PageCap), events that become visible
//     in bulk (VisibleEvery).
//   - Retention (90 days) and the 180-day rule on since.
//   - Event hooks: their verification, the eligible types, batches about ten seconds after the
//     event, the secret header, one more try after a time-out or a 5xx, bodies that differ from
//     the log's events, and event_hook.delivery in the log when both failed. Loss, repeats and
//     order are knobs.
//   - Who holds administrators' roles: the list of assignees, whose next page is named in its body;
//     the roles of a user, group or client app, those through groups included; groups with stats, and
//     their members. Events of grants, revocations and memberships in the log change them (Roles).
//     Beside roles: a user with profile, the list of users, and the search for a group by its name.
//   - Everyday events and attacks ([Scenarios]): they are data, in plays, as Okta writes them.
//     Attacks take place among everyday events (Quiet) if need be.
//   - Faults: everything that a client has to survive, as fields of Org and as
//     handlers for Intercept and Inject.
//
// # What is not modeled
//
//   - Events are never inserted behind a cursor that was handed out: AppendAt
//     with a time that has passed persists at the newest time already visible.
//   - But for failed event hooks, the log does not record the org's own doings: neither
//     rate-limit warnings nor token grants of this server's clients appear in it by themselves.
//   - What a role allows, network zones and the 30-day expiry of tokens; the Admin Console;
//     any other API; the filters of event hooks and their daily cap; resource sets;
//     the limit on concurrent requests, but for its answer as a fault.
//   - Okta's rewriting of until in the next links of descending requests, and
//     the ten seconds by which its index for bounded requests may lag.
//   - HTTP/2 is left to the http.Server in front.
//
// # Assumptions where Okta is silent
//
// since is inclusive, until exclusive; a limit of 0 gives an empty page and one above 1000 is refused; date-only bounds are refused; a
// descending request without until ends now; since is ignored beside after. Refused requests (429) do not consume quota.
//
// Sources: Okta's System Log query reference, its core API conventions and rate
// limit pages, and the captures of real links that public collectors carry.
package oktasim
