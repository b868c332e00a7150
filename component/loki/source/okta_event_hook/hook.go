// Package okta_event_hook implements the loki.source.okta_event_hook component: it takes Okta's event hooks and forwards the events in them
// as log entries, for those who have no access to the System Log's API. docs/loki.source.okta_event_hook.md says what they do not get;
// those who can read the API should use loki.source.okta.
//
// Listening is package internal/hook's business, entries are internal/event's.
package okta_event_hook

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/atomic"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/internal/slogadapter"

	"github.com/grafana/alloy/okta/component/loki/source/internal/fanout"
	"github.com/grafana/alloy/okta/component/loki/source/internal/registration"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/hook"
	"github.com/grafana/alloy/okta/internal/limits"
)

func init() {
	component.Register(component.Registration{
		Name:      "loki.source.okta_event_hook",
		Stability: featuregate.StabilityGenerallyAvailable,
		Args:      Arguments{},

		Build: func(opts component.Options, args component.Arguments) (component.Component, error) {
			return New(opts, args.(Arguments))
		},
	})
}

// Component implements loki.source.okta_event_hook.
type Component struct {
	logger  log.Logger
	server  *hook.Server
	metrics *metrics
	plan    atomic.Pointer[plan]

	turn chan struct{} // holds a token while nobody sends: deliveries are sent one after the other
	out  fanout.Fanout // belongs to who holds the turn

	mu      sync.Mutex
	orgs    map[string]*org // by name
	blocked time.Time       // since when deliveries are refused; zero: the last one was taken
	at      string          // the receiver that blocked
}

// plan is what one version of the arguments amounts to.
type plan struct {
	listen     hook.Config
	receivers  []fanout.Receiver
	formatters map[string]*event.Formatter
}

// org is what is known of an org's hooks. It outlives reloads.
type org struct {
	recent *simplelru.LRU[string, fanout.Took] // by uuid; belongs to who holds the turn
	told   limits.Told
	logger log.Logger
	events atomic.Uint64
	last   time.Time
}

var (
	_ component.Component       = (*Component)(nil)
	_ component.HealthComponent = (*Component)(nil)
	_ component.DebugComponent  = (*Component)(nil)
)

// New returns a component. It opens nothing before Run.
func New(opts component.Options, args Arguments) (*Component, error) {
	c := &Component{turn: make(chan struct{}, 1), orgs: map[string]*org{}, metrics: newMetrics(),
		logger: slogadapter.GoKit(opts.Logger.Handler())}
	c.turn <- struct{}{}
	p, err := args.config(c.receive)
	if err != nil {
		return nil, err
	}
	// Registered last: a component that could not be built must leave no metric behind.
	counters := hook.NewMetrics()
	c.server = hook.New(c.logger, counters)
	if err := registration.Register(opts.Registerer, append(c.metrics.all(), counters)...); err != nil {
		return nil, fmt.Errorf("building loki.source.okta_event_hook: %w", err)
	}
	c.use(p)
	return c, nil
}

// Run listens until ctx ends. An address that is in use is tried again.
func (c *Component) Run(ctx context.Context) error {
	_ = c.server.Run(ctx) // it returns nothing but the context's error
	return nil
}

// Update implements component.Component. It never waits.
func (c *Component) Update(args component.Arguments) error {
	a := args.(Arguments)
	p, err := a.config(c.receive)
	if err != nil {
		return fmt.Errorf("configuring loki.source.okta_event_hook: %w", err)
	}
	c.use(p)
	return nil
}

func (c *Component) use(p *plan) {
	c.mu.Lock()
	for name := range p.formatters {
		if c.orgs[name] == nil {
			recent, _ := simplelru.NewLRU[string, fanout.Took](remembered, nil) // its error is a size below 1
			c.orgs[name] = &org{recent: recent, logger: log.With(c.logger, "org", name)}
		}
	}
	maps.DeleteFunc(c.orgs, func(name string, _ *org) bool { return p.formatters[name] == nil })
	c.mu.Unlock()
	c.plan.Store(p)
	c.server.Configure(p.listen)
}

func (c *Component) org(name string) *org {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.orgs[name]
}

// CurrentHealth implements component.HealthComponent. That no hook comes is not unhealthy: an org may have nothing to tell.
func (c *Component) CurrentHealth() component.Health {
	since, err := c.server.Err()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		return component.Health{Health: component.HealthTypeUnhealthy, UpdateTime: since,
			Message: fmt.Sprintf("event hooks cannot be received, retrying: %v", err)}
	case !c.blocked.IsZero():
		return component.Health{Health: component.HealthTypeUnhealthy, UpdateTime: c.blocked,
			Message: fmt.Sprintf("receiver %s takes no entries since %s: event hooks are refused, and Okta sends each only once more",
				c.at, c.blocked.UTC().Format(time.RFC3339))}
	}
	return component.Health{Health: component.HealthTypeHealthy, Message: "listening for event hooks", UpdateTime: since}
}

// debugInfo is what the UI shows. Nothing in it is secret.
type debugInfo struct {
	Address string    `alloy:"address,attr,optional"` // "": not listening
	Orgs    []orgInfo `alloy:"org,block,optional"`
}

type orgInfo struct {
	Name      string    `alloy:"name,attr"`
	Path      string    `alloy:"path,attr"`
	Events    uint64    `alloy:"events_forwarded,attr"`
	LastEvent time.Time `alloy:"last_hook,attr,optional"`
}

// DebugInfo implements component.DebugComponent.
func (c *Component) DebugInfo() any {
	info := debugInfo{}
	if addr := c.server.Addr(); addr != nil {
		info.Address = addr.String()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for path, route := range c.plan.Load().listen.Routes {
		if o := c.orgs[route.Name]; o != nil {
			info.Orgs = append(info.Orgs, orgInfo{Name: route.Name, Path: path, Events: o.events.Load(), LastEvent: o.last})
		}
	}
	slices.SortFunc(info.Orgs, func(a, b orgInfo) int { return strings.Compare(a.Name, b.Name) })
	return info
}

// metrics are those of forwarding; package hook has those of listening.
type metrics struct {
	entries, duplicates, dropped prometheus.Counter
	overLimit                    *prometheus.CounterVec
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "loki_source_okta_event_hook_" + name, Help: help})
	}
	return &metrics{
		entries:    counter("entries_total", "Events of event hooks delivered to the receivers."),
		duplicates: counter("duplicate_events_total", "Events of event hooks not forwarded because their uuid had been."),
		dropped:    counter("dropped_events_total", "Events of event hooks that relabel_rules dropped."),
		overLimit:  limits.NewCounter("loki_source_okta_event_hook_"),
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.entries, m.duplicates, m.dropped, m.overLimit}
}
