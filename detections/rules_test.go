package detections

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
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

func formatter(t *testing.T, options event.Options) *event.Formatter {
	t.Helper()
	options.Org = org
	f, err := event.New(options)
	require.NoError(t, err)
	return f
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
	page := append([]byte("["), bytes.ReplaceAll(bytes.TrimSpace(lines), []byte("\n"), []byte(","))...)
	events, err := event.Scan(append(page, ']'))
	require.NoError(t, err)
	for _, e := range events {
		require.False(t, e.Published.IsZero())
		all = append(all, f.Entry(e, time.Time{}))
	}
	return all
}

// alerts returns the labels of the alerts that a ruler would raise that evaluates the rule over the entries, from the time of the
// first entry to a window after the last. With slow, it sees none of them before that much time after the last.
func alerts(t *testing.T, rule Rule, lineFormat string, entries []event.Entry, slow time.Duration) []map[string]string {
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

// untilLast is the rule for events that must not fire it. One about the absence of events is not evaluated after the last of them.
func untilLast(rule Rule) Rule {
	if strings.Contains(rule.Query, "absent_over_time") {
		rule.Window = -rule.Interval
	}
	return rule
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
		require.GreaterOrEqual(t, window, 15*time.Minute, rule.Name)
		require.GreaterOrEqualf(t, window, 2*interval+5*time.Minute, "%s: an event that is 5 minutes late must be seen", rule.Name)
		require.Contains(t, rule.Query, "["+rule.Window.String()+"]", rule.Name)
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

func TestEachRuleFiresOnceAndStaysSilent(t *testing.T) {
	for _, lineFormat := range []string{event.FormatEnvelope, event.FormatEvent} {
		f := formatter(t, event.Options{LineFormat: lineFormat})
		for _, rule := range rules(t) {
			t.Run(lineFormat+"/"+rule.Name, func(t *testing.T) {
				fires := fixture(t, f, filepath.Join("rules", rule.Name, "fires.jsonl"))
				oneAlert(t, rule, alerts(t, rule, lineFormat, fires, 0))
				silent := fixture(t, f, filepath.Join("rules", rule.Name, "silent.jsonl"))
				require.Empty(t, alerts(t, untilLast(rule), lineFormat, silent, 0))
			})
		}
	}
}

// TestWhatHappensToEntries is what may happen on the way to Loki, which must change no rule's verdict.
func TestWhatHappensToEntries(t *testing.T) {
	relabeled := copied("__okta_event_type", "event_type")
	for name, c := range map[string]struct {
		options event.Options
		change  func([]event.Entry) []event.Entry
		slow    time.Duration
	}{
		"every event twice":          {change: func(all []event.Entry) []event.Entry { return append(all, all...) }},
		"every second one was late":  {change: lateLabel},
		"a line was cut":             {change: cut},
		"a line is no JSON":          {change: notJSON},
		"all arrive 5 minutes late":  {slow: 5 * time.Minute},
		"the event type is a label":  {options: event.Options{RelabelRules: relabeled}},
		"metadata with rules' names": {options: event.Options{StructuredMetadata: moreMetadata()}},
	} {
		t.Run(name, func(t *testing.T) {
			f := formatter(t, c.options)
			if c.change == nil {
				c.change = func(all []event.Entry) []event.Entry { return all }
			}
			for _, rule := range rules(t) {
				slow := c.slow
				if slow > 0 {
					slow += time.Duration(rule.Interval)
				}
				fires := c.change(fixture(t, f, filepath.Join("rules", rule.Name, "fires.jsonl")))
				oneAlert(t, rule, alerts(t, rule, event.FormatEnvelope, fires, slow))
				silent := c.change(fixture(t, f, filepath.Join("rules", rule.Name, "silent.jsonl")))
				require.Empty(t, alerts(t, untilLast(rule), event.FormatEnvelope, silent, 0), rule.Name)
			}
		})
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
	maps.Copy(all, map[string]string{"ip": "client.ipAddress", "actor": "actor.alternateId", "country": "client.geographicalContext.country"})
	return all
}

// TestRulesWorkWithoutMetadata shows that what a rule says of its needs is right.
func TestRulesWorkWithoutMetadata(t *testing.T) {
	f := formatter(t, event.Options{StructuredMetadata: map[string]string{}})
	for _, rule := range rules(t) {
		found := alerts(t, rule, event.FormatEnvelope, fixture(t, f, filepath.Join("rules", rule.Name, "fires.jsonl")), 0)
		if strings.Contains(rule.Needs, "efault metadata") {
			require.NotEqual(t, "ok", verdict(rule, found), rule.Name)
			continue
		}
		require.Equal(t, "ok", verdict(rule, found), rule.Name)
	}
}

func verdict(rule Rule, found []map[string]string) string {
	if len(found) == 1 && len(found[0]) == len(rule.Labels) {
		return "ok"
	}
	return fmt.Sprint(found)
}

// redactions are the ways to redact that a rule's member redact names.
var redactions = []struct {
	name    string
	options redact.Options
}{
	{"user_identity", redact.Options{Presets: []string{redact.PresetUserIdentity}}},
	{"user_identity/hash", redact.Options{Presets: []string{redact.PresetUserIdentity}, Mode: redact.ModeHash, Key: []byte("0123456789abcdef")}},
	{"personal_data", redact.Options{Presets: []string{redact.PresetPersonalData}}},
	{"personal_data/hash", redact.Options{Presets: []string{redact.PresetPersonalData}, Mode: redact.ModeHash, Key: []byte("0123456789abcdef")}},
}

// TestRulesTellWhatRedactionTheySurvive compares the member redact with what happens. A rule that survives a preset in the default
// mode and hashed is listed with the preset alone.
func TestRulesTellWhatRedactionTheySurvive(t *testing.T) {
	got := map[string][]string{}
	for _, r := range redactions {
		f := formatter(t, event.Options{Redaction: &r.options})
		for _, rule := range rules(t) {
			fires := alerts(t, rule, event.FormatEnvelope, fixture(t, f, filepath.Join("rules", rule.Name, "fires.jsonl")), 0)
			silent := alerts(t, untilLast(rule), event.FormatEnvelope, fixture(t, f, filepath.Join("rules", rule.Name, "silent.jsonl")), 0)
			preset, hashed := strings.CutSuffix(r.name, "/hash")
			if verdict(rule, fires) == "ok" && len(silent) == 0 && !(hashed && slices.Contains(got[rule.Name], preset)) {
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
