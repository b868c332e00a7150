package event

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event/eventtest"
	"github.com/grafana/alloy/okta/internal/rawjson"
	"github.com/grafana/alloy/okta/internal/redact"
)

var now = time.Date(2026, 8, 21, 12, 0, 0, 0, time.UTC)

func entryOf(t *testing.T, opts Options, event string) Entry {
	t.Helper()
	if opts.Org == "" {
		opts.Org = "acme.okta.com"
	}
	f, err := New(opts)
	require.NoError(t, err)
	events, err := Scan([]byte("[" + event + "]"))
	require.NoError(t, err)
	return f.Entry(events[0], now)
}

const signIn = `{"published":"2026-08-21T10:00:00.120Z","severity":"WARN","eventType":"user.session.start",` +
	`"outcome":{"result":"FAILURE"},` +
	`"target":[{"id":"0ua","type":"User","displayName":"Ann"},{"type":"AppInstance","id":"0oa","alternateId":null,"displayName":"Okta ` +
	`\u0041dmin"}], "new":1e2}`

func TestEntryKeepsTheEventByteForByteInAnEnvelope(t *testing.T) {
	require.Equal(t, Entry{
		Labels:    model.LabelSet{"job": "loki.source.okta", "org": "acme.okta.com"},
		LabelsKey: model.LabelSet{"job": "loki.source.okta", "org": "acme.okta.com"}.Fingerprint(),
		Entry: push.Entry{
			Timestamp: time.Date(2026, 8, 21, 10, 0, 0, 120e6, time.UTC),
			Line:      `{"event":` + signIn + `,"level":"warning","msg":"received event","time":"2026-08-21T10:00:00.120Z"}`,
			StructuredMetadata: push.LabelsAdapter{
				{Name: "detected_level", Value: "warning"},
				{Name: "eventType", Value: "user.session.start"},
				{Name: "event_target_displayName", Value: "Okta Admin"},
				{Name: "event_target_id", Value: "0oa"},
				{Name: "event_target_type", Value: "AppInstance"},
				{Name: "outcome", Value: "FAILURE"},
			},
		},
	}, entryOf(t, Options{}, signIn))
}

func TestEntryIsTheEventAloneInEventFormat(t *testing.T) {
	require.Equal(t, signIn, entryOf(t, Options{LineFormat: FormatEvent}, signIn).Line)
}

func TestEntryWithoutATimeGetsTheCallers(t *testing.T) {
	e := entryOf(t, Options{}, `{"published":"soon"}`)
	require.Equal(t, now, e.Timestamp)
	require.Equal(t, `{"event":{"published":"soon"},"level":"info","msg":"received event","time":"2026-08-21T12:00:00.000Z"}`, e.Line)
}

func TestRelabelingSeesTheEventAndHidesItsOwnLabels(t *testing.T) {
	rules := []*relabel.Config{
		{Action: relabel.Replace, SourceLabels: model.LabelNames{"__okta_event_type"}, Regex: relabel.MustNewRegexp("(.*)"),
			TargetLabel: "eventType", Replacement: "$1"},
		{Action: relabel.LabelMap, Regex: relabel.MustNewRegexp("__okta_(level|org)"), Replacement: "$1"},
		{Action: relabel.Drop, SourceLabels: model.LabelNames{"__okta_outcome_result"}, Regex: relabel.MustNewRegexp("SKIPPED")},
	}
	e := entryOf(t, Options{RelabelRules: rules, Labels: map[string]string{"job": "okta", "team": "sec", "__tmp": "x"}}, signIn)
	require.Equal(t, model.LabelSet{"job": "okta", "org": "acme.okta.com", "team": "sec", "eventType": "user.session.start",
		"level": "warning"}, e.Labels)
	for _, m := range e.StructuredMetadata {
		require.NotEqual(t, "eventType", m.Name, "Loki would hide one of the two")
	}
	require.Nil(t, entryOf(t, Options{RelabelRules: rules}, `{"outcome":{"result":"SKIPPED"}}`).Labels)
}

func TestEntriesOfAStreamShareTheirLabels(t *testing.T) {
	f, err := New(Options{Org: "o"})
	require.NoError(t, err)
	events, err := Scan([]byte("[" + signIn + "," + signIn + "]"))
	require.NoError(t, err)
	a, b := f.Entry(events[0], now), f.Entry(events[1], now)
	a.Labels["shared"] = "yes"
	require.Contains(t, b.Labels, model.LabelName("shared"))
}

func TestEntrySharesNoMemoryWithThePage(t *testing.T) {
	f, err := New(Options{Org: "o"})
	require.NoError(t, err)
	body := []byte("[" + signIn + "]")
	events, err := Scan(body)
	require.NoError(t, err)
	want := entryOf(t, Options{Org: "o"}, signIn)
	got := f.Entry(events[0], now)
	clear(body)
	require.Equal(t, want, got)
}

