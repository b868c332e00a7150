// option: backfill needs reconcile

package okta

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
)

// ranges is the option: parts of the log are read once, beside the live one.
type ranges struct{ idle }

func (ranges) validate(args *Arguments, org string) error {
	if org != "" { // checked when the org's plan is made, as a fault costs only that range
		return nil
	}
	return args.validateBackfills(time.Now())
}

func (ranges) build(c *Component) error {
	c.of.only = rangeOnlyOf(c.opts)
	return nil
}

// arguments notes which ranges cannot be read, for the orgs to leave out. A component that runs already refuses the arguments instead, and
// so does a command that reads nothing but a range.
func (ranges) arguments(c *Component, args *Arguments) error {
	if o := c.of.only; o != nil {
		args.Options.alone()
		args.Options.Backfills, args.Options.rangeOnly = []Backfill{o.Backfill}, true
	}
	if err := args.validateBackfills(time.Now()); err != nil {
		return err
	}
	running := c.current() != nil
	if err := args.refuseBackfills(c.opts.DataPath, time.Now()); err != nil && (running || args.Options.rangeOnly) {
		return err
	}
	return nil
}

func (ranges) wanted(c *Component, all []wanted) ([]wanted, error) {
	if o := c.of.only; o != nil && o.Wanted != nil {
		all = slices.DeleteFunc(all, func(w wanted) bool { return !o.Wanted(c.opts.ID, w.host()) })
	}
	return all, nil
}

func (ranges) plan(p *plan, _ connections) (err error) {
	p.of.fills, err = newFills(p.args, p.org.Host)
	return err
}

func (ranges) replace(k *collector, before, p *plan) {
	if len(p.of.fills) > 0 && p.confirmID == "" {
		level.Warn(k.logger).Log("msg", "a back-fill without reconcile delivers what Loki has already, too")
	}
	for _, f := range p.of.fills {
		had := before.fill(f.id())
		if had == nil {
			had = &fill{reading: newReading(k, f.id(), log.With(k.logger, "backfill", f.name()))}
		}
		f.reading = had.reading
		if f.refused != nil {
			f.refusedSince = cmp.Or(had.refusedSince, time.Now())
			level.Error(k.logger).Log("msg", "a backfill is not read", "err", f.refused)
		}
	}
}

// readings adds the ranges up to the first that is not done, as they are read one after another.
func (ranges) readings(p *plan, all []*reading) []*reading {
	if p.args.Options.rangeOnly {
		all = nil
	}
	for _, f := range p.of.fills {
		if f.refused != nil {
			continue
		}
		all = append(all, f.reading)
		if !f.reading.snapshot().Finished {
			break
		}
	}
	return all
}

func (ranges) configure(r *reading, p *plan, client *oktaapi.Config, cfg *poller.Config) bool {
	if r.isLive() {
		return true
	}
	f := p.fill(r.name)
	if f == nil { // the component is about to stop it
		return false
	}
	since, until, _ := f.bounds()
	client.Until, client.Share = until, p.args.RateLimitShare/2
	if own := f.RateLimitShare; own > 0 && own < p.args.RateLimitShare { // args has the org's own share, if there is one
		client.Share = own
	}
	cfg.Format, cfg.Range = f.formatter.Entry, &poller.Range{Since: since, Until: until}
	if !cfg.PerStream { // else a live entry shows nothing about the range's streams
		cfg.Range.Passed = func() time.Time { return r.k.live.status.Snapshot().Passed }
	}
	return true
}
