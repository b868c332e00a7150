package verify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// A collector was down until half an hour ago and has delivered all since: storage shows nothing of it. Age proves nothing.
func TestWhatCameLateIsNotMissingBeforeItIsShown(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	since, until := now.Add(-24*time.Hour), now.Add(-time.Hour)
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(t, err)
	log := &pages{}
	h := &held{visible: 150 * time.Minute, newest: now}
	for i := range 47 {
		at := since.Add(time.Duration(i) * 30 * time.Minute)
		raw := fmt.Sprintf(`{"uuid":"0-%d-0f","published":%q,"eventType":"a.b"}`, i, at.Format("2006-01-02T15:04:05.000Z"))
		log.events = append(log.events, raw)
		if now.Sub(at) <= 3*time.Hour { // query_ingesters_within
			h.put(at, raw)
		}
	}
	cfg := Config{Org: "acme.okta.com", Source: log, PageSize: 2, Loki: h, Format: formatter.Entry, Since: since, Until: until}
	r, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Zero(t, r.Counts[Missing])
	require.Equal(t, 42, r.Counts[Unknown])
	require.WithinDuration(t, now.Add(flushed), r.Clear, time.Minute)

	// Four hours in which nothing came prove it.
	for idle, missing := range map[time.Duration]int{flushed - time.Minute: 0, flushed: 42} {
		cfg.IdleSince = now.Add(-idle)
		r, err = Run(t.Context(), cfg)
		require.NoError(t, err)
		require.Equal(t, missing, r.Counts[Missing])
		require.Equal(t, 42-missing, r.Counts[Unknown])
		require.Equal(t, missing > 0, r.Clear.IsZero())
	}
}

func TestARepairThatMayDoubleIsRefused(t *testing.T) {
	now := time.Now().UTC()
	last := now.Add(-5 * time.Hour)
	for name, c := range map[string]struct {
		clear, newest, kept, idle time.Time
		want                      string // "": it is repaired
	}{
		"the collector is past it": {newest: now, kept: now},
		"Loki may hide it": {clear: now.Add(flushed), newest: now, kept: now,
			want: "with --idle-since " + now.Format(time.RFC3339)},
		"the collector is behind": {newest: last.Add(-time.Hour), kept: now,
			want: "the collector has got to " + last.Add(-time.Hour).Format(time.RFC3339) + " only"},
		"the collector is behind, and idle":  {newest: last.Add(-time.Hour), kept: now, idle: now.Add(-flushed), want: "has got to"},
		"nothing came after it":              {newest: last.Add(-time.Hour), kept: last},
		"nothing of the live log":            {kept: now, want: "--idle-since"},
		"nothing of the live log, and quiet": {kept: last},
		"no collector":                       {kept: now, idle: now.Add(-flushed)},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Report{Org: "acme.okta.com", Clear: c.clear, Kept: c.kept}
			cfg := Config{Since: now.Add(-24 * time.Hour), Loki: &held{newest: c.newest}, IdleSince: c.idle}
			require.NoError(t, r.Repairable(t.Context(), cfg), "nothing is missing")
			r.add(Finding{Kind: Missing, UUID: "m", Time: last})
			err := r.Repairable(t.Context(), cfg)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "nothing was repaired")
		})
	}
}

func TestThousandsInARowAreAnOutage(t *testing.T) {
	var r Report
	var st stream
	st.show(&r)
	for range mostListed + 1 {
		st.wait(Finding{Kind: Unknown}, &r)
	}
	st.show(&r)
	require.Equal(t, map[Kind]int{Unknown: mostListed + 1}, r.Counts)
}

func TestAnEntryLeavesNothingInMemory(t *testing.T) {
	at := time.Unix(1_790_000_000, 0)
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(t, err)
	events, err := event.Scan([]byte(`[{"uuid":"0-a-0f","published":"2026-09-21T14:13:20.000Z","eventType":"a.b"}]`))
	require.NoError(t, err)
	e := formatter.Entry(events[0], at)
	rec := newRecord(events[0], e, map[string]string{})
	one := reconcile.Audited{Time: at, Line: e.Line, Labels: `{"job":"x","actor":"` + strings.Repeat("a", 500) + `"}`}
	require.Zero(t, testing.AllocsPerRun(100, func() { rec.take(one) }))
}
