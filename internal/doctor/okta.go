package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/httptext"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
)

const (
	// worstSkew is what the component takes for a wrong clock (loki.source.okta, "the clock of this machine").
	worstSkew = time.Minute
	// patience is how long an org may take for a request that waits for its budget: this is a question, and no collector.
	patience = 90 * time.Second
	// firstEvents are few: the first page shows that there is one.
	firstEvents = 10
	// oktaKeeps is how long Okta keeps events: 90 days (Okta, System Log API).
	oktaKeeps = 90 * 24 * time.Hour
)

// way is what happened on the way to Okta.
type way struct {
	gone    bool
	err     error
	blame   string // the leg that err is about; "" without one
	first   oktaapi.Page
	next    oktaapi.Page
	nextErr error
	seen    *witness
}

// goToOkta gets the first page and the one that its next link leads to, and samples the log when all is well.
func (v *visit) goToOkta(ctx context.Context) {
	w := &v.okta
	w.gone, w.seen = true, newWitness(v.HTTP)
	ctx, secrets := httptext.Watch(ctx)
	w.seen.secrets = secrets
	client := v.client(ctx)
	get := func(c *oktaapi.Client, cur oktaapi.Cursor) (oktaapi.Page, error) {
		ctx, stop := context.WithTimeout(ctx, patience)
		defer stop()
		return c.Fetch(ctx, cur)
	}
	now := v.opts.Now()
	if w.first, w.err = get(client, client.StartOf(now.Add(-time.Hour), firstEvents)); w.err != nil {
		w.blame = v.whoseFault(w.err)
		return
	}
	if events, err := event.Scan(w.first.Body); err != nil {
		w.err, w.blame = err, "first page"
		return
	} else {
		v.page = events
	}
	if w.first.Next != "" {
		w.next, w.nextErr = get(client, w.first.Next)
	}
	if w.first.Next == "" || w.nextErr == nil {
		v.sample(now, func(cur oktaapi.Cursor) ([]event.Event, error) {
			page, err := get(client, cur)
			if err != nil {
				return nil, err
			}
			return event.Scan(page.Body)
		}, client)
	}
}

func (v *visit) client(context.Context) *oktaapi.Client {
	return oktaapi.New(oktaapi.Config{
		Org: v.URL, Auth: v.Auth, HTTP: &http.Client{Transport: v.okta.seen}, PageSize: v.PageSize, Filter: v.Filter, Query: v.Query,
		Timeout: v.Timeout, UserAgent: v.UserAgent, Budget: v.Budget, Share: v.Share,
	})
}

func (v *visit) method() string {
	if v.Auth == nil {
		return ""
	}
	return v.Auth.Method()
}

// whoseFault says which leg an error of Fetch is about.
func (v *visit) whoseFault(err error) string {
	var (
		dns       *net.DNSError
		certErr   *tls.CertificateVerificationError
		unknown   x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		refused   *auth.Error
		e         *oktaapi.Error
		challenge = v.okta.seen.challenge()
	)
	switch {
	case errors.As(err, &dns):
		return "name"
	case errors.As(err, &certErr), errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &record):
		return "tls"
	case errors.As(err, &refused):
		return ofToken(refused)
	case !errors.As(err, &e):
		return "limits" // the time for an answer ended in waiting for the budget
	case e.Foreign, e.Status == http.StatusProxyAuthRequired, e.Status == 0 && e.Class == oktaapi.Transient && !errors.Is(err, oktaapi.ErrBodyTooLarge):
		return "route"
	case e.Status == http.StatusTooManyRequests:
		return "limits"
	case e.Status == http.StatusNotFound, e.Status >= 300 && e.Status < 400:
		return "org"
	case strings.Contains(e.Code, "dpop") || strings.Contains(strings.ToLower(e.Summary), "dpop"):
		return "dpop"
	case e.Status == http.StatusUnauthorized:
		return "credentials"
	case e.Status == http.StatusForbidden && (e.Code == "insufficient_scope" || strings.Contains(challenge, "insufficient_scope")):
		return "scope"
	case e.Status == http.StatusForbidden:
		return "role"
	case e.Status == http.StatusBadRequest:
		return "filter"
	}
	return "first page"
}

