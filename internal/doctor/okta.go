package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/httptext"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
)

const (
	// worstSkew is what the component takes for a wrong clock (loki.source.okta, "the clock of this machine").
	worstSkew = time.Minute
	// orgTimeout is how long a request of an org may wait for the budget: whoever asked wants an answer soon.
	orgTimeout = 90 * time.Second
	// longest is how long an org may take for the log, and for roles once more, as others wait for their turn.
	longest = 3 * time.Minute
	// firstEvents is how many events the first page has: few, as they only show that the log can be read.
	firstEvents = 10
)

// way is how the way to Okta ended.
type way struct {
	gone    bool
	err     error
	blame   string       // the leg that err is about; "" without one
	first   oktaapi.Page // its body is released
	events  int          // on that page
	nextErr error
	witness *witness
}

// goToOkta gets the first page and the one that its next link leads to, and samples the log when all is well.
func (v *visit) goToOkta(ctx context.Context) {
	w := &v.okta
	w.gone, w.witness = true, newWitness(v.HTTP)
	ctx, stop := context.WithTimeout(ctx, longest)
	defer stop()
	ctx, secrets := httptext.Watch(ctx)
	w.witness.secrets = secrets
	client := v.client()
	get := func(c *oktaapi.Client, cur oktaapi.Cursor) (oktaapi.Page, error) {
		ctx, stop := context.WithTimeout(ctx, orgTimeout)
		defer stop()
		return c.Fetch(ctx, cur)
	}
	now := v.opts.Now()
	if w.first, w.err = get(client, client.StartOf(now.Add(-time.Hour), firstEvents)); w.err != nil {
		w.blame = v.whoseFault(w.err)
		return
	}
	events, err := event.Scan(w.first.Body)
	if err != nil {
		w.err, w.blame = err, "first page"
		return
	}
	w.events, w.first.Body = len(events), nil
	if w.first.Next != "" {
		_, w.nextErr = get(client, w.first.Next)
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

func (v *visit) client() *oktaapi.Client {
	return oktaapi.New(oktaapi.Config{
		Org: v.URL, Auth: v.Auth, HTTP: &http.Client{Transport: v.okta.witness}, PageSize: v.PageSize, Filter: v.Filter, Query: v.Query,
		Timeout: v.Timeout, UserAgent: v.UserAgent, Budget: v.Budget, Share: v.Share,
	})
}

func (v *visit) method() string {
	if v.Auth == nil {
		return ""
	}
	return v.Auth.Method()
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
		skew = v.okta.witness.skew()
	}
	switch {
	case c.Status == Fail:
	case skew.Abs() > worstSkew:
		side := "ahead of"
		if skew < 0 {
			side = "behind"
		}
		return fail("the clock of this machine and Okta's differ: synchronize it (NTP)", "this machine's clock is %s %s Okta's",
			skew.Abs().Round(time.Second), side)
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
	limit, remaining, ok := v.okta.witness.rates()
	switch allowed, idle := int(float64(limit)*v.Share), int(time.Minute/max(v.PollInterval, time.Millisecond)); {
	case !ok:
		return warn("none needed: the component then assumes 120 requests a minute", "Okta sends no rate limit headers")
	case limit == 0:
		return warn("ask again: it passes in seconds", "Okta's limit of concurrent requests is reached")
	case allowed < idle:
		return fail("raise poll_interval or rate_limit_share", "poll_interval asks %d times a minute, and rate_limit_share leaves %d of %d",
			idle, allowed, limit)
	case remaining < limit/10:
		return warn("look at Reports > Rate Limits in Okta for who reads the log, too", "%d of %d requests are left in this minute",
			remaining, limit)
	case v.Share > oktaapi.DefaultShare:
		return warn("keep rate_limit_share at 0.5, or raise the token's own limit in Okta (50 % of the org's by default)",
			"rate_limit_share is %v of %d a minute", v.Share, limit)
	default:
		return pass("%d a minute, of which rate_limit_share leaves %d; poll_interval needs %d", limit, allowed, idle)
	}
}

func (v *visit) firstPage(context.Context) Check {
	return v.blamed("first page", fmt.Sprintf("%d events of the last hour", v.okta.events))
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
		remedy := cmp.Or(auth.Remedy(v.method(), v.okta.nextErr), "look at the error, and ask again")
		return fail(remedy, "following the next link: %v", v.okta.nextErr)
	case p.Elsewhere != "":
		return warn(custom, "the next link names %s", p.Elsewhere)
	default:
		return pass("leads to %s", v.URL.Host)
	}
}

// retention checks Okta's. How old entries may be for Loki is checked with Loki's limits.
func (v *visit) retention(context.Context) Check {
	if v.InitialLookback > oktaapi.Retention {
		return fail("lower initial_lookback", "initial_lookback is %s, and Okta keeps events for 90 days", v.InitialLookback)
	}
	return pass("a first start begins %s ago", v.InitialLookback)
}
