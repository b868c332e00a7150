// option: reconcile

package okta

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/internal/component/common/config"

	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// The values of ordering.
const (
	// orderingAll: whatever is delivered arrives in the order of delivery, as with loki.write's default of one shard.
	orderingAll = "all"
	// orderingStream: only entries with the same labels do, as with min_shards above 1 or several routes to one Loki.
	orderingStream = "stream"
)

const maxMargin = time.Hour

// backfillLabel puts the entries of a range into streams of their own, in which they are in order: Loki refuses an entry that is an hour
// behind the newest of its stream.
const backfillLabel = "backfill"

// lokis are the process's (see process.go), by address, tenant and credentials, so that all components of a process together send a Loki no
// more queries than it can bear. A Loki is forgotten with the last component that asks it.
var lokis reconcile.Servers

// Reconcile is the Loki that is asked what has arrived.
type Reconcile struct {
	URL      string        `alloy:"url,attr"`
	Selector string        `alloy:"selector,attr,optional"`
	TenantID string        `alloy:"tenant_id,attr,optional"`
	Margin   time.Duration `alloy:"margin,attr,optional"`
	// Ordering says which later event proves that one is lost.
	Ordering string `alloy:"ordering,attr,optional"`
	// ResumeOverlap is how far before the newest event in Loki a start without a checkpoint begins; 0s: at initial_lookback.
	ResumeOverlap time.Duration `alloy:"resume_overlap,attr,optional"`
	// Loki's settings of these names.
	QueryIngestersWithin   time.Duration `alloy:"query_ingesters_within,attr,optional"`
	RejectOldSamplesMaxAge time.Duration `alloy:"reject_old_samples_max_age,attr,optional"`

	HTTPClientConfig config.HTTPClientConfig `alloy:",squash"`
}

// SetToDefault implements syntax.Defaulter. A squashed struct's own does not run.
func (r *Reconcile) SetToDefault() {
	*r = Reconcile{
		Margin:                 5 * time.Second,
		Ordering:               orderingAll,
		ResumeOverlap:          time.Hour,
		QueryIngestersWithin:   limits.QueryIngesters,
		RejectOldSamplesMaxAge: limits.MaxAge,
		HTTPClientConfig:       config.DefaultHTTPClientConfig,
	}
}

// Validate implements syntax.Validator.
func (r *Reconcile) Validate() error {
	if _, err := r.address(); err != nil {
		return err
	}
	if r.Selector != "" {
		if err := checkSelector(r.Selector); err != nil {
			return err
		}
	}
	switch {
	case r.Margin < 0 || r.Margin > maxMargin:
		return fmt.Errorf("reconcile > margin is %s: it must be between 0s and %s", r.Margin, maxMargin)
	case r.Ordering != orderingAll && r.Ordering != orderingStream:
		return fmt.Errorf("ordering is %q: it must be %q or %q", r.Ordering, orderingAll, orderingStream)
	case r.ResumeOverlap < 0 || r.ResumeOverlap > oktaapi.Retention:
		return fmt.Errorf("resume_overlap is %s: it must be between 0s and %s", r.ResumeOverlap, oktaapi.Retention)
	case r.RejectOldSamplesMaxAge < 0:
		return fmt.Errorf("reject_old_samples_max_age is %s: it must be what Loki has, 0s if that refuses no entry for its age",
			r.RejectOldSamplesMaxAge)
	case r.QueryIngestersWithin < 0:
		return fmt.Errorf("query_ingesters_within is %s: it must be what Loki has, 0s if that queries its ingesters for any time",
			r.QueryIngestersWithin)
	}
	return r.HTTPClientConfig.Validate()
}

// address is Loki's base URL. The push path that loki.write wants is taken off.
func (r *Reconcile) address() (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(r.URL))
	switch {
	case err != nil:
		return nil, fmt.Errorf("url is not a URL; write Loki's address, such as %q", "http://loki:3100")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("url must begin with http:// or https:// and name a host, such as %q", "http://loki:3100")
	case u.User != nil:
		return nil, fmt.Errorf("url holds user info; use a basic_auth block")
	}
	u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/loki/api/v1/push")
	u.RawQuery, u.Fragment = "", ""
	return u, nil
}

// reconciling is the option: deliveries are confirmed by asking Loki.
type reconciling struct{ idle }

func (reconciling) validate(args *Arguments, org string) error {
	if r := args.Options.Reconcile; org != "" && r != nil && r.Selector == "" && staticSelector(org, args.Labels) == "{}" {
		return errors.New("labels leave none of the component's own, so reconcile has nothing to select by: " +
			"keep one, or set selector in reconcile to labels that the entries have in Loki")
	}
	return nil
}

func (o *Options) connectLoki(c *connections) (err error) {
	if o.Reconcile != nil {
		c.of.loki, err = o.Reconcile.server()
	}
	return wrap("reconcile", err)
}