// ofToken is the leg that a refusal of the token endpoint, or of what the request for a token is made of, is about.
func ofToken(e *auth.Error) string {
	words := strings.ToLower(e.Description)
	switch {
	case e.Foreign():
		return "route"
	case e.Status == http.StatusTooManyRequests:
		return "limits"
	case e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed:
		return "org"
	case strings.Contains(e.Remedy, "clock"):
		return "clock"
	case e.Code == "invalid_dpop_proof" || e.Code == "use_dpop_nonce":
		return "dpop"
	case e.Code == "invalid_scope" || e.Code == "consent_required" || strings.Contains(words, "scope"):
		return "scope"
	case e.Status >= 500:
		return "first page"
	}
	return "credentials"
}

// blamed is a check that fails when the way to Okta ended with its leg.
func blamed(name string) func(*visit, context.Context) Check {
	return func(v *visit, _ context.Context) Check { return v.blamed(name, v.said(name)) }
}

func (v *visit) blamed(name, fine string) Check {
	if v.okta.blame != name {
		if unknown := v.okta.blame == "limits" || v.okta.blame == "first page"; unknown && slices.Contains(unproven, name) {
			return skip("not known yet: Okta gave no page")
		}
		return pass("%s", fine)
	}
	return fail(v.remedy(name), "%v", v.okta.err)
}

// unproven are the legs that an answer about volume, or a broken one, says nothing of.
var unproven = []string{"credentials", "dpop", "scope", "role", "filter"}

// said is what is worth saying of a leg that passed.
func (v *visit) said(name string) string {
	switch name {
	case "name":
		return v.URL.Hostname() + " resolves, or a proxy resolves it"
	case "route":
		return "something answers"
	case "tls":
		if v.URL.Scheme != "https" {
			return "not used: " + v.URL.Scheme
		}
		return "the certificate is trusted"
	case "org":
		return "Okta answers at " + v.URL.String()
	case "credentials":
		return "accepted: " + v.method()
	case "scope":
		if v.method() == "ssws" {
			return "an API token has none"
		}
		return "okta.logs.read is granted"
	case "role":
		return "the System Log may be read"
	case "filter":
		if v.Filter == "" && v.Query == "" {
			return "none is set"
		}
		return "accepted"
	}
	return ""
}

// remedy is what the component advises, and for what it has no words, ours.
func (v *visit) remedy(name string) string {
	if own, ok := errors.AsType[*auth.Error](v.okta.err); ok && own.Remedy != "" {
		return own.Remedy
	}
	known := auth.Remedy(v.method(), v.okta.err)
	switch name {
	case "tls":
		return "a proxy that opens TLS, or the org's own authority: put its certificate into client > tls_config > ca_file"
	case "scope":
		return "grant okta.logs.read to the app, under its Okta API Scopes tab, and name it in scopes"
	case "route":
		return cmp.Or(known, "check url, proxy_url and firewalls: no answer comes back from there")
	case "limits":
		return "other clients use up the org's limit: look at Reports > Rate Limits in Okta, and ask again later"
	case "first page":
		return cmp.Or(known, "look at status.okta.com, and ask again later")
	}
	return known
}

func (v *visit) configuration(context.Context) Check {
	if v.Err != nil {
		return fail("correct the org's entry: it is not collected, others are", "%v", v.Err)
	}
	return pass("complete")
}

func (v *visit) clock(context.Context) Check {
	c := v.blamed("clock", "")
	skew := v.okta.first.Skew
	if v.okta.blame != "" {
		skew = v.okta.seen.skew()
	}
	switch {
	case c.Status == Fail:
	case skew.Abs() > worstSkew:
		return fail("the clock of this machine and Okta's differ: synchronize it (NTP)", "this machine's clock is %s off Okta's",
			skew.Round(time.Second))
	default:
		c.Seen = fmt.Sprintf("within %s of Okta's", max(skew.Abs().Round(time.Second), time.Second))
	}
	return c
}

func (v *visit) dpop(context.Context) Check {
	switch v.method() {
	case "ssws":
		return v.blamed("dpop", "an API token has none")
	case "private_key_jwt+dpop":
		return v.blamed("dpop", "used, as the app wants it or dpop says")
	}
	return v.blamed("dpop", "not used: the app does not ask for it")
}

