// Package doctor finds out whether events of an org can be read and delivered with a configuration, before a collector does it, or beside
// one that runs. Each leg of the way is a [Check] that passes, warns or fails, with what was found and what to do.
//
// It asks Okta for the log at most [MostRequests] times an org, within the org's share, and, where roles are wanted, a few times for those,
// of other limits of the org's; it asks the Loki of an org a few small questions; it writes nothing to disk and takes no lock. It writes to
// Loki only when it is told to. A leg is skipped when it cannot be checked because an earlier one failed, so that one fault is one failed
// check.
package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/actors"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/roles"
)

// mostOrgs is how many orgs are checked at once: each may hold a page, and the component, too, has at most eight in memory
// (docs/operations.md, Sizing).
const mostOrgs = 8

// MostRequests is how many requests Okta gets for an org's log at most, those for the access token included. Where roles are wanted there
// are as many as [roles.MostChecked] on top, as many as [actors.MostChecked] where profiles or groups of actors are, and those for access
// tokens of their own, all of other limits than the log's.
const MostRequests = 12

// Status says how a check ended.
type Status string

// The values of [Status].
const (
	Pass Status = "pass"
	Warn Status = "warn" // it works, and something should be known
	Fail Status = "fail"
	Skip Status = "skip" // not checked, as an earlier one failed, or there is nothing to check
)

// Check is the outcome of one check. Neither text holds a secret.
type Check struct {
	Name   string `json:"check"`
	Status Status `json:"status"`
	Seen   string `json:"seen"`             // what was found, in a sentence; may be ""
	Remedy string `json:"remedy,omitempty"` // what to do; "" with Pass and Skip
}

// Report is what was found about an org.
type Report struct {
	Component string    `json:"component"`
	Org       string    `json:"org"`
	Checks    []Check   `json:"checks"`
	Requests  int       `json:"log_requests"`       // to the System Log, without those for access tokens
	Estimate  *Estimate `json:"estimate,omitempty"` // nil: the log could not be sampled
}

// Failed reports whether a check failed.
func (r *Report) Failed() bool { return r.count(Fail) > 0 }

func (r *Report) count(s Status) (n int) {
	for _, c := range r.Checks {
		if c.Status == s {
			n++
		}
	}
	return n
}

// Org is what to check: an org, and all that a component would need to read and deliver it. Without Err, URL and Auth are required.
type Org struct {
	Component, Name string
	Err             error // why it is not collected

	URL       *url.URL
	HTTP      *http.Client // nil: the default
	Auth      oktaapi.Authorizer
	UserAgent string
	Budget    *oktaapi.Budget // nil: one of its own
	Formatter *event.Formatter

	Filter, Query   string
	PageSize        int
	Timeout         time.Duration
	Share           float64
	PollInterval    time.Duration
	InitialLookback time.Duration
	OutOfOrder      time.Duration // out_of_order_window; 0: off

	DataPath string
	Hook     *Hook   // nil: no hooks
	Roles    *Roles  // nil: roles are not wanted
	Actors   *Actors // nil: neither profiles nor groups of actors are wanted
	Loki     *Query
	Push     []Push
	Others   []string // where entries also, or only, go, which is not checked
}

// Hook is a listener for event hooks.
type Hook struct {
	Addr string
	Err  error // what is wrong with its secrets or certificate
}

// Roles are how Okta is asked who holds administrators' roles.
type Roles struct {
	Ask    *roles.Ask
	Remedy func(error) string
}

// Actors are how Okta is asked for profiles and groups of actors.
type Actors struct {
	Ask             *actors.Ask
	Profile, Groups []string
	Remedy          func(error) string
}

// Query is how Loki is asked what has arrived.
type Query struct {
	URL                    *url.URL // Loki's base
	HTTP                   *http.Client
	Tenant, User, Selector string
	IngestersWithin        time.Duration // what the configuration says that Loki has
	MaxAge                 time.Duration
}

// Push is an endpoint to which entries are sent.
type Push struct {
	Component    string
	URL          *url.URL // with its path
	HTTP         *http.Client
	Tenant, User string
	Header       http.Header
}

// Options are for all orgs.
type Options struct {
	SendTest bool // one entry with the label doctor="1" to each endpoint, however many orgs use it
	Now      func() time.Time
	// Begin, if not nil, is called when an org's check begins, and with an empty name when it ended. It may be called at the same time for
	// several orgs.
	Begin func(org, check string)
}

