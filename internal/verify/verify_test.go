package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// held is what a Loki holds: log queries hide equal entries, counts do not, and at one instant it shows the entries with a uuid only.
type held struct {
	entries []reconcile.Audited
	most    int           // entries shown at one instant; 0: all
	visible time.Duration // 0: any age
	newest  time.Time
	err     error
}

func (h *held) put(at time.Time, line string, labels ...string) {
	set := fmt.Sprintf(`{"job":"x","org":"acme.okta.com"%s}`, strings.Join(labels, ""))
	h.entries = append(h.entries, reconcile.Audited{Time: at, Line: line, Labels: set})
}

func (h *held) in(from, to time.Time) (all []reconcile.Audited) {
	for _, e := range h.entries {
		if !e.Time.Before(from) && e.Time.Before(to) {
			all = append(all, e)
		}
	}
	return all
}

func (h *held) Audit(_ context.Context, from, to time.Time, at func(time.Time) []string,
	each func(reconcile.Audited)) ([]time.Time, error) {

	byTime := map[time.Time][]reconcile.Audited{}
	for _, e := range h.in(from, to) {
		if !slices.Contains(byTime[e.Time], e) {
			byTime[e.Time] = append(byTime[e.Time], e)
		}
	}
	var crowded []time.Time
	for t, all := range byTime {
		if h.most > 0 && len(all) > h.most {
			crowded = append(crowded, t)
			uuids := at(t)
			all = slices.DeleteFunc(all, func(e reconcile.Audited) bool {
				return !slices.ContainsFunc(uuids, func(u string) bool { return strings.Contains(e.Line, u) })
			})
		}
		for _, e := range all {
			each(e)
		}
	}
	slices.SortFunc(crowded, time.Time.Compare)
	return crowded, h.err
}

func (h *held) Count(_ context.Context, from, to time.Time) (int, error) {
	return len(h.in(from, to)), h.err
}

func (h *held) CountEach(_ context.Context, from, to time.Time, uuids []string) (map[string]int, error) {
	all := map[string]int{}
	for _, e := range h.in(from, to) {
		for _, u := range uuids {
			if strings.Contains(e.Line, u) {
				all[u]++
			}
		}
	}
	return all, h.err
}

func (h *held) Find(context.Context, []reconcile.Event) (map[string]bool, error) { return nil, h.err }
func (h *held) Margins() (before, after time.Duration)                           { return time.Second, time.Second }
func (h *held) Visible() time.Duration                                           { return h.visible }
func (h *held) Newest(context.Context, time.Duration) (time.Time, error)         { return h.newest, h.err }

// pages are an org's log, in the order in which it was persisted.
type pages struct {
	events []string
	err    error
}

func (p *pages) StartOf(time.Time, int) oktaapi.Cursor { return "0" }

func (p *pages) Fetch(_ context.Context, cur oktaapi.Cursor) (oktaapi.Page, error) {
	if p.err != nil {
		return oktaapi.Page{}, p.err
	}
	var at int
	_, _ = fmt.Sscan(string(cur), &at)
	end := min(at+2, len(p.events))
	return oktaapi.Page{
		Body: []byte("[" + strings.Join(p.events[at:end], ",") + "]"), Next: oktaapi.Cursor(fmt.Sprint(end)), Date: time.Now(),
	}, nil
}

