// option: event_hook

package okta

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log/level"

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
	if err == nil {
		cfg.Routes = map[string]hook.Route{e.path(""): {}}
		err = cfg.Validate()
	}
	return wrap("event_hook", err)
}

// path is where Okta sends the hooks of an org.
func (e *EventHook) path(org string) string { return strings.TrimRight(e.Path, "/") + "/" + org }

// config is the listener with a path for each of the orgs.
func (e *EventHook) config(orgs []string, receive hook.Receiver) (hook.Config, error) {
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
	counters := hook.NewMetrics()
	c.of.hooks = hook.New(c.logger, counters)
	c.collectors = append(c.collectors, counters)
	return nil
}

func (hooks) update(c *Component, args *Arguments, all []wanted) (do func(), err error) {
	cfg, err := c.hooksFor(args.Options.EventHook, all)
	return func() { c.of.hooks.Configure(cfg) }, wrap("event_hook", err)
}

func (hooks) run(ctx context.Context, c *Component) { _ = c.of.hooks.Run(ctx) } // it returns nothing but the context's error

func (hooks) configure(r *reading, _ *plan, _ *oktaapi.Config, cfg *poller.Config) bool {
	if r.isLive() {
		cfg.Wakes = r.k.of.wakes
	}
	return true
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

// hooksFor is the listener that the block wants; nil: none. An org whose name cannot be part of a path goes without hooks.
func (c *Component) hooksFor(e *EventHook, orgs []wanted) (hook.Config, error) {
	if e == nil {
		return hook.Config{}, nil
	}
	var names []string
	for _, o := range orgs {
		if o.err != nil {
			continue
		}
		if err := (hook.Config{Addr: ":0", Routes: map[string]hook.Route{e.path(o.name): {}}}).Validate(); err != nil {
			level.Warn(c.logger).Log("msg", "an org gets no event hooks: its name cannot be part of a path", "name", o.name)
			continue
		}
		names = append(names, o.name)
	}
	return e.config(names, c.receive)
}

// receive wakes the poller of the org that a hook is about, on this node or on another that reads it. It cannot fail: the log has what a
// hook announces, and polling finds it even without the hook.
func (c *Component) receive(_ context.Context, n hook.Notice) error {
	uuids := make([]string, len(n.Events))
	for i, e := range n.Events {
		uuids[i] = e.UUID
	}
	for _, m := range collected(c.current()) {
		if url := m.org.String(); m.name == n.Org && !c.announcedElsewhere(url, uuids) {
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
		if m.org.String() == org {
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
	_, err := c.of.hooks.Err()
	info := &eventHookInfo{Error: text(err)}
	if addr := c.of.hooks.Addr(); addr != nil {
		info.Address = addr.String()
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

// Listen is where event hooks arrive. loki.source.okta_event_hook has the same block.
type Listen struct {
	ListenAddress string     `alloy:"listen_address,attr,optional"`
	ListenPort    int        `alloy:"listen_port,attr,optional"`
	ConnLimit     int        `alloy:"conn_limit,attr,optional"`
	TLS           *ListenTLS `alloy:"tls,block,optional"`
}

// ListenTLS is the listener's certificate. Files are read again when they change.
type ListenTLS struct {
	Cert     string            `alloy:"cert_pem,attr,optional"`
	CertFile string            `alloy:"cert_file,attr,optional"`
	Key      alloytypes.Secret `alloy:"key_pem,attr,optional"`
	KeyFile  string            `alloy:"key_file,attr,optional"`
}

// SetToDefault implements syntax.Defaulter. Only a reverse proxy on the same machine can reach the default address.
func (l *Listen) SetToDefault() {
	*l = Listen{ListenAddress: "127.0.0.1", ListenPort: 8080, ConnLimit: hook.DefaultConnLimit}
}

// Config is the listener without its routes. Errors name the value and what is allowed.
func (l *Listen) Config(header string) (hook.Config, error) {
	if l.ListenPort < 0 || l.ListenPort > 65535 {
		return hook.Config{}, fmt.Errorf("listen_port is %d: it must be between 0 (any free one) and 65535", l.ListenPort)
	}
	if l.ConnLimit < 1 {
		return hook.Config{}, fmt.Errorf("conn_limit is %d: it must be at least 1", l.ConnLimit)
	}
	cfg := hook.Config{
		Addr: net.JoinHostPort(l.ListenAddress, strconv.Itoa(l.ListenPort)), ConnLimit: l.ConnLimit, Header: header,
		Routes: map[string]hook.Route{},
	}
	if t := l.TLS; t != nil {
		cfg.TLS = &hook.TLS{Cert: t.Cert, CertFile: t.CertFile, Key: string(t.Key), KeyFile: t.KeyFile}
	}
	return cfg, nil
}

// HookSecrets are the secrets as they are compared. Errors tell which one is bad, never its value.
func HookSecrets(secrets []alloytypes.Secret) ([]hook.Secret, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("secrets is empty: it must hold the value that Okta sends, of at least %d bytes", hook.MinSecret)
	}
	all := make([]hook.Secret, len(secrets))
	for i, s := range secrets {
		var err error
		if all[i], err = hook.ParseSecret(string(s)); err != nil {
			return nil, fmt.Errorf("secrets[%d]: %w", i, err)
		}
	}
	return all, nil
}
