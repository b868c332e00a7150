// option: reconcile

package poller

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/pipesim"
)

// pipeline is a loki.write and a Loki, both with their defaults: what is sent arrives a second later. It outlives processes, as if each
// waited for its loki.write, until die.
type pipeline struct {
	*pipesim.Loki

	mu    sync.Mutex
	write *pipesim.Write
	sent  map[string]int // deliveries of each uuid
}

func newPipeline(t *testing.T) *pipeline {
	loki := pipesim.NewLoki(pipesim.DefaultLimits())
	p := &pipeline{Loki: loki, write: pipesim.NewWrite(loki, pipesim.Defaults()), sent: map[string]int{}}
	t.Cleanup(func() { p.write.Kill() })
	return p
}

func (p *pipeline) Send(ctx context.Context, e event.Entry) error {
	p.mu.Lock()
	write := p.write
	p.sent[pipesim.UUID(e.Line)]++
	p.mu.Unlock()
	return write.Send(ctx, e)
}

// die is a kill -9 of the process: what was only in its memory is gone.
func (p *pipeline) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write.Kill()
	p.write = pipesim.NewWrite(p.Loki, pipesim.Defaults())
}

func everything(string) bool { return true }

// lose has entries get lost on their way into Loki; nil: none.
func (p *pipeline) lose(which func(uuid string) bool) {
	p.Set(func(f *pipesim.Faults) {
		f.Lose = nil
		if which != nil {
			f.Lose = func(e *pipesim.Entry) bool { return which(e.UUID) }
		}
	})
}

// down says whether queries fail.
func (p *pipeline) down(is bool) { p.Set(func(f *pipesim.Faults) { f.QueryDown = is }) }

// blind says whether queries find nothing, as with a wrong selector.
func (p *pipeline) blind(is bool) {
	p.hideIf(func(*pipesim.Entry) bool { return is })
}

// hide has Loki not show what is older than an age, however long ago it was flushed; 0: it shows all.
func (p *pipeline) hide(older time.Duration) {
	p.hideIf(func(e *pipesim.Entry) bool { return older > 0 && time.Since(e.Time) > older })
}

func (p *pipeline) hideIf(hidden func(*pipesim.Entry) bool) {
	p.Set(func(f *pipesim.Faults) { f.Hide = func(e *pipesim.Entry, _ string) bool { return hidden(e) } })
}

// deliveries is how often an event was sent.
func (p *pipeline) deliveries(uuid string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent[uuid]
}

// counts returns how many uuids were sent, and how many arrived, as often as key.
func (p *pipeline) counts() (sent, arrived map[int]int) {
	p.mu.Lock()
	sent = map[int]int{}
	for _, n := range p.sent {
		sent[n]++
	}
	p.mu.Unlock() // Loki holds its own lock while it asks lose's function, which may ask for deliveries
	return sent, p.Counts()
}

// view asks the site's Loki.
func (s *site) view(selector string) Confirmer {
	v, err := s.to.View(selector)
	require.NoError(s.t, err)
	return v
}

// anotherDelivers puts events of the org's log into Loki, as another node does.
func (s *site) anotherDelivers(uuids ...string) {
	s.uuids(func(_ int, ev event.Event) bool {
		if slices.Contains(uuids, ev.UUID) {
			s.to.Put(strings.Clone(ev.UUID), model.LabelSet{"job": "test"}, ev.Published)
		}
		return false
	})
}

// labeled sends under a label of the configuration and blocks when it has taken so many.
type labeled struct {
	*pipeline
	id   string
	left int // negative: takes everything
}

func (l *labeled) Send(ctx context.Context, e event.Entry) error {
	if l.left == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	l.left--
	e.Labels = e.Labels.Clone()
	e.Labels["config"] = model.LabelValue(l.id)
	return l.pipeline.Send(ctx, e)
}

// selects is the selector of what a labeled sends.
func (l *labeled) selects() string { return `{config="` + l.id + `"}` }