func TestWhatIsFoundInARange(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Hour)
	since, until := now.Add(-30*time.Hour), now.Add(-2*time.Hour)
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(t, err)
	raw := func(uuid string, at time.Time) string {
		return fmt.Sprintf(`{"uuid":%q,"published":%q,"eventType":"a.b"}`, "0-"+uuid+"-0f", at.Format("2006-01-02T15:04:05.000Z"))
	}
	line := func(uuid string, at time.Time) string {
		events, err := event.Scan([]byte("[" + raw(uuid, at) + "]"))
		require.NoError(t, err)
		return formatter.Entry(events[0], now).Line
	}
	first, noon := since.Add(time.Minute), since.Add(12*time.Hour)
	for name, c := range map[string]struct {
		log  []string // beside a first event that is well and a last one after the end
		loki func(*held)
		want []string // kind and uuid
	}{
		"nothing wrong":    {nil, func(*held) {}, nil},
		"missing":          {[]string{raw("m", noon)}, func(*held) {}, []string{"missing m"}},
		"before and after": {[]string{raw("m", since.Add(-1e6)), raw("n", until)}, func(*held) {}, nil},
		"late, after its slice": {
			[]string{raw("x", noon), raw("y", noon.Add(9*time.Hour)), raw("z", noon.Add(9*time.Hour)), raw("l", first)}, func(h *held) {
				h.put(noon, line("x", noon))
				h.put(noon.Add(9*time.Hour), line("y", noon.Add(9*time.Hour)))
				h.put(noon.Add(9*time.Hour), line("z", noon.Add(9*time.Hour)))
				h.put(first, line("l", first))
			}, nil},
		"late, after it, missing": {[]string{raw("y", noon), raw("z", noon), raw("l", first)}, func(h *held) {
			h.put(noon, line("y", noon))
			h.put(noon, line("z", noon))
		}, []string{"missing l"}},
		"doubled, hidden": {[]string{raw("d", noon)}, func(h *held) {
			h.put(noon, line("d", noon))
			h.put(noon, line("d", noon))
		}, []string{"doubled d"}},
		"doubled, other stream": {[]string{raw("d", noon)}, func(h *held) {
			h.put(noon, line("d", noon))
			h.put(noon, line("d", noon), `,"late":"x"`)
		}, []string{"doubled d"}},
		"late label": {[]string{raw("d", noon)}, func(h *held) { h.put(noon, line("d", noon), `,"late":"x"`) }, nil},
		"altered": {[]string{raw("a", noon)}, func(h *held) {
			h.put(noon, strings.Replace(line("a", noon), "a.b", "a.c", 1))
		}, []string{"altered a"}},
		"altered envelope": {[]string{raw("a", noon)}, func(h *held) {
			h.put(noon, strings.Replace(line("a", noon), "received", "deceived", 1))
		}, []string{"altered a"}},
		"cut": {[]string{raw("a", noon)}, func(h *held) {
			h.put(noon, line("a", noon)[:60])
		}, []string{"altered a"}},
		"the other line format": {[]string{raw("a", noon)}, func(h *held) { h.put(noon, raw("a", noon)) }, nil},
		"packed": {[]string{raw("a", noon)}, func(h *held) {
			h.put(noon, fmt.Sprintf(`{"_entry":%q}`, line("a", noon)))
		}, nil},
		"foreign": {nil, func(h *held) { h.put(noon, line("f", noon)) }, []string{"foreign f"}},
		"another configured org's": {nil, func(h *held) {
			h.put(noon, line("f", noon), `,"org":"other.okta.com"`)
			h.entries[len(h.entries)-1].Labels = `{"org":"other.okta.com"}`
		}, nil},
		"hidden by age": {[]string{raw("u", now.Add(-4*time.Hour))}, func(h *held) {
			h.visible = 150 * time.Minute
		}, []string{"unknown u"}},
		"a gap in what storage shows": {[]string{raw("m", noon), raw("n", noon.Add(time.Hour))}, func(h *held) {
			h.visible = 150 * time.Minute
			h.put(noon.Add(time.Hour), line("n", noon.Add(time.Hour)))
		}, []string{"missing m"}},
		"a tail that may wait for its flush": {[]string{raw("u", noon), raw("v", noon.Add(time.Hour))}, func(h *held) {
			h.visible = 150 * time.Minute
		}, []string{"unknown u", "unknown v"}},
		"before the first that storage shows": {[]string{raw("u", first.Add(-time.Second)), raw("n", noon)}, func(h *held) {
			h.visible = 150 * time.Minute
			h.put(noon, line("n", noon))
		}, []string{"unknown u"}},
		"before what an ingester shows": {[]string{raw("u", noon), raw("n", now.Add(-150*time.Minute))}, func(h *held) {
			h.visible = 150 * time.Minute
			h.put(now.Add(-150*time.Minute), line("n", now.Add(-150*time.Minute)))
		}, []string{"unknown u"}},
		"before what was delivered late": {[]string{raw("u", noon), raw("n", noon.Add(time.Hour))}, func(h *held) {
			h.visible = 150 * time.Minute
			h.put(noon.Add(time.Hour), line("n", noon.Add(time.Hour)), `,"late":"x"`)
		}, []string{"unknown u"}},
		"what a collector delivered again": {[]string{raw("u", now.Add(-8*time.Hour)), raw("n", now.Add(-7*time.Hour))}, func(h *held) {
			h.visible = 150 * time.Minute
			h.put(now.Add(-7*time.Hour), line("n", now.Add(-7*time.Hour)))
		}, []string{"unknown u"}},
		"a crowded instant": {[]string{raw("c1", noon), raw("c2", noon), raw("c3", noon)}, func(h *held) {
			h.most = 2
			h.put(noon, line("c1", noon))
			h.put(noon, line("c2", noon))
			h.put(noon, line("q", noon))
			h.put(noon, line("c2", noon))
		}, []string{"missing c3", "doubled c2"}},
		"without uuid":            {[]string{fmt.Sprintf(`{"published":%q}`, noon.Format(time.RFC3339))}, func(*held) {}, []string{"unknown "}},
		"an event from next year": {[]string{raw("y", now.Add(9000*time.Hour)), raw("m", noon)}, func(*held) {}, []string{"missing m"}},
	} {
		t.Run(name, func(t *testing.T) {
			log := append(append([]string{raw("well", first)}, c.log...), raw("after", until.Add(time.Hour)), raw("after2", until.Add(time.Hour)))
			h := &held{}
			h.put(first, line("well", first))
			c.loki(h)
			r, err := Run(t.Context(), Config{
				Org: "acme.okta.com", Source: &pages{events: log}, PageSize: 2, Loki: h, Format: formatter.Entry, Since: since, Until: until,
				Slack: time.Hour, OtherOrgs: map[string]bool{"acme.okta.com": true, "other.okta.com": true},
			})
			require.NoError(t, err)
			var got []string
			for _, f := range r.Findings {
				got = append(got, string(f.Kind)+" "+strings.TrimPrefix(strings.TrimSuffix(f.UUID, "-0f"), "0-"))
			}
			require.Equal(t, c.want, got)
		})
	}
	for name, c := range map[string]struct {
		okta, loki error
	}{
		"Okta refuses": {&oktaapi.Error{Class: oktaapi.Refused, Status: 401}, nil},
		"Loki is away": {nil, errors.New("querying Loki: no answer")},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Run(t.Context(), Config{Org: "acme.okta.com", Source: &pages{events: []string{raw("m", noon)}, err: c.okta}, PageSize: 2,
				Loki: &held{err: c.loki}, Format: formatter.Entry, Since: since, Until: until})
			require.Error(t, err)
			require.Empty(t, r.Findings)
			require.NotEmpty(t, r.Err)
			require.False(t, Sum(since, until, []*Report{r}).Clean)
		})
	}
}

