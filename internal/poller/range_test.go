// option: backfill

//go:build !race

package poller_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/pipesim"
	"github.com/grafana/alloy/okta/internal/poller"
)

// backfill is a poller of a range beside a trial's live one.
type backfill struct {
	*trial
	since, until time.Time
	job          model.LabelValue // of its entries; "": the live ones'
	logs         logbook
	status       *poller.Status
	stop         func()
}

func (b *backfill) run() {
	live := b.trial.status
	cfg, client := b.config(oktaapi.Config{Share: 0.25, Until: b.until})
	cfg.Range = &poller.Range{Since: b.since, Until: b.until,
		Passed: func() time.Time { return live.Snapshot().Passed }}
	dir := filepath.Join(b.dir, "backfill")
	cfg.Open = func() (*checkpoint.Journal, error) {
		journal, _, err := checkpoint.Open(dir, cfg.Scope, 0)
		return journal, err
	}
	cfg.Format = func(e event.Event, now time.Time) event.Entry {
		entry := b.format(e, now)
		entry.Labels["backfill"] = "range"
		if b.job != "" {
			entry.Labels["job"] = b.job
		}
		entry.LabelsKey = entry.Labels.Fingerprint()
		return entry
	}
	b.status = &poller.Status{}
	cfg.Status, cfg.Logger = b.status, log.NewLogfmtLogger(&b.logs)
	b.stop = b.start(cfg, client, poller.Owner{Dir: dir, Org: cfg.Scope.Org, To: b.id + "backfill"})
}

// kill ends the process like kill -9 and starts another one.
func (b *backfill) kill() {
	b.write.Kill()
	b.trial.stop()
	b.stop()
	b.process()
	b.trial.run()
	b.run()
}

func (b *backfill) finished() bool { return b.status.Snapshot().Finished }

// showAnyAge takes a Loki that queries its ingesters for any time.
func (s *trial) showAnyAge() {
	limits := pipesim.DefaultLimits()
	limits.QueryIngestersWithin = 0
	s.write.Kill()
	s.loki = pipesim.NewLoki(limits)
	s.process()
}

// fill runs a back-fill of five days of 20 events an hour, beside a live feed that began before it. Loki shows nothing old before a
// flush, unless it shows everything.
func fill(t *testing.T, shows bool, test func(b *backfill)) {
	t.Helper()
	try(t, 1, pipesim.Defaults(), func(s *trial) {
		if shows {
			s.showAnyAge()
		}
		begin := time.Now()
		s.feed(1, 5*24*time.Hour)
		pass(5 * 24 * time.Hour)
		s.lookback = time.Minute
		s.feed(20, 30*time.Hour)
		s.run()
		pass(5 * time.Minute)
		b := &backfill{trial: s, since: begin, until: begin.Add(5*24*time.Hour - 2*time.Hour)}
		b.run()
		test(b)
		for end := time.Now().Add(24 * time.Hour); !b.finished() && time.Now().Before(end); {
			pass(time.Minute)
		}
		b.stop()
		assert.True(t, b.finished(), "the back-fill ends: %+v", b.status.Snapshot())
		pass(20 * time.Minute) // the live feed recovers from what happened
		assert.Less(t, b.trial.status.Snapshot().Lag(time.Now()), 15*time.Second)
		b.requireRange()
	})
}

// requireRange checks that Loki has each event of the range, and of the live feed, once.
func (b *backfill) requireRange() {
	b.t.Helper()
	var want []string
	for i, at := range b.times {
		if at.Before(b.until.Add(-10*time.Minute)) || at.After(b.begin.Add(5*24*time.Hour)) && at.Before(time.Now().Add(-10*time.Minute)) {
			want = append(want, b.uuids[i])
		}
	}
	assert.Greater(b.t, len(want), 6000)
	missing, _, _ := b.loki.Compare(want)
	_, doubled, _ := b.loki.Compare(b.uuids)
	assert.Empty(b.t, missing)
	assert.Empty(b.t, doubled)
}

func TestABackfillIsExactlyOnceAndDoneOnce(t *testing.T) {
	for name, shows := range map[string]bool{"Loki's defaults": false, "a Loki that shows any age": true} {
		for what, happens := range map[string]func(b *backfill){
			"nothing": func(*backfill) {},
			"kill":    (*backfill).kill,
			"outage": func(b *backfill) {
				b.loki.Set(func(f *pipesim.Faults) { f.PushDown, f.QueryDown = true, true })
				pass(15 * time.Minute)
				b.loki.Set(func(f *pipesim.Faults) { *f = pipesim.Faults{} })
			},
			"outage and kill": func(b *backfill) {
				b.loki.Set(func(f *pipesim.Faults) { f.PushDown, f.QueryDown = true, true })
				pass(10 * time.Minute)
				b.kill()
				pass(10 * time.Minute)
				b.loki.Set(func(f *pipesim.Faults) { *f = pipesim.Faults{} })
			},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				fill(t, shows, func(b *backfill) {
					pass(3 * time.Second) // a page or two
					happens(b)
				})
			})
		}
	}
}

