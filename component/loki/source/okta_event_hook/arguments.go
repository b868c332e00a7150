package okta_event_hook

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	alloy_relabel "github.com/grafana/alloy/internal/component/common/relabel"
	"github.com/grafana/alloy/syntax"
	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/component/loki/source/internal/fanout"
	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/hook"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// hookLabel marks entries that came by a hook: their bytes differ from those that loki.source.okta reads, and they are not all of the log.
const hookLabel = "hook"

// Arguments configures loki.source.okta_event_hook. docs/loki.source.okta_event_hook.md describes each.
type Arguments struct {
	ForwardTo []fanout.Receiver `alloy:"forward_to,attr"`
	Orgs      []Org             `alloy:"org,block,optional"`

	Header string      `alloy:"header,attr,optional"`
	Path   string      `alloy:"path,attr,optional"`
	HTTP   okta.Listen `alloy:"http,block,optional"`

	LineFormat         string              `alloy:"line_format,attr,optional"`
	Labels             map[string]string   `alloy:"labels,attr,optional"`
	RelabelRules       alloy_relabel.Rules `alloy:"relabel_rules,attr,optional"`
	StructuredMetadata map[string]string   `alloy:"structured_metadata,attr,optional"`
	Redact             *okta.Redact        `alloy:"redact,block,optional"`
}

// Org is an org whose hooks are taken, at path/<name>.
type Org struct {
	Name    string              `alloy:",label"`
	URL     string              `alloy:"url,attr"`
	Secrets []alloytypes.Secret `alloy:"secrets,attr"`
	Labels  map[string]string   `alloy:"labels,attr,optional"`
}

var (
	_ syntax.Defaulter = (*Arguments)(nil)
	_ syntax.Validator = (*Arguments)(nil)
)

// SetToDefault implements syntax.Defaulter.
func (args *Arguments) SetToDefault() {
	*args = Arguments{Header: hook.DefaultHeader, Path: "/okta", LineFormat: event.FormatEnvelope}
	args.HTTP.SetToDefault()
}

// Validate implements syntax.Validator. It opens nothing and reads no file.
func (args *Arguments) Validate() error {
	if len(args.ForwardTo) == 0 {
		return errors.New("forward_to is empty: it must name at least one receiver, such as loki.write.default.receiver")
	}
	if len(args.Orgs) == 0 {
		return errors.New("no org block: there must be one for each org that sends hooks")
	}
	_, err := args.config(nil)
	return err
}

// config makes the listener's configuration, with routes that lead to receive. The formatters come with it, by the orgs' names.
func (args *Arguments) config(receive hook.Receiver) (*plan, error) {
	cfg, err := args.HTTP.Config(args.Header)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	p := &plan{listen: cfg, receivers: args.ForwardTo, formatters: map[string]*event.Formatter{}}
	for _, o := range args.Orgs {
		path := strings.TrimRight(args.Path, "/") + "/" + o.Name
		if _, twice := cfg.Routes[path]; twice {
			return nil, fmt.Errorf("org %q: there are two of this name", o.Name)
		}
		secrets, err := okta.HookSecrets(o.Secrets)
		if err != nil {
			return nil, fmt.Errorf("org %q: %w", o.Name, err)
		}
		org, _, err := oktaapi.ParseOrg(o.URL)
		if err != nil {
			return nil, fmt.Errorf("org %q: url: %w", o.Name, err)
		}
		if p.formatters[o.Name], err = event.New(args.formatting(org, o.Labels)); err != nil {
			return nil, fmt.Errorf("org %q: %w", o.Name, err)
		}
		cfg.Routes[path] = hook.Route{Name: o.Name, Secrets: secrets, Receive: receive}
	}
	return p, cfg.Validate()
}

func (args *Arguments) formatting(org *url.URL, labels map[string]string) event.Options {
	all := map[string]string{hookLabel: "true"}
	maps.Copy(all, args.Labels)
	maps.Copy(all, labels)
	return event.Options{
		Org:                org.Host,
		LineFormat:         args.LineFormat,
		Labels:             all,
		RelabelRules:       alloy_relabel.ComponentToPromRelabelConfigs(args.RelabelRules),
		StructuredMetadata: args.StructuredMetadata,
		Redaction:          args.Redact.Options(),
	}
}
