// option: reconcile, backfill

package poller

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/limits/limitstest"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/pipesim"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// odd is the uuid of the event that becomes a case's entry.
const odd = "00000000-0000-4000-8000-00000000odd0"

// picky takes what a Loki with default limits takes, and gives away what a receiver gives away: the entry.
type picky struct {
	to *pipeline

	mu      sync.Mutex
	refused map[string]int // by reason
	sent    int            // deliveries of odd
}

func (p *picky) Send(ctx context.Context, e event.Entry) error {
	reason := limits.OfEntry(e.Labels, e.Entry, time.Now(), limits.MaxAge).Reason
	uuid, _, _ := strings.Cut(e.Line, " ")
	p.mu.Lock()
	if reason != "" {
		p.refused[reason]++
	}
	if uuid == odd {
		p.sent++
	}
	p.mu.Unlock()
	e.Line = uuid
	for i := range e.StructuredMetadata { // loki.process may change the last receiver's
		e.StructuredMetadata[i].Value = ""
	}
	if reason != "" {
		return ctx.Err()
	}
	e.Labels = e.Labels.Clone()
	e.Labels["job"] = "test" // loki.write's external_labels
	return p.to.Send(ctx, e)
}

func (p *picky) seen() (refused map[string]int, sent int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused, p.sent
}

// overLimit is a poller in front of a picky pipeline, and an event that becomes a case's entry.
type overLimit struct {
	*site
	limitstest.Case
	picky *picky
	logs  testbed.Log
}

// append has the org log the event.
func (o *overLimit) append() {
	o.org.Append(fmt.Appendf(nil, `{"uuid":%q,"published":%q}`, odd, time.Now().Add(-o.Age).UTC().Format("2006-01-02T15:04:05.000Z")))
}

func (o *overLimit) configured(more func(*Config)) {
	o.configure = func(cfg *Config) {
		cfg.Logger = log.NewLogfmtLogger(&o.logs)
		cfg.Format = func(ev event.Event, now time.Time) event.Entry {
			e := format(ev, now)
			if ev.UUID == odd {
				e.Entry, e.Labels = o.Entry(odd+" ", now), o.Labels
				e.StructuredMetadata = append(e.StructuredMetadata[:0:0], e.StructuredMetadata...)
				e.Timestamp, e.LabelsKey = ev.Published, o.Labels.Fingerprint()
			}
			return e
		}
		if more != nil {
			more(cfg)
		}
	}
}

// Whatever forwards an entry counts and tells of it when a Loki with default limits refuses it.
func TestEverySourceTellsOfWhatLokiRefuses(t *testing.T) {
	live := func(o *overLimit, more func(*Config)) {
		o.configured(more)
		o.org.Generate(20, time.Minute)
		o.run()
		time.Sleep(time.Minute)
		o.append()
	}
	later := func(o *overLimit) {
		for range 45 { // minutes: Loki shows what is old once its chunk is flushed
			o.org.Generate(5, time.Second)
			time.Sleep(time.Minute)
		}
	}
	for source, of := range map[string]struct {
		run  func(o *overLimit)
		sent int // how often a refused entry is delivered
		skip func(c limitstest.Case) bool
	}{
		"live": {sent: 1, run: func(o *overLimit) {
			live(o, func(cfg *Config) { cfg.Confirm = nil })
			time.Sleep(time.Minute)
		}},
		"replay": {sent: 2, run: func(o *overLimit) {
			reads := func(cfg *Config) {
				cfg.Confirm = nil
				cfg.Open = func() (*checkpoint.Journal, error) {
					j, _, err := checkpoint.Open(o.dir, cfg.Scope, time.Hour)
					return j, err
				}
			}
			live(o, reads)
			time.Sleep(time.Minute)
			o.stop()
			counted := o.metrics
			o.process()
			o.metrics = counted
			o.run()
			time.Sleep(time.Minute)
			// too old to be replayed, or no longer ahead then
		}, skip: func(c limitstest.Case) bool { return c.Age > time.Hour || c.Age < 0 && c.Age > -time.Hour }},
		"delivered again": {sent: 3, run: func(o *overLimit) {
			live(o, nil)
			later(o)
			require.Zero(o.t, o.status.Snapshot().Unconfirmed.Waiting, "it is given up")
		}, skip: func(c limitstest.Case) bool { return c.Reason == limits.TooOld || c.Reason == limits.TooNew }}, // see the next test
		"probe": {sent: 1, run: func(o *overLimit) {
			o.configured(nil)
			o.org.Generate(20, time.Minute)
			o.run()
			time.Sleep(time.Minute)
			o.to.lose(everything)
			o.org.Generate(5, time.Second)
			time.Sleep(4 * time.Minute)
			require.Empty(o.t, o.status.Snapshot().Wrong[Hold].Kind)
			time.Sleep(2 * time.Minute)
			require.NotEmpty(o.t, o.status.Snapshot().Wrong[Hold].Kind)
			o.append()
			time.Sleep(5 * time.Minute)
			require.NotEmpty(o.t, o.status.Snapshot().Wrong[Hold].Kind, "what was delivered was a probe")
		}, skip: func(c limitstest.Case) bool { return c.Age != 0 }}, // what Loki may not show is no probe
		"a range": {sent: 1, run: func(o *overLimit) {
			since := time.Now().Add(-89 * 24 * time.Hour)
			o.append()
			time.Sleep(time.Second)
			until := time.Now()
			o.configured(func(cfg *Config) {
				cfg.Confirm, cfg.Range = nil, &Range{Since: since, Until: until}
				org, _, err := oktaapi.ParseOrg(o.pipe.URL)
				require.NoError(o.t, err)
				cfg.Source = oktaapi.New(oktaapi.Config{Org: org, Auth: token{}, HTTP: o.pipe.Client(), Share: 1, PageSize: 1000, Until: until})
			})
			o.run()
			time.Sleep(time.Minute)
		}, skip: func(c limitstest.Case) bool { return c.Age < 0 }}, // not in a range of the past
	} {
		for _, c := range limitstest.Cases() {
			if of.skip != nil && of.skip(c) {
				continue
			}
			t.Run(source+"/"+c.Name, func(t *testing.T) {
				in(t, func(t *testing.T, s *site) {
					o := &overLimit{site: s, Case: c, picky: &picky{to: s.to, refused: map[string]int{}}}
					s.sink = o.picky
					of.run(o)
					o.requireTold(c.Reason, of.sent)
				})
			})
		}
	}
}

