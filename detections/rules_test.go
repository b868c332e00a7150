package detections

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/detections/lokitest"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/redact"
)

const org = "acme.okta.com"

func rules(t *testing.T) []Rule {
	t.Helper()
	all, err := Rules(os.DirFS("rules"))
	require.NoError(t, err)
	return all
}

func sigmaRules(t *testing.T) []Rule {
	t.Helper()
	all, err := SigmaRules(os.DirFS("sigma/rules"))
	require.NoError(t, err)
	return all
}

// fixture is the events of a file in a rule's folder, one a line, as entries.
func fixture(t *testing.T, f *event.Formatter, file string) []event.Entry {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return entries(t, f, content)
}

// entries takes events, one a line, through what the component does with a page.
func entries(t *testing.T, f *event.Formatter, lines []byte) (all []event.Entry) {
	t.Helper()
	events, err := event.Scan(pageOf(lines))
	require.NoError(t, err)
	for _, e := range events {
		require.False(t, e.Published.IsZero())
		all = append(all, f.Entry(e, time.Time{}))
	}
	return all
}

// pageOf is a page of events, one a line.
func pageOf(lines []byte) []byte {
	page := append([]byte("["), bytes.ReplaceAll(bytes.TrimSpace(lines), []byte("\n"), []byte(","))...)
	return append(page, ']')
}

// alerts returns the labels of the alerts that a ruler would raise that evaluates the rule over the entries, from the time of the
// first entry to a window after the last. With slow, it sees none of them before that much time after the last.
//
// Alerts that differ in their evidence only are returned as one.
func alerts(t *testing.T, rule Rule, lineFormat string, entries []event.Entry, slow time.Duration) []map[string]string {
	t.Helper()
	return withoutEvidence(rule, allAlerts(t, rule, lineFormat, entries, slow))
}

func withoutEvidence(rule Rule, all []map[string]string) (found []map[string]string) {
	for _, alert := range all {
		if rule.single() {
			maps.DeleteFunc(alert, func(label, _ string) bool { return slices.Contains(evidence, label) })
		}
		if !slices.ContainsFunc(found, func(other map[string]string) bool { return maps.Equal(alert, other) }) {
			found = append(found, alert)
		}
	}
	return found
}

func allAlerts(t *testing.T, rule Rule, lineFormat string, entries []event.Entry, slow time.Duration) []map[string]string {
	t.Helper()
	loki := &lokitest.Loki{}
	from, to := entries[0].Timestamp, entries[0].Timestamp
	for _, e := range entries {
		loki.Push(e)
		if e.Timestamp.Before(from) {
			from = e.Timestamp
		}
		if e.Timestamp.After(to) {
			to = e.Timestamp
		}
	}
	if slow > 0 {
		from = to.Add(slow)
	}
	interval := time.Duration(rule.Interval)
	from, to = from.Truncate(interval), to.Add(time.Duration(rule.Window)).Truncate(interval).Add(interval)
	matrix, err := loki.Range(t.Context(), rule.QueryFor(lineFormat), from, to, interval)
	require.NoError(t, err, rule.Name)
	var found []map[string]string
	for _, series := range matrix {
		found = append(found, series.Metric.Map())
	}
	return found
}

// variant is a way in which entries come to Loki.
type variant struct {
	name    string
	options event.Options
	change  func([]event.Entry) []event.Entry // nil for none
}

// verdict is the alerts that a rule raises over its fires.jsonl and its silent.jsonl.
type verdict struct{ fires, silent []map[string]string }

// judge returns the verdicts on all rules by variant. The events of each file and variant are an org of their own, which all queries but
// one keep apart: a single query for each rule, since parsing them takes longest.
func judge(t *testing.T, lineFormat string, variants ...variant) map[string][]verdict {
	t.Helper()
	formatters := map[string]*event.Formatter{} // by org
	for _, v := range variants {
		for _, file := range []string{"fires", "silent"} {
			v.options.Org, v.options.LineFormat = v.name+"/"+file, lineFormat
			f, err := event.New(v.options)
			require.NoError(t, err)
			formatters[v.options.Org] = f
		}
	}
	all := map[string][]verdict{}
	for _, rule := range rules(t) {
		byOrg := map[string][]event.Entry{}
		for _, v := range variants {
			for _, file := range []string{"fires", "silent"} {
				org := v.name + "/" + file
				byOrg[org] = fixture(t, formatters[org], filepath.Join("rules", rule.Name, file+".jsonl"))
				if v.change != nil {
					byOrg[org] = v.change(byOrg[org])
				}
			}
		}
		raised := raisedByOrg(t, rule, lineFormat, byOrg)
		for _, v := range variants {
			all[rule.Name] = append(all[rule.Name], verdict{raised[v.name+"/fires"], raised[v.name+"/silent"]})
		}
	}
	return all
}

