package okta

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	promconfig "github.com/prometheus/common/config"

	"github.com/grafana/alloy/internal/build"
	alloy_relabel "github.com/grafana/alloy/internal/component/common/relabel"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/httptext"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
)

// userAgent is what Okta's administrators see in their log.
var userAgent = "alloy-okta/" + build.Version + " loki.source.okta"

// plan is what one version of the arguments amounts to for one org: everything a poller needs
// that can fail, made ahead of time so that a bad value is refused at load.
type plan struct {
	args      Arguments
	org       *url.URL
	auth      oktaapi.Authorizer
	http      *http.Client
	formatter *event.Formatter
	scope     checkpoint.Scope
	replay    time.Duration
	confirmID string // names what confirms deliveries: a Loki and its selector; "": nothing does
	of        ofPlan
}

// connections are what all orgs of a component use.
type connections struct {
	okta *http.Client
	of   ofConnections
}

func (args *Arguments) connections() (connections, error) {
	var c connections
	var err error
	if c.okta, err = args.Client.httpClient(); err != nil {
		return c, fmt.Errorf("client: %w", err)
	}
	return c, args.Options.connect(&c)
}

// newPlan returns the plan of arguments for one org.
func newPlan(args Arguments, shared connections, logger log.Logger) (*plan, error) {
	org, notes, err := oktaapi.ParseOrg(args.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	for _, note := range notes {
		level.Warn(logger).Log("msg", "url was normalized", "url", org, "note", note)
	}
	p := &plan{args: args, org: org, http: shared.okta, replay: args.ReplayWindow, scope: checkpoint.Scope{
		Org: org.String(), Filter: args.Filter, Query: args.Query, PageSize: args.PageSize,
	}}
	if p.auth, err = args.authorizer(org, p.http); err != nil {
		return nil, err
	}
	if p.formatter, err = event.New(args.eventOptions(org.Host), args.Options.profile()...); err != nil {
		return nil, err
	}
	for _, o := range options {
		if err := o.plan(p, shared); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// destination names the filter and where entries go: the Loki that confirms them or, without one, the receivers.
func (p *plan) destination() string {
	to := cmp.Or(p.confirmID, strconv.FormatUint(p.pipeline(), 16))
	return strings.Join([]string{to, p.scope.Filter, p.scope.Query}, "\n")
}

// pipeline names the receivers. A component exports the same receiver for as long as it lives.
func (p *plan) pipeline() uint64 {
	h := fnv.New64a()
	for _, r := range p.args.ForwardTo {
		_, _ = fmt.Fprintf(h, "%p ", r)
	}
	return h.Sum64()
}

// open opens the checkpoint and logs what is wrong with it. An error is a [*checkpoint.UnreadableError].
func (p *plan) open(logger log.Logger, dir string, copies ...[]byte) (*checkpoint.Journal, error) {
	journal, notes, err := checkpoint.Open(dir, p.scope, p.replay, copies...)
	for _, note := range notes {
		level.Warn(logger).Log(append([]any{"msg", note.Message}, note.Fields...)...)
	}
	return journal, err
}

func (p *plan) budget() *oktaapi.Budget { return budgets.For(p.org.Host) }

func (args *Arguments) authorizer(org *url.URL, hc *http.Client) (oktaapi.Authorizer, error) {
	if args.PrivateKeyJWT == nil {
		return auth.NewSSWS(string(args.APIToken), args.moreTokens...)
	}
	opts := args.PrivateKeyJWT.options(org)
	opts.HTTP, opts.UserAgent = hc, userAgent
	newJWT := auth.NewPrivateKeyJWT
	if args.PrivateKeyJWT.mayHaveNoKey {
		newJWT = auth.NewWithoutKeyFile
	}
	a, err := newJWT(opts)
	if err != nil {
		return nil, fmt.Errorf("private_key_jwt: %w", err)
	}
	return a, nil
}

func (p *PrivateKeyJWT) options(org *url.URL) auth.Options {
	return auth.Options{
		OrgURL:         org,
		ClientID:       p.ClientID,
		PrivateKey:     string(p.PrivateKey),
		PrivateKeyFile: p.PrivateKeyFile,
		KeyID:          p.KeyID,
		Scopes:         append([]string{}, p.Scopes...), // not nil, which is the default
		DPoP:           auth.DPoP(p.DPoP),
	}
}

func (args *Arguments) eventOptions(host string) event.Options {
	opts := event.Options{
		Org:                host,
		LineFormat:         args.LineFormat,
		Labels:             args.Labels,
		RelabelRules:       alloy_relabel.ComponentToPromRelabelConfigs(args.RelabelRules),
		StructuredMetadata: args.StructuredMetadata,
	}
	args.Options.format(&opts)
	return opts
}

// httpClient returns a client with the proxy and TLS settings of Alloy's other
// components. Redirects and timeouts are the caller's business.
func (c *Client) httpClient() (*http.Client, error) {
	hc, err := promconfig.NewClientFromConfig(promconfig.HTTPClientConfig{
		ProxyConfig: c.ProxyConfig.Convert(),
		TLSConfig:   *c.TLSConfig.Convert(),
		EnableHTTP2: true,
	}, "loki.source.okta")
	if err != nil {
		return nil, err
	}
	hc.Transport = httptext.Unproxied(hc.Transport)
	return hc, nil
}