func TestWhereADoubledEventIs(t *testing.T) {
	for name, c := range map[string]struct {
		mixed  bool
		labels []string
		want   string
	}{
		"hidden":             {false, []string{`{"job":"x"}`}, "2 entries in one stream"},
		"one stream":         {false, []string{`{"job":"x"}`, `{"job":"x"}`}, "2 entries in one stream"},
		"shards":             {false, []string{`{"job":"x","__stream_shard__":"0"}`, `{"job":"x"}`}, "2 entries in one stream"},
		"two":                {false, []string{`{"job":"x"}`, `{"job":"x","late":"y"}`}, `2 entries in 2 streams: {late=""} and {late="y"}`},
		"in any order":       {false, []string{`{"job":"x","late":"y"}`, `{"job":"x"}`}, `2 entries in 2 streams: {late=""} and {late="y"}`},
		"not to be told":     {true, []string{`{"job":"x","actor":"hunter2"}`, `{"job":"x","actor":"hunter2b"}`}, "2 entries"},
		"not to be told all": {true, []string{`{"job":"x"}`, `{"job":"x"}`}, "2 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			at := time.Now().UTC().Truncate(time.Hour).Add(-12 * time.Hour)
			formatter, err := event.New(event.Options{Org: "acme.okta.com"})
			require.NoError(t, err)
			raw := fmt.Sprintf(`{"uuid":"0-d-0f","published":%q,"eventType":"a.b"}`, at.Format("2006-01-02T15:04:05.000Z"))
			events, err := event.Scan([]byte("[" + raw + "]"))
			require.NoError(t, err)
			h := &held{}
			for i := range 2 {
				e := reconcile.Audited{Time: at, Line: formatter.Entry(events[0], at).Line, Labels: c.labels[i%len(c.labels)], Mixed: c.mixed}
				if len(c.labels) > 1 { // else the second is hidden
					e.More = fmt.Sprintf(`{"structuredMetadata":{"actor":"hunter%d"}}`, i)
				}
				h.entries = append(h.entries, e)
			}
			r, err := Run(t.Context(), Config{Org: "acme.okta.com", Source: &pages{events: []string{raw}}, PageSize: 2, Loki: h,
				Format: formatter.Entry, Since: at.Add(-time.Hour), Until: at.Add(time.Hour)})
			require.NoError(t, err)
			require.Len(t, r.Findings, 1)
			require.Equal(t, c.want, r.Findings[0].Detail)
			var out bytes.Buffer
			s := Sum(at, at, []*Report{r})
			require.NoError(t, s.JSON(&out))
			require.NoError(t, s.Table(&out))
			require.NotContains(t, out.String(), "hunter")
		})
	}
}

