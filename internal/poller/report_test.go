// option: reconcile

package poller

import (
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// A push that Loki answers with 404 looks like a selector that finds nothing: nothing arrives. What Loki can say tells them apart.
func TestWhatIsBlamedWhenNothingArrives(t *testing.T) {
	const push = "look for loki.write's failed pushes in the log (404: its url must end in /loki/api/v1/push)"
	selector := "the selector {job=\"test\"} finds none of the entries"
	for name, c := range map[string]struct {
		to      func(p *pipeline)
		want    []string
		without string
	}{
		"pushes fail, and Loki has nothing": {func(p *pipeline) { p.lose(everything) },
			[]string{"Loki has nothing at all of that time, so pushes fail or go elsewhere; " + push}, "selector"},
		"pushes fail, and Loki has others'": {func(p *pipeline) { p.lose(everything); p.Put("other", model.LabelSet{"job": "other"}, time.Now()) },
			[]string{"either pushes fail, or " + selector, push}, "nothing at all"},
		"a wrong selector": {func(p *pipeline) { p.blind(true) },
			[]string{"either pushes fail, or " + selector, push, "check reconcile's url, tenant_id and selector"}, "nothing at all"},
	} {
		for _, worked := range []bool{false, true} {
			c := c
			if worked {
				name += ", which has worked"
			}
			t.Run(name, func(t *testing.T) {
				in(t, func(t *testing.T, s *site) {
					if worked {
						s.org.Generate(5, time.Minute)
						s.run()
						time.Sleep(time.Minute)
						c.want, c.without = []string{"either pushes fail, or " + selector, push}, "nothing at all"
					}
					c.to(s.to)
					s.org.Generate(20, time.Minute)
					if !worked {
						s.run()
					}
					time.Sleep(10 * time.Minute)
					err := s.status.Snapshot().Unconfirmable().Err
					require.ErrorIs(t, err, ErrNothingArrives)
					for _, want := range c.want {
						require.ErrorContains(t, err, want)
					}
					require.NotContains(t, err.Error(), c.without)
					require.ErrorContains(t, err, "none of the 20 delivered since")
				})
			})
		}
	}
}