// Run checks all orgs, at most eight at once. A fault of one does not affect others. Each has at most three minutes for Okta's log, three
// for roles where they are wanted, and half a minute for each question to Loki, so that the next gets its turn. When ctx ends, it returns
// what is known by then.
func Run(ctx context.Context, orgs []Org, opts Options) []Report {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Begin == nil {
		opts.Begin = func(string, string) {}
	}
	reports := make([]Report, len(orgs))
	var common shared
	var all sync.WaitGroup
	turns := make(chan struct{}, mostOrgs)
	for i := range orgs {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			reports[i] = examine(ctx, &orgs[i], opts, &common)
		})
	}
	all.Wait()
	return reports
}

// leg is one check. It returns a status, what was found and a remedy.
type leg struct {
	name string
	// after names what must not have failed: an earlier leg, "okta" for all that are about Okta, "" for nothing.
	after string
	look  func(*visit, context.Context) Check
}

// asking is what takes the time, of all legs about Okta: a small share of a small limit is some requests a minute.
const asking = "asks Okta, within rate_limit_share"

// legs are in the order of an event's way. The way to Okta is gone once, by goToOkta, and each of its legs then says what was found.
var legs = []leg{
	{"configuration", "", (*visit).configuration},
	{"name", "okta", blamed("name")},
	{"route", "okta", blamed("route")},
	{"tls", "okta", blamed("tls")},
	{"org", "okta", blamed("org")},
	{"clock", "okta", (*visit).clock},
	{"credentials", "okta", blamed("credentials")},
	{"dpop", "okta", (*visit).dpop},
	{"scope", "okta", blamed("scope")},
	{"role", "okta", blamed("role")},
	{"limits", "okta", (*visit).limits},
	{"filter", "okta", blamed("filter")},
	{"first page", "okta", (*visit).firstPage},
	{"next link", "okta", (*visit).nextLink},
	{"retention", "configuration", (*visit).retention},
	{"data path", "configuration", (*visit).dataPath},
	{"event hooks", "configuration", (*visit).hooks},
	{"roles", "okta", (*visit).roles},
	{"profiles", "okta", (*visit).actors},
	{"content", "configuration", (*visit).content},
	{"tenant", "configuration", (*visit).tenant},
	{"loki push", "tenant", (*visit).lokiPush},
	{"loki query", "loki push", (*visit).lokiQuery},
	{"structured metadata", "loki push", (*visit).lokiMetadata},
	{"loki limits", "loki push", (*visit).lokiLimits},
}

// visit is what is known of an org so far.
type visit struct {
	*Org
	opts   Options
	shared *shared
	okta   way
	failed map[string]bool
	found  *Estimate
}

func examine(ctx context.Context, o *Org, opts Options, common *shared) Report {
	name := o.Name
	if o.URL != nil {
		name = o.URL.Host
	}
	v := &visit{Org: o, opts: opts, shared: common, failed: map[string]bool{}}
	r := Report{Component: o.Component, Org: name}
	okta := "" // the leg of Okta that failed
	for _, l := range legs {
		if ctx.Err() != nil {
			r.Checks = append(r.Checks, Check{l.name, Skip, "stopped", ""})
			continue
		}
		ofOkta := l.after == "okta"
		if ofOkta && okta == "" && !v.failed["configuration"] && !v.okta.gone {
			opts.Begin(name, asking)
			v.goToOkta(ctx)
		}
		opts.Begin(name, l.name)
		var c Check
		switch {
		case v.failed["configuration"]:
			c = skip("not looked at, as configuration failed")
		case ofOkta && okta != "":
			c = skip("not looked at, as " + okta + " failed")
		case v.failed[l.after]:
			c = skip("not looked at, as " + l.after + " did not pass")
			v.failed[l.name] = true // for those after it
		default:
			c = l.look(v, ctx)
			if ctx.Err() != nil { // it was cut short, and proves nothing
				c = skip("stopped")
			}
		}
		c.Name = l.name
		c.Seen, c.Remedy = v.okta.clean(c.Seen), v.okta.clean(c.Remedy)
		if c.Status == Fail {
			v.failed[l.name] = true
			if ofOkta && okta == "" {
				okta = l.name
			}
		}
		r.Checks = append(r.Checks, c)
	}
	opts.Begin(name, "")
	r.Estimate, r.Requests = v.found, v.okta.requests()
	return r
}

func pass(seen string, args ...any) Check {
	return Check{Status: Pass, Seen: fmt.Sprintf(seen, args...)}
}
func skip(seen string) Check { return Check{Status: Skip, Seen: seen} }
func warn(remedy, seen string, args ...any) Check {
	return Check{Status: Warn, Seen: fmt.Sprintf(seen, args...), Remedy: remedy}
}
func fail(remedy, seen string, args ...any) Check {
	return Check{Status: Fail, Seen: fmt.Sprintf(seen, args...), Remedy: remedy}
}
