// Package roles knows who holds an administrator's role in an Okta org: users, groups with their members, and client apps.
//
// # Contract
//
// A [Table] answers, for an event, which roles its actor and its targets hold ([Table.Of]). The answer is a read of a table that never
// changes and is replaced as a whole: it asks nobody, waits for nobody and cannot fail. What is not known is left out.
//
//   - A [Keeper] fills the table from Okta: once at the start, then every Refresh, each org at a moment of its own. It is the only one
//     that asks Okta, in a goroutine of its own. What it cannot learn it tells as a [Trouble], and nothing else depends on it.
//   - An event that changes roles changes the table at once ([Table.Pass]), before the next event is looked up: it tells all that a
//     user, group or client app holds from then on. What an event does not tell is asked for within seconds, and takes nothing away
//     yet. Either way Okta is asked a minute later whether it is so ([settle]), as its answers may trail.
//   - Everything is known as of a time of Okta's clock, so that an event that is read late, or again, undoes nothing newer.
//   - A table that could not be refreshed for a long time says nothing any more ([Table.Of]).
//
// # Requests
//
// Okta lists who has roles (GET /api/v1/iam/assignees/users), and tells which ones for one user, group or client at a time (.../roles). So
// holders are asked for in turn: those first of which nothing is known, then those that events were about or whose answer is the oldest.
// [MaxRequests] bounds what is asked in a round, of which there is one each Refresh, and one a minute while somebody was never asked about.
// Until then a holder has the role [Unresolved]. Client apps are asked for once an event shows them, as Okta lists them only to who may
// read all applications.
//
// The requests are of other buckets than the System Log's, each with a budget of its own that learns from its own headers ([Ask]).
//
// A holder that Okta refuses to tell about waits for the next refresh, behind all others, and a group whose members cannot be read, or are
// more than there is room for, costs the others nothing. The list of assignees, or [few] holders that fail one after the other, is about
// all.
//
// # Known limits
//
//   - Roles are those at delivery, not those of when the event happened.
//   - A change seconds before a list or an answer is made, whose event passes after it, may be missed until the next refresh, where Okta's
//     answer trails. So is one whose event is never delivered: filtered, or skipped as Loki has it.
//   - An older grant, revocation or membership that is delivered again is known as older by Okta's time in milliseconds. Two of one
//     millisecond count in the order of delivery.
//   - A group that is too large has no members for a day ([groupsEvery]), and what events tell of its members is ignored.
//   - Users come before groups in the first round, of which thousands take hours; they are [Unresolved] until then.
//   - One holder that Okta refuses to tell about is not told: it keeps what was known.
//   - The time from a group's first failure that passes to its being told is two refreshes; its members may be old until then.
//   - In events a custom role called as one of Okta's ("Super administrator") is taken for that, until Okta is asked ([settle]).
//
// # What was not seen
//
// Nothing of this was tried with a live org. Shapes are those of Okta's OpenAPI document (2026.06.3) and, for hasAdminPrivilege, of a
// capture in okta-sdk-nodejs#429. Not known is: whether the list of assignees has those who hold a role through a group only, which
// is why groups are asked for themselves; how far answers trail behind events; the largest limit of that list.
//
// The package knows neither Alloy nor where entries go.
package roles
