// Package redact takes identities out of Okta's events and keeps every other byte.
//
// # What is redacted
//
// A preset is closed by default: what is not known to name nobody is redacted.
//
//   - alternateId and displayName, wherever they are, unless the object has a type and it is one of a thing's: applications, groups,
//     policies, authenticators and the like. Spellings do not matter: "AppInstance", "app_instance", "App Instance".
//   - Members of debug data, detail entries, change details and transaction details, and members that are new to us anywhere, unless
//     they are known to name nobody. What Okta's catalog of event types marks personal or sensitive is not, which a test checks
//     member by member.
//   - Names of members that are not made of Okta's words, except where things are: a map may have people for keys.
//   - E-mail addresses, in whatever text they are, but for Okta's own system@okta.com.
//
// The names that are known are in members.txt, a class a line. A preset is a row in presets.go that names the classes it redacts as a
// whole; to add one, add a row, and to tell it from the others, a class.
//
// [PresetPersonalData] also takes the members that tell where a person is and with what, and IP addresses in the text of debug data and
// other maps. What Okta's catalog marks not personal stays with both.
//
// Paths name more values; see package rawjson for what a path is. Here a picker means every element that fits, * means every member or
// element, and a name that meets an array reaches through it. A path that leads to an object or array redacts all values in it and
// leaves the names to the presets. null and "" hide nothing and stay, and so does, in a member that is only redacted because it is not
// known, what identifies nobody. uuid and published cannot be redacted.
//
// A string that holds a JSON object or array is looked into, by presets and by paths.
//
// # What is put there
//
// A redacted string, number or boolean becomes "***" or a token, or its member or element is taken out. The token of a value is "hmac:"
// and the first 16 bytes, in hexadecimal, of HMAC-SHA256 of its text, lower-cased, so that logins that differ in case are one. To find
// a user's events, compute it:
//
//	printf %s mara@acme.example | openssl dgst -r -sha256 -hmac "$KEY" | cut -c1-32
//
// # Mentions
//
// A value that is redacted is gone from the whole event: where it is mentioned in another string, in a member name or in a number, the
// mention is replaced, by "***" when values are dropped. A mention is found in upper and lower case (Unicode simple folding), spelled
// with JSON escapes, also in JSON inside strings, with HTML entities, and percent-encoded as in URLs. All other bytes stay as they are.
//
// What counts as a mention is a matter of length. Four characters or more are found anywhere, also inside of words; fewer only as a
// word, with no letter or digit beside it. These are redacted in their own place only, not elsewhere: what identifies nobody
// ("unknown", true, false, values without a letter and with fewer than four digits), and words of Okta's that happen to be under a
// path, such as a type.
//
// Some text is never taken for a mention, because it says the same whatever people are called and every query depends on it: the names
// of Okta's schema, and the members whose values are Okta's own words: uuid, published, eventType, legacyEventType, version, severity,
// and below the top level type, result, level, version and the authentication context's providers and types, and the outcome's reason if
// it is one that Okta writes by itself (reasons.txt). A user called "User" is masked in the places for users' names and in free text;
// {"type":"User"} stays. Debug data, detail entries, change details and members we do not know are free text in all parts.
//
// # What is not covered
//
// docs/entries.md lists it for users; what matters is to be named by a path.
package redact
