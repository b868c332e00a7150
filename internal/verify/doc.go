// Package verify compares a range of an org's log with what Loki has of it.
//
// # Contract
//
// [Run] reads one org's events from the beginning of the range on, in the order in which Okta persisted them, and compares them with the
// entries in Loki, a slice of the range after the other. It delivers nothing, writes nothing, and takes no lock. An error means that Okta
// or Loki could not be asked: the report then says nothing about what is missing.
//
//   - Late events: Okta's bounded requests order by `published` and may miss an event that is persisted late, so reading is by polling
//     requests, until events are there that were persisted after the end of the range and [Config].Slack. What belongs to the range is
//     picked by `published`. An event that comes later than the slack is compared at the end.
//   - A slice is an hour, or up to a day where nothing happened. It is compared when the log was read past its end and the slack, so what
//     is in memory at once is what was published in an hour and the slack: some 200 bytes an event, and one page.
//   - Each entry is read whole, and its line compared with the one that the configuration makes of the event today, redacted as it says.
//     Only lines of ours can be altered: of one that a pipeline wrapped, only its presence is checked.
//   - Log queries hide all but one of the entries that are equal in stream, time and line, and count_over_time counts them: each slice is
//     queried in both ways. Where the results differ, its halves are, until a few hundred entries are left, which are counted by uuid.
//   - What was not found is looked for once more, as it may have arrived meanwhile.
//
// # Kinds
//
// Missing, doubled, altered and unknown are what is wrong, or cannot be told. Dropped, by the relabeling rules of the configuration, and
// foreign, in Loki and not in the org's log as the filter shows it, are reported, but are not wrong.
//
// An event is unknown when Loki may hide it: it does not ask its ingesters for what is older than query_ingesters_within, and what was
// delivered late, as after an outage, is in them until its chunk is flushed, [flushed] after the delivery, whatever its age. So an event
// that was not found is missing
//
//   - when it is young enough for Loki to show it at once;
//   - when the operator says that nothing was delivered for [flushed] ([Config].IdleSince);
//   - when it is so old that Loki shows a delivery in time, and a second one, and Loki's storage shows live entries before and after it in
//     its stream, with at most [mostListed] events between them that are not found: a collector writes in order, so only the newest entries
//     wait for a flush.
//
// Else it is unknown, and so is one without uuid or time. The third is enough for a report, but not for another delivery: see
// [Report.Repairable].
package verify