func raisedByOrg(t *testing.T, rule Rule, lineFormat string, byOrg map[string][]event.Entry) map[string][]map[string]string {
	t.Helper()
	raised := map[string][]map[string]string{}
	if !strings.Contains(rule.Query, "by (org") { // about the absence of events: it would see those of the others
		for org, entries := range byOrg {
			if rule := rule; strings.HasSuffix(org, "/silent") {
				rule.Window = -rule.Interval // to the last event and not beyond
				raised[org] = alerts(t, rule, lineFormat, entries, 0)
			} else {
				raised[org] = alerts(t, rule, lineFormat, entries, 0)
			}
		}
		return raised
	}
	for _, alert := range alerts(t, rule, lineFormat, slices.Concat(slices.Collect(maps.Values(byOrg))...), 0) {
		raised[alert["org"]] = append(raised[alert["org"]], alert)
	}
	return raised
}

// oneAlert fails unless the alerts are a single one with the labels that the rule promises.
func oneAlert(t *testing.T, rule Rule, found []map[string]string) {
	t.Helper()
	require.Lenf(t, found, 1, "%s: %v", rule.Name, found)
	require.ElementsMatch(t, rule.Labels, slices.Collect(maps.Keys(found[0])), rule.Name)
	for name, value := range found[0] {
		require.NotEmptyf(t, value, "%s: %s", rule.Name, name)
	}
}

func TestRulesAreComplete(t *testing.T) {
	all := rules(t)
	require.GreaterOrEqual(t, len(all), 45)
	page, err := os.ReadFile("../docs/detections.md")
	require.NoError(t, err)
	require.Contains(t, string(page), fmt.Sprintf("\n%d rules and Sigma's 24 ", len(all)))
	alerts := map[string]bool{}
	for _, rule := range append(all, sigmaRules(t)...) {
		require.False(t, alerts[rule.Alert()], rule.Alert())
		alerts[rule.Alert()] = true
		window, interval := time.Duration(rule.Window), time.Duration(rule.Interval)
		require.GreaterOrEqualf(t, window, 30*time.Minute, "%s: half an hour at least, see docs/detections.md > Late and double events", rule.Name)
		require.GreaterOrEqualf(t, window, interval+20*time.Minute, "%s: a single event that is 20 minutes late must be seen", rule.Name)
		require.Contains(t, rule.Query, "["+rule.Window.String()+"]", rule.Name)
		require.Truef(t, strings.HasPrefix(rule.Query, "topk(100,"), "%s: Loki refuses more than 500 series", rule.Name)
	}
	for _, rule := range all {
		require.NotContains(t, rule.Title, "\n", rule.Name)
		require.LessOrEqual(t, len(rule.Title), 100, rule.Name)
		require.NotEmpty(t, rule.References, rule.Name)
		for _, technique := range rule.Attack {
			require.Regexp(t, `^T1\d{3}(\.\d{3})?$`, technique, rule.Name)
		}
		if strings.Contains(rule.Query, "event_target_") {
			require.Contains(t, rule.Needs, "efault metadata", "%s", rule.Name)
		}
		require.Equalf(t, strings.Count(rule.Query, "| json"), strings.Count(rule.Query, `__error__=""`), "%s: a line that is no JSON would blind it", rule.Name)
	}
}

// TestOneListOfReasons holds the rules about passwords to one list of the reasons that say nothing of a password: an agent that is down,
// a policy, a rate limit.
func TestOneListOfReasons(t *testing.T) {
	lists := map[string][]string{} // rules by list
	for _, rule := range rules(t) {
		if strings.Contains(rule.Query, "inbound_delauth") {
			found := regexp.MustCompile("reason!~`[^`]*`").FindAllString(rule.Query, -1)
			require.NotEmpty(t, found, rule.Name)
			for _, list := range found {
				lists[list] = append(lists[list], rule.Name)
			}
		}
	}
	require.Len(t, lists, 1)
}

func TestEachRuleFiresOnceAndStaysSilent(t *testing.T) {
	t.Parallel()
	for _, lineFormat := range []string{event.FormatEnvelope, event.FormatEvent} {
		t.Run(lineFormat, func(t *testing.T) {
			verdicts := judge(t, lineFormat, variant{name: "plain"})
			for _, rule := range rules(t) {
				oneAlert(t, rule, verdicts[rule.Name][0].fires)
				require.Empty(t, verdicts[rule.Name][0].silent, rule.Name)
			}
		})
	}
}

// TestWhatHappensToEntries is what may happen on the way to Loki, which must change no rule's verdict.
func TestWhatHappensToEntries(t *testing.T) {
	t.Parallel()
	variants := []variant{
		{name: "every event twice", change: func(all []event.Entry) []event.Entry { return append(all, all...) }},
		{name: "every second one was late", change: lateLabel},
		{name: "a line was cut", change: cut},
		{name: "a line is no JSON", change: notJSON},
		{name: "the event type is a label", options: event.Options{RelabelRules: copied("__okta_event_type", "event_type")}},
		{name: "metadata with rules' names", options: event.Options{StructuredMetadata: moreMetadata()}},
	}
	verdicts := judge(t, event.FormatEnvelope, variants...)
	for i, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			for _, rule := range rules(t) {
				oneAlert(t, rule, verdicts[rule.Name][i].fires)
				require.Empty(t, verdicts[rule.Name][i].silent, rule.Name)
			}
		})
	}
}

