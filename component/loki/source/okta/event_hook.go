// option: event_hook

package okta

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/internal/hook"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
)

// EventHook is a listener whose hooks wake the pollers: an event that a hook announces is polled for at once. The content of a hook is
// never forwarded: it differs from what the log has, and it is not signed.
type EventHook struct {
	Secrets []alloytypes.Secret `alloy:"secrets,attr"`
	Header  string              `alloy:"header,attr,optional"`
	Path    string              `alloy:"path,attr,optional"`
	Settle  time.Duration       `alloy:"settle,attr,optional"`
	HTTP    Listen              `alloy:"http,block,optional"`
}

// SetToDefault implements syntax.Defaulter.
func (e *EventHook) SetToDefault() {
	*e = EventHook{Header: hook.DefaultHeader, Path: "/okta", Settle: time.Minute}
	e.HTTP.SetToDefault()
}

// Validate implements syntax.Validator. It opens nothing and reads no file.
func (e *EventHook) Validate() error {
	if e.Settle < time.Second || e.Settle > 10*time.Minute {
		return fmt.Errorf("event_hook: settle is %s: it must be between 1s and 10m", e.Settle)
	}
	cfg, err := e.config(nil, nil)
	if err != nil {
		return fmt.Errorf("event_hook: %w", err)
	}
	cfg.Routes = map[string]hook.Route{e.path(""): {}}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("event_hook: %w", err)
	}
	return nil
}

// path is where Okta sends the hooks of an org.
func (e *EventHook) path(org string) string { return strings.TrimRight(e.Path, "/") + "/" + org }

// config is the listener with a path for each of the orgs.
func (e *EventHook) config(orgs []string, receive hook.Receiver) (hook.Config, error) {
	if e == nil {
		return hook.Config{}, nil
	}
	cfg, err := e.HTTP.Config(e.Header)
	if err != nil {
		return cfg, fmt.Errorf("http: %w", err)
	}
	secrets, err := HookSecrets(e.Secrets)
	if err != nil {
		return cfg, err
	}
	for _, name := range orgs {
		cfg.Routes[e.path(name)] = hook.Route{Name: name, Secrets: secrets, Receive: receive}
	}
	return cfg, nil
}

// hooks is the option: event hooks wake the pollers.
type hooks struct{ idle }

func (hooks) build(c *Component) error {
	c.of.counters = hook.NewMetrics()
	c.of.hooks = hook.New(c.logger, c.of.counters)
	return nil
}

func (hooks) update(c *Component, args *Arguments, all []wanted) (do func(), err error) {
	cfg, err := c.hooksFor(args, all)
	return func() { c.of.hooks.Configure(cfg) }, err
}

func (hooks) run(ctx context.Context, c *Component) { _ = c.of.hooks.Run(ctx) } // it returns nothing but the context's error

func (hooks) configure(r *reading, _ *plan, _ *oktaapi.Config, cfg *poller.Config) bool {
	if r.isLive() {
		cfg.Wakes = r.k.of.wakes
	}
	return true
}

func (hooks) describe(c *Component, ch chan<- *prometheus.Desc) { c.of.counters.Describe(ch) }

func (hooks) collect(c *Component, ch chan<- prometheus.Metric, _ time.Time) {
	c.of.counters.Collect(ch)
}

// health is that of a component that should listen for hooks and cannot, if nothing else is wrong. Polling goes on.
func (hooks) health(c *Component, _ time.Time, is component.Health) component.Health {
	since, err := c.of.hooks.Err()
	if err == nil || is.Health != component.HealthTypeHealthy {
		return is
	}
	return component.Health{
		Health: component.HealthTypeUnhealthy, UpdateTime: since,
		Message: fmt.Sprintf("event hooks cannot be received, retrying; polling goes on: %v", err),
	}
}

// hooksFor is the listener that args want. An org whose name cannot be part of a path goes without hooks.
func (c *Component) hooksFor(args *Arguments, orgs []wanted) (hook.Config, error) {
	var names []string
	for _, o := range orgs {
		if args.Options.EventHook == nil || o.err != nil {
			continue
		}
		if err := (hook.Config{Addr: ":0", Routes: map[string]hook.Route{args.Options.EventHook.path(o.name): {}}}).Validate(); err != nil {
			level.Warn(c.logger).Log("msg", "an org gets no event hooks: its name cannot be part of a path", "name", o.name)
			continue
		}
		names = append(names, o.name)
	}
	cfg, err := args.Options.EventHook.config(names, c.receive)
	return cfg, wrap("event_hook", err)
}

// receive wakes the poller of the org that a hook is about, on this node or on another that reads it. It cannot fail: the log has what a
// hook announces, and polling finds it even without the hook.
func (c *Component) receive(_ context.Context, n hook.Notice) error {
	uuids := make([]string, len(n.Events))
	for i, e := range n.Events {
		uuids[i] = e.UUID
	}
	for _, m := range collected(c.current()) {
		if url := m.plan.Load().org.String(); m.name == n.Org && !c.announcedElsewhere(url, uuids) {
			c.wake(url, uuids)
		}
	}
	return nil
}

// wake wakes the org's poller on this node.
func (c *Component) wake(org string, uuids []string) {
	args := c.arguments()
	if args.Options.EventHook == nil {
		return
	}
	for _, m := range collected(c.current()) {
		if m.plan.Load().org.String() == org {
			m.of.wakes.Announce(uuids, args.Options.EventHook.Settle)
		}
	}
}

// eventHookInfo is what the UI shows of the listener.
type eventHookInfo struct {
	Address string   `alloy:"address,attr,optional"` // "": it does not listen
	Error   string   `alloy:"error,attr,optional"`
	Paths   []string `alloy:"paths,attr,optional"`
}

func (c *Component) eventHookInfo(args *Arguments, members []member) *eventHookInfo {
	if args.Options.EventHook == nil {
		return nil
	}
	info := &eventHookInfo{}
	if addr := c.of.hooks.Addr(); addr != nil {
		info.Address = addr.String()
	}
	if _, err := c.of.hooks.Err(); err != nil {
		info.Error = err.Error()
	}
	for _, m := range collected(members) {
		info.Paths = append(info.Paths, args.Options.EventHook.path(m.name))
	}
	return info
}

// announcedElsewhere announces events to the node that reads the org; false: this one does.
func (c *Component) announcedElsewhere(org string, uuids []string) (told bool) {
	told = c.of.exchange.Announce(org, uuids) // option: clustering
	return told
}
