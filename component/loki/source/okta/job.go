package okta

import (
	"context"
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
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// userAgent is what Okta's administrators see in their log.
var userAgent = "alloy-okta/" + build.Version + " loki.source.okta"

// job is what one version of the arguments amounts to for one org: everything a poller needs
// that can fail, made ahead of time so that a bad value is refused at load.
type job struct {
	args      Arguments
	org       *url.URL
	auth      oktaapi.Authorizer
	http      *http.Client
	formatter *event.Formatter
	scope     checkpoint.Scope
	confirm   poller.Confirmer // nil without reconcile
	confirmID string
	previous  func(selector string) poller.Confirmer
	replay    time.Duration
	fills     []*fill
	overlap   time.Duration
}

// connections are what all orgs of a component use.
type connections struct {
	okta *http.Client
	loki *reconcile.Server // nil without reconcile
}

func (args *Arguments) connections() (connections, error) {
	var c connections
	var err error
	if c.okta, err = args.Client.httpClient(); err != nil {
		return c, fmt.Errorf("client: %w", err)
	}
	if args.Reconcile != nil {
		if c.loki, err = args.Reconcile.server(); err != nil {
			return c, fmt.Errorf("reconcile: %w", err)
		}
	}
	return c, nil
}

// newJob returns the job of arguments for one org.
func newJob(args Arguments, shared connections, logger log.Logger) (*job, error) {
	org, notes, err := oktaapi.ParseOrg(args.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	for _, note := range notes {
		level.Warn(logger).Log("msg", "url was normalized", "url", org, "note", note)
	}
	j := &job{args: args, org: org, http: shared.okta, scope: checkpoint.Scope{
		Org: org.String(), Filter: args.Filter, Query: args.Query, PageSize: args.PageSize,
	}}
	if j.auth, err = args.authorizer(org, j.http); err != nil {
		return nil, err
	}
	if j.formatter, err = event.New(args.eventOptions(org.Host)); err != nil {
		return nil, err
	}
	if j.fills, err = newFills(args, org.Host); err != nil {
		return nil, err
	}
	j.replay = args.ReplayWindow
	if args.Reconcile != nil {
		j.replay = 0 // the journal holds what has arrived; there is nothing to replay
		loki, id, err := args.Reconcile.loki(org.Host, args.Labels, args.Backfills, shared.loki)
		if err != nil {
			return nil, fmt.Errorf("reconcile: %w", err)
		}
		j.confirm, j.confirmID, j.overlap = loki, id, args.Reconcile.ResumeOverlap
		j.previous = func(selector string) poller.Confirmer { return loki.WithSelector(selector) }
	}
	return j, nil
}

// owner says whose memory a poller goes on with. Without reconcile, the receivers are what
// tells one destination from another.
func (j *job) owner(dir string) poller.Owner {
	to := j.confirmID
	if j.confirm == nil {
		to = strconv.FormatUint(j.pipeline(), 16)
	}
	return poller.Owner{Dir: dir, Org: j.scope.Org, To: strings.Join([]string{to, j.scope.Filter, j.scope.Query}, "\n")}
}

// pipeline names the receivers. A component exports the same receiver for as long as it
// lives.
func (j *job) pipeline() uint64 {
	h := fnv.New64a()
	for _, r := range j.args.ForwardTo {
		fmt.Fprintf(h, "%p ", r)
	}
	return h.Sum64()
}

// open opens the checkpoint and logs what is wrong with it. An error is a
// [*checkpoint.UnreadableError].
func (j *job) open(logger log.Logger, dir string, copies ...[]byte) (*checkpoint.Journal, error) {
	journal, notes, err := checkpoint.Open(dir, j.scope, j.replay, copies...)
	for _, note := range notes {
		level.Warn(logger).Log(append([]any{"msg", note.Message}, note.Fields...)...)
	}
	return journal, err
}

// poller returns a new poller that goes on where the memory's last one stood.
func (j *job) poller(k *collector, memory *poller.Memory) *poller.Poller {
	cfg := j.pollerConfig(k, j.clientConfig(k))
	cfg.Memory, cfg.Wakes = memory, k.wakes
	cfg.Open = func() (*checkpoint.Journal, error) {
		journal, err := j.open(k.logger, k.c.opts.DataPath, k.start.Copies...)
		if err == nil && j.args.Clustering.Enabled {
			journal.Saved = k.seat.Saved
		}
		return journal, err
	}
	if k.start.LastPush > 0 { // of one org after the other, as nodes come and go
		cfg.Spread = 0
	}
	return poller.New(cfg)
}

func (j *job) clientConfig(k *collector) oktaapi.Config {
	return oktaapi.Config{
		Org:       j.org,
		Auth:      j.auth,
		HTTP:      j.http,
		PageSize:  j.scope.PageSize,
		Filter:    j.scope.Filter,
		Query:     j.scope.Query,
		Timeout:   j.args.RequestTimeout,
		UserAgent: userAgent,
		Budget:    j.budget(),
		Share:     j.args.RateLimitShare,
		Slots:     slots,
		Waiting:   k.status.Waiting,
		Observe:   k.metrics.Observe,
	}
}

// pollerConfig is all but the memory.
func (j *job) pollerConfig(k *collector, client oktaapi.Config) poller.Config {
	to := sink{receivers: j.args.ForwardTo, live: k.c.live, partly: &k.partly, current: &k.sendingTo}
	var owned func(context.Context) (bool, error)
	if j.args.Clustering.Enabled {
		owned = k.seat.Owned
	}
	return poller.Config{
		Owned: owned, LastPush: k.start.LastPush,
		Source:          oktaapi.New(client),
		Sink:            to,
		Receiver:        to.receiver,
		Remedy:          func(err error) string { return auth.Remedy(j.auth.Method(), err) },
		Format:          j.formatter.Entry,
		Scope:           j.scope,
		PollInterval:    j.args.PollInterval,
		InitialLookback: j.args.InitialLookback,
		Spread:          k.c.spread(j.args.PollInterval),
		OutOfOrder:      j.args.OutOfOrderWindow,
		Confirm:         j.confirm,
		ConfirmID:       j.confirmID,
		Overlap:         j.overlap,
		Previous:        j.previous,
		Pipeline:        j.pipeline(),
		PerStream:       j.args.Reconcile != nil && j.args.Reconcile.Ordering == orderingStream,
		Status:          &k.status,
		Told:            &k.c.told,
		Metrics:         k.metrics,
		Logger:          k.logger,
	}
}

func (j *job) budget() *oktaapi.Budget { return budgets.For(j.org.Host) }

func (args *Arguments) authorizer(org *url.URL, hc *http.Client) (oktaapi.Authorizer, error) {
	if args.PrivateKeyJWT == nil {
		return auth.NewSSWS(string(args.APIToken), args.moreTokens...)
	}
	opts := args.PrivateKeyJWT.options(org)
	opts.HTTP, opts.UserAgent = hc, userAgent
	a, err := auth.NewPrivateKeyJWT(opts)
	if err != nil {
		return nil, fmt.Errorf("private_key_jwt: %w", err)
	}
	return a, nil
}

func (p *PrivateKeyJWT) options(org *url.URL) auth.Options {
	scopes := p.Scopes
	if scopes == nil {
		scopes = []string{}
	}
	return auth.Options{
		OrgURL:         org,
		ClientID:       p.ClientID,
		PrivateKey:     string(p.PrivateKey),
		PrivateKeyFile: p.PrivateKeyFile,
		KeyID:          p.KeyID,
		Scopes:         scopes,
		DPoP:           auth.DPoP(p.DPoP),
	}
}

func (args *Arguments) eventOptions(host string) event.Options {
	return event.Options{
		Org:                host,
		LineFormat:         args.LineFormat,
		Labels:             args.Labels,
		RelabelRules:       alloy_relabel.ComponentToPromRelabelConfigs(args.RelabelRules),
		StructuredMetadata: args.StructuredMetadata,
		Redaction:          args.Redact.Options(),
	}
}

// httpClient returns a client with the proxy and TLS settings of Alloy's other
// components. Redirects and timeouts are the caller's business.
func (c *Client) httpClient() (*http.Client, error) {
	return promconfig.NewClientFromConfig(promconfig.HTTPClientConfig{
		ProxyConfig: c.ProxyConfig.Convert(),
		TLSConfig:   *c.TLSConfig.Convert(),
		EnableHTTP2: true,
	}, "loki.source.okta")
}
