// Package actors knows of the users that act in an Okta org what their events do not say: some attributes of their profiles, and which of
// some named groups they are in.
//
// # Contract
//
// A [Known] adds to what is known of an event ([Known.Add]), from memory: it makes no request, waits for nothing but its own short lock,
// and cannot fail. What is not known is left out.
//
//   - Profiles are known of users that acted: the event of a user of whom nothing is known goes on without, and leaves the [Keeper] a note.
//     Only the keeper asks Okta, in a goroutine of its own, for one user at a time (GET /api/v1/users/{id}). What it cannot learn, it
//     reports to a [management.Trouble]; nothing else depends on it. That Okta tells of some users only, as a role has it, is not reported.
//   - An answer is used for [lasts], and the next event of the user after [fresh] has Okta asked once more. So does the next one after an
//     event that changes the user ([Known.Pass]). That Okta does not know a user is an answer, too.
//   - Groups are found by name at each Refresh, and their members listed. A membership that passes by counts from the next event on.
//
// # Bounds
//
// Profiles of [maxUsers] are kept, of [maxBytes] together; those whose users did not act for the longest time go first. [maxQueue] users
// wait to be asked about; others are when they act again. [perMinute] requests go out in a minute on average, and [burst] at once, whatever
// fails and how often a keeper is replaced. All groups together have [maxMembers] members at most, in lists of [maxPages] pages. The
// requests use other rate limits than the System Log's, see package management.
//
// # Known limits
//
//   - The first event of a user has no profile, and those of the seconds after it, or more when many wait. It is not delivered again.
//   - What is known is of the time of delivery, not of when the event happened, and a profile may be [fresh] old: a change is seen earlier
//     only if its event passes by. Mass imports may change profiles without one.
//   - An answer of the minute after a change may be older than that; the next event after that minute has Okta asked once more. Of more
//     than [maxChanged] users who change in a minute, only those of whom something is known are.
//   - A group that is renamed, or made with a name that was not found, is seen a minute or two after its event, or at the next refresh.
//   - While one group fails for a reason that may pass, all are read again in a minute, then in two, and so on up to the time of a refresh.
//   - Okta's answer has the whole profile, whatever of it is wanted. The rest is not kept.
//
// # What was not seen
//
// Nothing of this was tried with a live org. Shapes are those of Okta's OpenAPI document (2026.06.3). Not known is: how much older than
// events answers may be; whether a search by name trails a new group by more than a minute; which attributes an admin role hides.
//
// The package knows neither Alloy nor where entries go.
package actors