// The last pages of a range are dropped by loki.write, and nothing of the range follows that could show it: the live feed does.
func TestTheEndOfABackfillIsNotLost(t *testing.T) {
	try(t, 2, pipesim.Defaults(), func(s *trial) {
		s.showAnyAge()
		begin := time.Now()
		s.feed(2, 5*time.Hour)
		pass(5 * time.Hour)
		s.lookback = time.Minute
		s.feed(20, 8*time.Hour)
		s.run()
		pass(5 * time.Minute)
		s.loki.Set(func(f *pipesim.Faults) { f.PushStatus = 500 })
		b := &backfill{trial: s, since: begin, until: begin.Add(3 * time.Hour)}
		b.run()
		pass(11 * time.Minute)
		s.loki.Set(func(f *pipesim.Faults) { *f = pipesim.Faults{} })
		assert.Positive(t, s.write.Dropped())
		pass(time.Hour)
		assert.True(t, b.finished(), "%+v", b.status.Snapshot())
		missing, doubled, _ := s.loki.Compare(s.uuids[:300])
		assert.Empty(t, missing)
		assert.Empty(t, doubled)

		before := len(s.org.Requests())
		b.kill()
		pass(time.Second)
		assert.True(t, b.finished(), "a back-fill that is done stays done")
		assert.Equal(t, 1, len(s.org.Requests())-before, "the live feed's")
		b.stop()
	})
}

// beside runs a live feed, and beside it a back-fill of two hours with some 240 events.
func beside(t *testing.T, shows bool, test func(b *backfill)) {
	t.Helper()
	try(t, 3, pipesim.Defaults(), func(s *trial) {
		if shows {
			s.showAnyAge()
		}
		begin := time.Now()
		s.feed(2, 5*time.Hour)
		pass(5 * time.Hour)
		s.lookback = time.Minute
		s.feed(5, 14*time.Hour)
		s.run()
		pass(5 * time.Minute)
		b := &backfill{trial: s, since: begin, until: begin.Add(2 * time.Hour), stop: func() {}}
		test(b)
		b.stop()
	})
}

// What live polling knows of the selector says nothing about a range, whose entries have other labels.
func TestARangeEarnsItsOwnTrust(t *testing.T) {
	for name, shows := range map[string]bool{"Loki's defaults": false, "a Loki that shows any age": true} {
		t.Run(name, func(t *testing.T) {
			beside(t, shows, func(b *backfill) {
				b.job = "archive" // which the selector does not match
				b.run()
				pass(12 * time.Hour)
				assert.False(t, b.finished())
				assert.ErrorIs(t, b.status.Snapshot().Unconfirmable().Err, poller.ErrNothingArrives, "it is told")
				missing, doubled, _ := b.loki.Compare(b.uuids[:200])
				assert.Empty(t, missing)
				assert.LessOrEqual(t, len(doubled), 1, "one that shows whether the selector finds it")
				assert.Less(t, b.trial.status.Snapshot().Lag(time.Now()), 15*time.Second, "the live feed has no part in it")
			})
		})
	}
}

// All of a range was announced, delivered and lost with the process: nothing new of it follows.
func TestARangeThatDiedAtItsEnd(t *testing.T) {
	for name, shows := range map[string]bool{"Loki's defaults": false, "a Loki that shows any age": true} {
		t.Run(name, func(t *testing.T) {
			beside(t, shows, func(b *backfill) {
				b.loki.Set(func(f *pipesim.Faults) { f.PushDown = true })
				b.run()
				pass(10 * time.Second)
				assert.True(t, b.status.Snapshot().Ended)
				b.kill()
				b.loki.Set(func(f *pipesim.Faults) { *f = pipesim.Faults{} })
				pass(12 * time.Hour)
				assert.True(t, b.finished(), "%+v", b.status.Snapshot())
				missing, doubled, _ := b.loki.Compare(b.uuids[:200])
				assert.Empty(t, missing)
				assert.Empty(t, doubled)
			})
		})
	}
}

// Loki's defaults hide what is older than three hours until its chunk is flushed: nothing is wrong before that.
func TestAnOldRangeIsWaitedForAndNotBroken(t *testing.T) {
	beside(t, false, func(b *backfill) {
		begin := time.Now()
		b.run()
		pass(time.Minute)
		s := b.status.Snapshot()
		assert.True(t, s.Ended)
		assert.Equal(t, s.Unconfirmed.Waiting, s.Unconfirmed.Hidden)
		assert.WithinDuration(t, begin.Add(4*time.Hour), s.Unconfirmed.Shown, time.Minute)
		assert.Equal(t, 1, b.logs.count("level=info", "waiting for Loki to show events that are old", "until="))
		for !b.finished() && time.Since(begin) < 5*time.Hour {
			assert.NoError(t, b.status.Snapshot().Unconfirmable().Err)
			pass(time.Minute)
		}
		assert.True(t, b.finished())
		assert.Zero(t, b.logs.count("level=error"))
	})
}
