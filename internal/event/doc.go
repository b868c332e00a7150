// Package event turns pages of Okta's System Log into entries for Loki.
//
// # Reading
//
// [Scan] reads a page as a whole: either every byte of it is one valid JSON
// array of objects, or there is an error and no event. It builds nothing. An
// [Event] is a piece of the page with the few facts that every event needs.
// Okta adds members whenever it likes and may leave out the ones that are null
// (its core API concepts say so), so nothing is required: an event without a
// uuid or without a usable published time is an event like others.
//
// # Entries
//
// A [Formatter] makes the [Entry] for an event. The event's bytes are in the
// line as Okta sent them: member order, spelling of numbers, escapes, white
// space and members we never heard of survive. By default the line is an
// envelope around them,
//
//	{"event":{...},"level":"info","msg":"received event","time":"2026-08-21T10:00:00.000Z"}
//
// which is what grafana/okta-logs-collector printed and what Sigma's pipeline
// for Okta in Loki expects. The level is that of the collector, in the words of
// logrus: WARN becomes warning, ERROR error, everything else info. Unlike the
// collector's, the time keeps its fraction, the country keeps its name and no
// character is escaped that Okta did not escape.
//
// The time of an entry is the event's published time, exact. Events that have
// none get the caller's; it is for the caller to count them
// (Published.IsZero()), and to count lines that are too long or too old for
// Loki: len(Line) and Timestamp are there to be looked at.
//
// Labels are job, org and the configured ones, then relabeling rules over
// these and the labels
//
//	__okta_org                      the org's host
//	__okta_event_type               eventType
//	__okta_legacy_event_type        legacyEventType
//	__okta_severity                 severity, as Okta spells it
//	__okta_level                    info, warning or error
//	__okta_outcome_result           outcome.result
//	__okta_actor_type               actor.type
//	__okta_target_type              target[AppInstance|User|0].type
//	__okta_transaction_type         transaction.type
//	__okta_client_device            client.device
//	__okta_client_zone              client.zone
//	__okta_client_country           client.geographicalContext.country
//	__okta_authentication_provider  authenticationContext.authenticationProvider
//	__okta_credential_type          authenticationContext.credentialType
//	__okta_is_proxy                 securityContext.isProxy
//	__okta_risk_level               securityContext.risk.level
//
// which are "" where the event does not have them. Names that begin with two
// underscores are dropped at the end. No label has many values unless a rule
// makes one. Rules that drop an event leave its Labels nil.
//
// Structured metadata is a set of names and paths. A name that is also a label
// is refused when it was configured, and left out of an entry when a rule made
// the label, since Loki shows only one of the two.
//
// # Paths
//
// A path is member names joined by dots, as in client.ipAddress. Brackets pick
// from an array: target[0] is the first element, target[AppInstance] the first
// whose type is AppInstance, target[AppInstance|User|0] the first AppInstance,
// or else the first User, or else the first of all. On an object, brackets keep
// it if its type fits: actor[User].alternateId is there for people only. A name
// that holds dots or brackets is quoted in brackets: debugData["a.b"].
//
// Where a path leads to an object or array, the value is its JSON; null,
// nothing and "" give no metadata. The word country_code in the place of a path
// means the ISO 3166-1 code of client.geographicalContext.country.
//
// # Redaction
//
// [Redaction] names values by path. Here a picker means every element that
// fits, * means every member or element, and a name that meets an array reaches
// through it. A redacted string, number or boolean becomes "***" or a token, or
// its member or element is taken out; a path that leads to an object or array
// redacts all values in it and leaves the names. null and "" hide nothing and
// stay. uuid and published cannot be redacted.
//
// The token of a value is "hmac:" and the first 16 bytes, in hexadecimal, of
// HMAC-SHA256 of its text, lower-cased, so that logins that differ in case are
// one. To find a user's events, compute it:
//
//	printf %s mara@acme.example | openssl dgst -sha256 -hmac "$KEY" | cut -c1-32
//
// A value that is redacted is gone from the whole entry: where it is mentioned
// in another string of the event, in a member name or in a number, the mention
// is replaced, by "***" when values are dropped. Labels and metadata are made
// from what is left. A mention is found in upper and lower case (Unicode simple
// folding), spelled with JSON escapes, and percent-encoded as in URLs. All
// other bytes stay as they are.
//
// What counts as a mention is a matter of length. Four characters or more are
// found anywhere, also inside of words; fewer only as a word, with no letter or
// digit beside it. In their own place only are redacted: what identifies nobody
// ("unknown", true, false, values without a letter and with fewer than four
// digits), and words of Okta's that happen to be under a path, such as a type.
//
// Some text is never taken for a mention, because it says the same whatever
// people are called and every query depends on it: the names of Okta's schema,
// and the members whose values are Okta's own words: uuid, published,
// eventType, legacyEventType, version, severity, and below the top level type,
// result, level, version and the authentication context's providers and types.
// A user called "User" is masked in the places for users' names and in free
// text; {"type":"User"} stays. Debug data, detail entries, change details and
// members we do not know are free text in all parts.
//
// Not covered, and to be named by a path where it matters: parts of a value
// (the first name out of a display name, the login without its domain), other
// spellings (base64, hashes, HTML entities, escapes inside of JSON that is
// itself in a string, composed and decomposed Unicode), a number spelled
// otherwise (1.50 and 1.5), and all identifiers of Okta's: actor.id and the like
// stay, so that events can be followed. The token of a value from a small set,
// such as a boolean or a country, can be guessed by whoever holds the key.
// Configured labels and the org's name are not event data and stay.
//
// # Speed
//
// The page is read by code of our own, which checks it and finds the members in
// the same pass. Against json.Valid of the same bytes, over 1,000 events of
// 2 KB (BenchmarkRatio, which runs all of it in turns): Scan 0.28, gjson 0.70.
// gjson would do for a goal of 1.0; it reads the page three times, and the rest of
// the way would have to fit into what it leaves. Our reader is 250 lines, fuzzed
// against encoding/json.
//
// From page to entries it is 0.5, or 0.6 for events of 12 KB, where copying the
// line counts; structs and back take 6 to 8. An event costs three allocations:
// uuid, line, metadata.
//
// Redacting identities takes the time without it times 1.9. Personal data is
// nearly half of an event: times 3 to 4, which is 1.5 to 2 of json.Valid. What
// stands in the way is the number of values, some thirty in an event, each of
// which is looked up and then searched for in what is left.
package event