func TestMetricsAreWrittenAsAWhole(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	well, away := &Report{Component: "a", Org: "o"}, &Report{Component: "a", Org: "p", Err: "away"}
	well.add(Finding{Kind: Missing, UUID: "m", Time: now})
	s := Sum(now.Add(-time.Hour), now, []*Report{well, away})
	path := filepath.Join(t.TempDir(), "okta.prom")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	require.NoError(t, s.WriteTextfile(path, now))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "# TYPE okta_verify_missing_events gauge\nokta_verify_missing_events{component_id=\"a\",org=\"o\"} 1\n#")
	require.Contains(t, string(text), "okta_verify_success{component_id=\"a\",org=\"p\"} 0\n")
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.ErrorContains(t, s.WriteTextfile(filepath.Join(path, "no", "folder"), now), "writing metrics")

	var table bytes.Buffer
	require.NoError(t, s.Table(&table))
	require.Contains(t, table.String(), "a, p: not verified: away")
	require.Contains(t, table.String(), "not known:")
}

// A range without events is no proof that anything arrives: a token that sees nothing looks the same.
func TestARangeWithoutEventsIsNotCalledComplete(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	for name, c := range map[string]struct {
		reports []*Report
		want    string
	}{
		"no event":         {[]*Report{{Org: "a"}, {Org: "b"}}, "nothing to compare: Okta has no event from "},
		"one org has some": {[]*Report{{Org: "a"}, {Org: "b", InOkta: 1, InLoki: 1}}, "complete: Loki has each event from "},
	} {
		t.Run(name, func(t *testing.T) {
			s := Sum(now.Add(-time.Hour), now, c.reports)
			require.True(t, s.Clean)
			var table bytes.Buffer
			require.NoError(t, s.Table(&table))
			require.Contains(t, table.String(), c.want)
		})
	}
}