func (reconciling) plan(p *plan, shared connections) error {
	if p.args.Options.Reconcile == nil {
		return nil
	}
	p.replay = 0 // the journal holds what has arrived; there is nothing to replay
	p.of.loki, p.confirmID = p.args.loki(p.org.Host, shared.of.loki)
	return nil
}

func (reconciling) configure(_ *reading, p *plan, _ *oktaapi.Config, cfg *poller.Config) bool {
	if r, loki := p.args.Options.Reconcile, p.of.loki; r != nil {
		cfg.Confirming = poller.Confirming{
			Confirm: loki, ConfirmID: p.confirmID, Overlap: r.ResumeOverlap, PerStream: r.Ordering == orderingStream,
			Previous: func(selector string) poller.Confirmer { return loki.WithSelector(selector) },
		}
	}
	return true
}

// loki returns the client for an org's entries, and a name for the settings that decide whether the client finds what is delivered.
func (args *Arguments) loki(org string, server *reconcile.Server) (*reconcile.Loki, string) {
	r, selector := args.Options.Reconcile, args.selector(org)
	margin := max(r.Margin, time.Nanosecond)
	at, _ := r.address() // the server's
	sum := sha256.Sum256([]byte(strings.Join([]string{at.String(), r.TenantID, selector}, "\n")))
	return server.Loki(reconcile.Config{
		Selector: selector, Live: liveSelector(selector, args.Labels, args.Options.labelsBeside()),
		Before: margin, After: margin, Ingesters: r.QueryIngestersWithin, MaxAge: r.RejectOldSamplesMaxAge,
	}), hex.EncodeToString(sum[:8])
}

// server returns a Loki, the same one for all components that reach it in the same way.
func (r *Reconcile) server() (*reconcile.Server, error) {
	u, err := r.address()
	if err != nil {
		return nil, err
	}
	key := struct {
		url, tenant string
		client      config.HTTPClientConfig
	}{u.String(), r.TenantID, r.HTTPClientConfig}
	return lokis.For(key, func() (*reconcile.Server, error) {
		hc, err := r.httpClient()
		if err != nil {
			return nil, err
		}
		return reconcile.NewServer(reconcile.ServerConfig{URL: u, HTTP: hc, TenantID: r.TenantID, UserAgent: userAgent}), nil
	})
}

// httpClient returns the client for Loki.
func (r *Reconcile) httpClient() (*http.Client, error) {
	hc, err := reconcile.NewClient(*r.HTTPClientConfig.Convert(), "loki.source.okta reconcile")
	if err != nil {
		return nil, err
	}
	if hc.CheckRedirect == nil { // else redirects are not followed at all
		hc.CheckRedirect = stayHome
	}
	return hc, nil
}

// stayHome refuses redirects to another host: the client adds its credentials to each request, whatever the host.
func stayHome(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return errors.New("refusing a redirect to another host")
	}
	return nil
}

var (
	unconfirmedDesc = desc("unconfirmed_events", "Events delivered and not found in Loki yet.")
	unconfirmedAge  = desc("oldest_unconfirmed_age_seconds", "Time since the first delivery of the oldest unconfirmed event, or 0.")
)

func (reconciling) collect(c *Component, ch chan<- prometheus.Metric, now time.Time) {
	for m := range c.measured(ch, now) {
		if m.plan.of.loki == nil {
			continue
		}
		failing := cmp.Or(m.snap.Unconfirmable().Since, m.snap.Wrong[poller.Rewind].Since)
		if failing.IsZero() && now.Sub(m.snap.Asking) >= askingGrace {
			failing = m.snap.Asking
		}
		m.since(failingDesc, failing, "reconcile")
		m.send(unconfirmedDesc, float64(m.snap.Unconfirmed.Waiting))
		m.since(unconfirmedAge, m.snap.Unconfirmed.Since)
	}
}

type reconcileInfo struct {
	Selector          string    `alloy:"selector,attr"`
	Unconfirmed       int       `alloy:"unconfirmed_events,attr"`
	OldestUnconfirmed time.Time `alloy:"oldest_unconfirmed,attr,optional"`
	Skipped           uint64    `alloy:"skipped_events,attr"`
	Retried           uint64    `alloy:"retried_events,attr"`
	Error             string    `alloy:"error,attr,optional"`
}

// reconcileInfo is nil without the block.
func (p *plan) reconcileInfo(s poller.Snapshot) *reconcileInfo {
	if p.of.loki == nil {
		return nil
	}
	return &reconcileInfo{Selector: p.of.loki.Selector(), Unconfirmed: s.Unconfirmed.Waiting,
		OldestUnconfirmed: s.Unconfirmed.Since, Skipped: s.Skipped, Retried: s.Retried, Error: text(s.Unconfirmable().Err)}
}