// requireTold checks that the case's entry was delivered so often, or once when Loki takes it, and all was told that was to be told.
func (o *overLimit) requireTold(reason string, sent int) {
	o.t.Helper()
	synctest.Wait()
	refused, n := o.picky.seen()
	want := map[string]int{}
	if reason != "" {
		want[reason] = sent
		require.Equal(o.t, sent, n)
	}
	require.Positive(o.t, n)
	require.Equal(o.t, want, refused)
	require.InDelta(o.t, sent, testutil.ToFloat64(o.metrics.overLimit.WithLabelValues(reason))+float64(sent)*b2f(reason == ""), 0)
	require.Equal(o.t, len(want) > 0, strings.Count(o.logs.String(), "beyond Loki's default limits") > 0)
	require.LessOrEqual(o.t, strings.Count(o.logs.String(), "beyond Loki's default limits"), 2, "once in a process")
	if reason != "" {
		require.Positive(o.t, strings.Count(o.logs.String(), "reason="+reason+" uuid="+odd))
	}
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// The label late makes sixteen of fifteen.
func TestALabelThatIsAddedLateCounts(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		o := &overLimit{site: s, picky: &picky{to: s.to, refused: map[string]int{}}}
		s.sink = o.picky
		labels := model.LabelSet{}
		for i := range limits.MaxLabels {
			labels[model.LabelName(fmt.Sprint("l", i))] = "v"
		}
		o.Case = limitstest.Case{Labels: labels, Age: 2 * time.Hour}
		o.configured(func(cfg *Config) {
			cfg.Confirm = nil
			ordinary := cfg.Format
			cfg.Format = func(ev event.Event, now time.Time) event.Entry {
				e := ordinary(ev, now)
				e.Labels, e.LabelsKey = labels, 1
				return e
			}
		})
		s.org.Generate(20, time.Minute)
		s.run()
		time.Sleep(time.Minute)
		o.append()
		time.Sleep(time.Minute)
		o.requireTold(limits.Labels, 1)
		require.InDelta(t, 1, testutil.ToFloat64(s.metrics.late), 0)
	})
}

// What Loki refuses for its time is not waited for; what it will take in a while is.
func TestReconcileDoesNotWaitForTimesThatLokiRefuses(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		age  time.Duration
		sent int
		got  bool
	}{
		"8 days old":       {8 * day, 1, false},
		"80 days old":      {80 * day, 1, false},
		"20 minutes ahead": {-20 * time.Minute, 2, true},
		"59 minutes ahead": {-59 * time.Minute, 2, true},
		"2 hours ahead":    {-2 * time.Hour, 1, false},
		"a day ahead":      {-day, 1, false},
		"100 years ahead":  {-100 * 365 * day, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				o := &overLimit{site: s, Case: limitstest.Case{Labels: model.LabelSet{"job": "test"}, Age: c.age},
					picky: &picky{to: s.to, refused: map[string]int{}}}
				s.sink = o.picky
				o.configured(nil)
				s.org.Generate(20, time.Minute)
				s.run()
				time.Sleep(time.Minute)
				o.append()
				for range 90 {
					s.org.Generate(1, time.Second)
					time.Sleep(time.Minute)
				}
				synctest.Wait()
				_, sent := o.picky.seen()
				require.Equal(t, c.sent, sent)
				require.Equal(t, c.got, s.to.Copies(odd) == 1)
				require.Zero(t, testutil.ToFloat64(s.metrics.givenUp))
				require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting, "the cursor goes on")
			})
		})
	}
}

// With our clock hours behind everybody else's, every event is hours ahead: it is looked for all the same.
func TestReconcileLooksForWhatOnlyOurClockHasAhead(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Set(func(o *oktasim.Org) { o.Clock = 5 * time.Hour })
		s.to.Set(func(f *pipesim.Faults) { f.Clock = 5 * time.Hour })
		s.run()
		for range 5 {
			s.org.Generate(10, time.Second)
			time.Sleep(time.Minute)
		}
		s.requireExactlyOnce()
		require.InDelta(t, 50, testutil.ToFloat64(s.metrics.confirmed), 0)
	})
}