// TestEventsMayBeFiveMinutesLate has a rule see its events no sooner than five minutes, and an evaluation, after the last of them.
func TestEventsMayBeFiveMinutesLate(t *testing.T) {
	t.Parallel()
	f, err := event.New(event.Options{Org: org})
	require.NoError(t, err)
	for _, rule := range rules(t) {
		fires := fixture(t, f, filepath.Join("rules", rule.Name, "fires.jsonl"))
		oneAlert(t, rule, alerts(t, rule, event.FormatEnvelope, fires, 5*time.Minute+time.Duration(rule.Interval)))
	}
}

// lateLabel puts every second entry into another stream, as the component does with those far behind the others.
func lateLabel(all []event.Entry) []event.Entry {
	for i := range all {
		if i%2 == 1 {
			all[i].Labels = maps.Clone(all[i].Labels)
			all[i].Labels["late"] = "2026-08-21T10"
		}
	}
	return all
}

// cut adds a copy of the first entry whose line ends in the middle, as loki.process makes of one that is too long.
func cut(all []event.Entry) []event.Entry {
	short := all[0]
	short.Line = short.Line[:len(short.Line)*4/5]
	return append(all, short)
}

func notJSON(all []event.Entry) []event.Entry {
	text := all[0]
	text.Line = "received " + text.Line
	return append(all, text)
}

func moreMetadata() map[string]string {
	all := event.DefaultStructuredMetadata()
	maps.Copy(all, map[string]string{
		"user": "actor.alternateId", "ip": "client.ipAddress", "session": "authenticationContext.externalSessionId", // syntax/drilldown.alloy
		"actor": "actor.alternateId", "country": "client.geographicalContext.country",
	})
	return all
}

// TestRulesWorkWithoutMetadata shows that what a rule says of its needs is right.
func TestRulesWorkWithoutMetadata(t *testing.T) {
	t.Parallel()
	verdicts := judge(t, event.FormatEnvelope, variant{name: "none", options: event.Options{StructuredMetadata: map[string]string{}}})
	for _, rule := range rules(t) {
		require.Equal(t, !strings.Contains(rule.Needs, "efault metadata"), verdicts[rule.Name][0].right(rule), rule.Name)
	}
}

// right tells whether the rule raises one alert, with all its labels, and only where it should.
func (v verdict) right(rule Rule) bool {
	return len(v.fires) == 1 && len(v.fires[0]) == len(rule.Labels) && len(v.silent) == 0
}

// redaction is a way to redact that a rule's member redact names.
type redaction struct {
	name    string
	options redact.Options
}

// redactions are all of them: each preset in the default mode, and hashed.
func redactions() (all []redaction) {
	for _, preset := range redact.Presets() {
		all = append(all, redaction{preset, redact.Options{Presets: []string{preset}}},
			redaction{preset + "/hash", redact.Options{Presets: []string{preset}, Mode: redact.ModeHash, Key: []byte("0123456789abcdef")}})
	}
	return all
}

// TestRulesTellWhatRedactionTheySurvive compares the member redact with what happens. A rule that survives a preset in the default
// mode and hashed is listed with the preset alone.
func TestRulesTellWhatRedactionTheySurvive(t *testing.T) {
	t.Parallel()
	var variants []variant
	for _, r := range redactions() {
		variants = append(variants, variant{name: r.name, options: event.Options{Redaction: &r.options}})
	}
	got := map[string][]string{}
	verdicts := judge(t, event.FormatEnvelope, variants...)
	for _, rule := range rules(t) {
		for i, r := range redactions() {
			preset, hashed := strings.CutSuffix(r.name, "/hash")
			if verdicts[rule.Name][i].right(rule) && !(hashed && slices.Contains(got[rule.Name], preset)) {
				got[rule.Name] = append(got[rule.Name], r.name)
			}
		}
	}
	var wrong []string
	for _, rule := range rules(t) {
		if !slices.Equal(got[rule.Name], rule.Redact) {
			wrong = append(wrong, fmt.Sprintf("%s: redact: [%s]", rule.Name, strings.Join(got[rule.Name], ", ")))
		}
	}
	require.Empty(t, wrong)
}

// TestSigmaRulesRaiseOneAlertForTheirEvent has each rule's event in an org of its own, so that one query tells what it finds in all.
func TestSigmaRulesRaiseOneAlertForTheirEvent(t *testing.T) {
	t.Parallel()
	all := sigmaRules(t)
	require.Len(t, all, 24)
	for _, lineFormat := range []string{event.FormatEnvelope, event.FormatEvent} {
		var events []event.Entry
		for _, rule := range all {
			f, err := event.New(event.Options{LineFormat: lineFormat, Org: rule.Name})
			require.NoError(t, err)
			events = append(events, fixture(t, f, filepath.Join("sigma", "rules", rule.Name, "event.json"))...)
		}
		for _, rule := range all {
			found := alerts(t, rule, lineFormat, events, 0)
			oneAlert(t, rule, found)
			require.Equal(t, rule.Name, found[0]["org"])
		}
	}
}
