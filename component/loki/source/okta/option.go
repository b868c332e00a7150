package okta

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
)

// option is a part of the component that it can do without. An option has files of its own. What it does goes through this interface, which
// the core calls for each of [options], in their order; all else that names it is a line in options.go. An option is a type without fields:
// what it knows of a component, an org or a plan is kept in these, in the structs of options.go. It embeds [idle] for the methods in which
// it has no part.
//
// A core without an option is what is left without its files and its lines, which `make upstream CORE=1` writes and a test compiles.
type option interface {
	// validate judges arguments when they are decoded: as a whole when org is "", or for that org alone, by its host. It reads no file,
	// uses no network, and changes nothing.
	validate(args *Arguments, org string) error
	// plan adds to what arguments amount to for one org. It may read files.
	plan(p *plan, shared connections) error

	// build adds to a component that is being made, before it has arguments.
	build(c *Component) error
	// arguments changes what an update asks for, before anything is made of it.
	arguments(c *Component, args *Arguments) error
	// wanted changes which orgs an update asks for.
	wanted(c *Component, all []wanted) ([]wanted, error)
	// update prepares what an update asks for; the plans of the orgs are made already. What it returns is called when nothing can fail any
	// more and the component has the arguments; nil: there is nothing to do.
	update(c *Component, args *Arguments, all []wanted) (do func(), err error)
	// run does, until ctx ends, what is to be done beside reading.
	run(ctx context.Context, c *Component)

	// replace prepares the readings of a plan that is to replace one; nil: it is the first.
	replace(k *collector, before, p *plan)
	// readings adds to the readings that a plan wants, or takes away.
	readings(p *plan, all []*reading) []*reading
	// configure changes how a reading reads. It returns false when the plan has nothing to read for it.
	configure(r *reading, p *plan, client *oktaapi.Config, cfg *poller.Config) bool
	// left is called when a reading ends here: with the component, or because another node reads.
	left(r *reading)

	// verdict is what health says of an org while the live log is healthy. A healthy verdict is said only when there is
	// nothing to say of the live log.
	verdict(k *collector, now time.Time) condition
	// health changes the health of the component.
	health(c *Component, now time.Time, is component.Health) component.Health
	// collect adds to what is computed at each scrape.
	collect(c *Component, ch chan<- prometheus.Metric, now time.Time)
}

// idle is what an option embeds: it has no part in anything.
type idle struct{}

func (idle) validate(*Arguments, string) error                                      { return nil }
func (idle) plan(*plan, connections) error                                          { return nil }
func (idle) build(*Component) error                                                 { return nil }
func (idle) arguments(*Component, *Arguments) error                                 { return nil }
func (idle) wanted(_ *Component, all []wanted) ([]wanted, error)                    { return all, nil }
func (idle) update(*Component, *Arguments, []wanted) (do func(), err error)         { return nil, nil }
func (idle) run(context.Context, *Component)                                        {}
func (idle) replace(*collector, *plan, *plan)                                       {}
func (idle) readings(_ *plan, all []*reading) []*reading                            { return all }
func (idle) configure(*reading, *plan, *oktaapi.Config, *poller.Config) bool        { return true }
func (idle) left(*reading)                                                          {}
func (idle) verdict(*collector, time.Time) (v condition)                            { return v }
func (idle) health(_ *Component, _ time.Time, is component.Health) component.Health { return is }
func (idle) collect(*Component, chan<- prometheus.Metric, time.Time)                {}

// seat is whether a reading may read, where that is not always so. Its methods but run are safe for concurrent use.
type seat interface {
	// run calls the reading's keep while it may read, until ctx ends.
	run(ctx context.Context)
	// elsewhere is why the reading does not read; fine: it does.
	elsewhere(now time.Time) condition
}
