// option: reconcile

//go:build !race

package poller

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

const foreign = "another org's"

// lender writes to the memory that a page in hand gave back, as the next page of another org does. To write to what it does not own is
// the point, so it is not for the race detector, which sees nothing without it: a bubble orders what would be a race, and a pool may keep
// nothing.
type lender struct {
	*pipeline
	Confirmer
	p     *Poller
	body  []byte
	event []event.Event

	deaf  bool // Newest fails
	mute  bool // Find fails
	asked map[string]bool
	lines []string
}

// look remembers the page in hand, and fills its memory with another org's once it was given back.
func (l *lender) look() {
	if l.p == nil { // it has just begun
		return
	}
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	switch h := l.p.hand; {
	case h == nil:
	case !h.gone:
		l.body, l.event = h.Body, h.events
	case l.body != nil:
		for i := range l.body {
			l.body[i] = 'x'
		}
		for i := range l.event {
			l.event[i] = event.Event{UUID: foreign, Raw: []byte(`{}`), Published: time.Now()}
		}
		l.body, l.event = nil, nil
	}
}

func (l *lender) Newest(ctx context.Context, back time.Duration) (time.Time, error) {
	l.look()
	if l.deaf {
		return time.Time{}, errors.New("connection refused")
	}
	return l.Confirmer.Newest(ctx, back)
}

func (l *lender) Find(ctx context.Context, events []reconcile.Event) (map[string]bool, error) {
	l.look()
	if l.mute {
		return nil, errors.New("connection refused")
	}
	for _, e := range events {
		l.asked[e.UUID] = true
	}
	return l.Confirmer.Find(ctx, events)
}

func (l *lender) Send(ctx context.Context, e event.Entry) error {
	l.look()
	l.lines = append(l.lines, e.Line)
	return l.pipeline.Send(ctx, e)
}

// stuck is a receiver that blocks until the page was given back, as one that is full.
type stuck struct {
	*lender
	once sync.Once
}

func (s *stuck) Send(ctx context.Context, e event.Entry) error {
	var err error
	s.once.Do(func() {
		s.look()
		<-ctx.Done()
		err = ctx.Err()
	})
	if err != nil {
		return err
	}
	return s.lender.Send(ctx, e)
}

func TestMemoryThatWasGivenBackIsNotUsed(t *testing.T) {
	for name, begin := range map[string]func(l *lender) (end func()){
		"Loki does not tell its newest":  func(l *lender) func() { l.deaf = true; return func() { l.deaf = false } },
		"Loki does not tell what it has": func(l *lender) func() { l.mute = true; return func() { l.mute = false } },
		"a receiver is blocked":          func(*lender) func() { return func() {} },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				s.slots = oktaapi.NewSlots(1)
				s.org.Generate(20, time.Minute)
				l := &lender{pipeline: s.to, Confirmer: s.view(s.finds), asked: map[string]bool{}}
				end := begin(l)
				s.configure = func(c *Config) {
					c.Confirm, c.Sink = l, l
					if name == "a receiver is blocked" {
						c.Sink = &stuck{lender: l}
					}
					c.Format = func(ev event.Event, _ time.Time) event.Entry {
						e := format(ev, time.Now())
						e.Line = string(ev.Raw)
						return e
					}
				}
				s.run()
				l.p = s.poller
				time.Sleep(time.Second) // the page is in hand
				other := newSite(t)
				defer other.pipe.Close()
				other.slots = s.slots
				other.org.Generate(1, time.Second)
				other.run() // wants the memory, and soon gives it back
				defer func() { other.stop() }()
				time.Sleep(2 * time.Minute)
				require.Nil(t, l.body, "the page was given back")
				end()
				time.Sleep(5 * time.Minute)
				require.NotContains(t, l.asked, foreign)
				require.NotEmpty(t, l.lines)
				for _, line := range l.lines {
					require.True(t, strings.HasPrefix(line, `{"`) && strings.HasSuffix(line, "}"), line)
				}
				require.Len(t, l.sent, 20)
			})
		})
	}
}
