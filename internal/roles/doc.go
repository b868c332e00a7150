// Package roles knows who holds an administrator's role in an Okta org: users, groups with their members, and client apps.
//
// # Contract
//
// A [Table] answers, for an event, which roles its actor and its targets hold ([Table.Of]). To answer, it reads a map that never changes
// and is replaced as a whole: it makes no request, never waits and cannot fail. What is not known is left out.
//
//   - A [Keeper] fills the table from Okta: once at the start, then every Refresh, each org at a moment of its own. Only the keeper asks
//     Okta, in a goroutine of its own. What it cannot learn, it reports to a [management.Trouble]; nothing else depends on it.
//   - An event that changes roles changes the table at once ([Table.Pass]), before the next event is looked up: it tells all that a user,
//     group or client app holds from then on. What an event does not tell, Okta is asked within seconds; that answer takes no role away
//     yet. In both cases Okta is asked once more a minute later ([management.CertainAfter]), as its answers may be older than the event.
//   - Everything is known as of a time of Okta's clock, so that an event that is read late, or twice, undoes nothing newer.
//   - A table that could not be refreshed for a long time no longer answers ([Table.Of]).
//
// # Requests
//
// Okta lists who has roles (GET /api/v1/iam/assignees/users), and tells which ones for one user, group or client at a time (.../roles). So
// holders are asked about in turn: first those of whom nothing is known, then those that events were about, or whose answer is the oldest.
// [MaxRequests] bounds the requests of a round. There is a round each Refresh, and one a minute while some holder has not been asked about
// yet, who has the role [Unresolved] until then. Client apps are asked about when an event shows them, as Okta lists them only to clients
// that may read all applications.
//
// The requests use other buckets than the System Log's, each with a budget of its own that learns from its own headers ([Ask]).
//
// When Okta refuses to tell about one holder, that one waits for the next refresh, behind all others. A group whose members cannot be read,
// or are more than there is room for, does not affect others. But when the list of assignees fails, or [few] holders one after the other,
// everything is taken to fail.
//
// # Known limits
//
//   - Roles are those at delivery, not those of when the event happened.
//   - A change may be missed until the next refresh when it is made seconds before Okta makes a list or an answer that does not have it
//     yet, and its event comes before that. So may one whose event is never delivered, as it is filtered, or skipped because Loki has it.
//   - That a grant, revocation or membership is older, when it is delivered a second time, is known by Okta's time in milliseconds. Two of
//     one millisecond count in the order of delivery.
//   - A group that is too large has no members for a day ([groupsEvery]), and what events tell of its members is ignored.
//   - In the first rounds, users come before groups. Thousands of users take hours, and they are [Unresolved] until then.
//   - That Okta refuses to tell about a single holder is not reported: the holder keeps the roles that were known.
//   - A transient error with a group is reported after two refreshes; its members may be out of date until then.
//   - An answer seconds after an event may give back, for a minute, a custom role that the event just took, when Okta trails.
//   - A membership that Okta does not confirm is undone at the first refresh that is a minute or more after it.
//   - With a Refresh of a minute, a list of more than some 7,000 users is not read to its end, which is told.
//   - At most [MaxRequests] go out in each of the keeper's minutes, so up to twice as many in some 60 seconds.
//   - How much is remembered of who left which group is bounded for each group, and not for all together. Client apps that events of
//     privileges name are not bounded by [maxClients].
//   - In events, a custom role with the name of one of Okta's ("Super administrator") is taken for that, until Okta is asked
//     ([management.CertainAfter]).
//
// # What was not seen
//
// Nothing of this was tried with a live org. Shapes are those of Okta's OpenAPI document (2026.06.3) and, for hasAdminPrivilege, of a
// capture in okta-sdk-nodejs#429. Not known is: whether the list of assignees has those who hold a role through a group only, which is why
// groups are asked for themselves; how much older than events answers may be; the largest limit of that list.
//
// The package knows neither Alloy nor where entries go.
package roles