func TestNewNamesWhatIsWrongAndWhatIsAllowed(t *testing.T) {
	for name, tc := range map[string]struct {
		opts Options
		want string
	}{
		"no org":      {Options{}, "the org's host is missing"},
		"line format": {Options{Org: "o", LineFormat: "raw"}, `line_format "raw": must be "envelope" or "event"`},
		"label name": {Options{Org: "o", Labels: map[string]string{"a-b": "c"}},
			`label "a-b": a name is letters, digits and underscores, and does not begin with a digit`},
		"label like ours": {Options{Org: "o", Labels: map[string]string{"__okta_org": "c"}},
			`label "__okta_org": names that begin with __okta_ are set from events; use another name`},
		"metadata name": {Options{Org: "o", StructuredMetadata: map[string]string{"1a": "uuid"}},
			`structured metadata "1a": a name is letters, digits and underscores, and does not begin with a digit`},
		"metadata without a name": {Options{Org: "o", StructuredMetadata: map[string]string{"__": "uuid"}},
			`structured metadata "__": a name of underscores only makes Loki refuse the whole batch; use another name`},
		"metadata is label": {Options{Org: "o", StructuredMetadata: map[string]string{"job": "uuid"}},
			`structured metadata "job": entries have a label of this name, and Loki would hide one of the two; use another name`},
		"metadata path": {Options{Org: "o", StructuredMetadata: map[string]string{"a": "target[*].id"}},
			`structured metadata "a": "target[*].id" is not a path: [*] stands for many values, and one is needed; ` + rawjson.PathForms +
				`, or "country_code" or "level"`},
		"metadata path as JSONPath": {Options{Org: "o", StructuredMetadata: map[string]string{"a": "$.uuid"}},
			`structured metadata "a": "$.uuid" is not a path: it begins with $, and a path begins with the event's first member; ` +
				rawjson.PathForms + `, or "country_code" or "level"`},
		"metadata path as JSON Pointer": {Options{Org: "o", StructuredMetadata: map[string]string{"a": "/uuid"}},
			`structured metadata "a": "/uuid" is not a path: "/uuid" holds a slash, and names are joined by dots; ` + rawjson.PathForms +
				`, or "country_code" or "level"`},
		"unknown action": {Options{Org: "o", RelabelRules: []*relabel.Config{{}}}, "relabeling rule 1: relabel action cannot be empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(tc.opts)
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestAFormatterIsSafeForConcurrentUse(t *testing.T) {
	opts := Options{Org: "o", RelabelRules: eventTypeLabel, StructuredMetadata: map[string]string{"country": countryCode}}
	opts.Redaction = &redact.Options{Mode: redact.ModeHash, Key: testKey} // option: redact
	f, err := New(opts)
	require.NoError(t, err)
	var page [][]byte
	for _, name := range eventtest.Names(t) {
		page = append(page, eventtest.Read(t, name))
	}
	events, err := Scan([]byte("[" + string(bytes.Join(page, []byte(","))) + "]"))
	require.NoError(t, err)
	var want []Entry
	for _, ev := range events {
		want = append(want, f.Entry(ev, now))
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 20 {
				for i, ev := range events {
					assert.Equal(t, want[i], f.Entry(ev, now))
				}
			}
		})
	}
	all.Wait()
}

func TestFewAllocationsPerEvent(t *testing.T) {
	f, err := New(Options{Org: "o"})
	require.NoError(t, err)
	body := pages(t)["small"]
	perPage := testing.AllocsPerRun(5, func() {
		_, err := entries(f, body, now)
		require.NoError(t, err)
	})
	require.Less(t, perPage/1000, 3.5, "uuid, line and metadata")
}

func TestStreamsAreNotRememberedWithoutBound(t *testing.T) {
	f, err := New(Options{Org: "o", RelabelRules: eventTypeLabel})
	require.NoError(t, err)
	for i := range maxStreams + 10 {
		events, err := Scan(fmt.Appendf(nil, `[{"eventType":"e%d"}]`, i))
		require.NoError(t, err)
		require.Equal(t, model.LabelValue(fmt.Sprint("e", i)), f.Entry(events[0], now).Labels["event_type"])
	}
	require.LessOrEqual(t, len(f.labels.streams), maxStreams)
}

func TestMetadataPathsReachIntoJSONInStrings(t *testing.T) {
	const raw = `{"debugContext":{"debugData":{"logOnlySecurityData":" {\"risk\":{\"level\":\"HIGH\",\"reasons\":[\"a\\u0062\",\"c\"]},` +
		`\"list\":\"[{\\\"type\\\":\\\"User\\\",\\\"id\\\":\\\"00u\\\"}]\"}","behaviors":"{New Device=POSITIVE}"}}}`
	const data = "debugContext.debugData.logOnlySecurityData"
	for path, want := range map[string]string{
		data + ".risk.level":      "HIGH",
		data + ".risk.reasons":    `["a\u0062","c"]`,
		data + ".risk.reasons[0]": "ab",
		data + ".list[User].id":   "00u",
		data + ".nothing":         "",
		data: ` {"risk":{"level":"HIGH","reasons":["a\u0062","c"]},"list":"[{\"type\":\"User\",` +
			`\"id\":\"00u\"}]"}`,
		"debugContext.debugData.behaviors.x":        "",
		"debugContext.debugData.behaviors":          "{New Device=POSITIVE}",
		"debugContext[debugData].debugData[0].risk": "",
	} {
		t.Run(path, func(t *testing.T) {
			e := entryOf(t, Options{StructuredMetadata: map[string]string{"x": path}}, raw)
			if want == "" {
				require.Empty(t, e.StructuredMetadata)
				return
			}
			require.Equal(t, push.LabelsAdapter{{Name: "x", Value: want}}, e.StructuredMetadata)
		})
	}
}