func (v *visit) limits(context.Context) Check {
	if c := v.blamed("limits", ""); c.Status == Fail {
		return c
	}
	limit, remaining, ok := v.okta.seen.rates()
	switch allowed, idle := int(float64(limit)*v.Share), int(time.Minute/max(v.PollInterval, time.Millisecond)); {
	case !ok:
		return warn("none needed: the component then assumes 120 requests a minute", "Okta sends no rate limit headers")
	case limit == 0:
		return warn("ask again: it passes in seconds", "Okta's limit of concurrent requests is reached")
	case allowed < idle:
		return fail("raise poll_interval or rate_limit_share", "poll_interval asks %d times a minute, and rate_limit_share leaves %d of %d",
			idle, allowed, limit)
	case remaining < limit/10:
		return warn("look at Reports > Rate Limits in Okta for who reads the log, too", "%d of %d requests are left in this minute", remaining, limit)
	case v.Share > oktaapi.DefaultShare:
		return warn("keep rate_limit_share at 0.5, or raise the token's own limit in Okta (50 % of the org's by default)",
			"rate_limit_share is %v of %d a minute", v.Share, limit)
	default:
		return pass("%d a minute, of which rate_limit_share leaves %d; poll_interval needs %d", limit, allowed, idle)
	}
}

func (v *visit) firstPage(context.Context) Check {
	return v.blamed("first page", fmt.Sprintf("%d events of the last hour", len(v.page)))
}

func (v *visit) nextLink(context.Context) Check {
	const custom = "set url to the address that Okta's links name, or leave it: links are followed on url"
	switch p := v.okta.first; {
	case p.NextErr != nil:
		return fail("look for a gateway that changes the Link header", "%v", p.NextErr)
	case p.Next == "":
		return fail("look for a proxy or gateway that removes the Link header: reading would go on by time",
			"the first page has no next link")
	case v.okta.nextErr != nil:
		return fail(cmp.Or(auth.Remedy(v.method(), v.okta.nextErr), "look at the error, and ask again"), "following the next link: %v", v.okta.nextErr)
	case p.Elsewhere != "":
		return warn(custom, "the next link names %s", p.Elsewhere)
	default:
		return pass("leads to %s", v.URL.Host)
	}
}

func (v *visit) retention(context.Context) Check {
	maxAge := time.Duration(0)
	if v.Loki != nil {
		maxAge = v.Loki.MaxAge
	}
	switch {
	case v.InitialLookback > oktaKeeps:
		return fail("lower initial_lookback", "initial_lookback is %s, and Okta keeps events for 90 days", v.InitialLookback)
	case maxAge > 0 && v.InitialLookback > maxAge:
		return fail("lower initial_lookback, or raise reject_old_samples_max_age in Loki and here",
			"initial_lookback is %s, and Loki refuses entries older than %s", v.InitialLookback, maxAge)
	}
	return pass("a first start begins %s ago", v.InitialLookback)
}

// witness is a transport that sees what comes back, and bounds how many requests there are. It is safe for concurrent use.
type witness struct {
	next    http.RoundTripper
	secrets *httptext.Secrets

	mu       sync.Mutex
	n        int
	header   http.Header // of the last answer
	received time.Time
}

func newWitness(hc *http.Client) *witness {
	w := &witness{next: http.DefaultTransport}
	if hc != nil && hc.Transport != nil {
		w.next = hc.Transport
	}
	return w
}

// errEnough ends a look at an org that has had its requests.
var errEnough = fmt.Errorf("more than %d requests would be needed", MostRequests)

func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.n++
	n := w.n
	w.mu.Unlock()
	if n > MostRequests {
		return nil, errEnough
	}
	resp, err := w.next.RoundTrip(req)
	if err == nil {
		w.mu.Lock()
		w.header, w.received = resp.Header.Clone(), time.Now()
		w.mu.Unlock()
	}
	return resp, err
}

func (w *witness) last() (http.Header, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.header, w.received
}

func (w *witness) challenge() string {
	h, _ := w.last()
	return strings.Join(h.Values("WWW-Authenticate"), " ")
}

// skew is how far our clock is ahead of the last answer's, to a second.
func (w *witness) skew() time.Duration {
	h, at := w.last()
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return at.Sub(date)
}

func (w *witness) rates() (limit, remaining int, ok bool) {
	h, _ := w.last()
	limit, err := strconv.Atoi(h.Get("X-Rate-Limit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-Rate-Limit-Remaining"))
	return limit, remaining, err == nil && err2 == nil
}

func (w *way) requests() int {
	if w.seen == nil {
		return 0
	}
	w.seen.mu.Lock()
	defer w.seen.mu.Unlock()
	return min(w.seen.n, MostRequests)
}

// clean takes out what a request carried.
func (w *way) clean(text string) string {
	var secrets *httptext.Secrets
	if w.seen != nil {
		secrets = w.seen.secrets
	}
	return secrets.Clean(text, 600)
}
