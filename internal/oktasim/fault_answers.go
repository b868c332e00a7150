package oktasim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The handlers of this file are the answers of an org, or of the network before it, on a bad day. Give them to Intercept, to [Org.Inject]
// or, by name, to [Org.Fault]:
//
//	org.Intercept = oktasim.Script(nil, org.ServerTimeout(), org.CutBody(), nil)
//
// Those that answer in the org's place do not consume quota and ask for no credentials; those that spoil the normal answer do both.

// Script answers the first requests with these handlers in turn, nil meaning
// the normal answer, and all later ones normally. It fits Org.Intercept.
func Script(answers ...http.Handler) func(int, *http.Request) http.Handler {
	return func(n int, _ *http.Request) http.Handler {
		if n <= len(answers) {
			return answers[n-1]
		}
		return nil
	}
}

// Always answers every request with h. It fits Org.Intercept.
func Always(h http.Handler) func(int, *http.Request) http.Handler {
	return func(int, *http.Request) http.Handler { return h }
}

// Limited is the kind of a 429.
type Limited string

// The kinds of 429.
const (
	Limit            Limited = "429"                     // the bucket's: limit, 0 remaining, Reset in 20 s
	LimitBare        Limited = "429-bare"                // no X-Rate-Limit headers
	LimitPast        Limited = "429-past"                // Reset 30 s ago
	LimitMillis      Limited = "429-millis"              // Reset in milliseconds instead of seconds
	LimitAbsurd      Limited = "429-absurd"              // Reset in ten days
	LimitGarbage     Limited = "429-garbage"             // headers that are not numbers
	LimitSeconds     Limited = "429-retry-after-seconds" // no X-Rate-Limit headers, Retry-After: 7
	LimitDate        Limited = "429-retry-after-date"    // no X-Rate-Limit headers, Retry-After: a date 7 s ahead
	LimitConcurrency Limited = "429-concurrency"         // limit 0, remaining 0, Reset an estimate 116 s ahead
)

// TooManyRequests answers 429 E0000047.
func (o *Org) TooManyRequests(kind Limited) http.Handler {
	return o.answer(func(*http.Request) reply {
		a, now := o.refusal(errRate), o.now()
		limit, ahead := o.limit(), 20*time.Second
		switch kind {
		case LimitPast:
			ahead = -30 * time.Second
		case LimitAbsurd:
			ahead = 10 * 24 * time.Hour
		case LimitConcurrency:
			limit, ahead = 0, concurrencyEstimate
		}
		setRate(a.header, limit, 0, now.Add(ahead))
		switch kind {
		case LimitMillis:
			a.header.Set("X-Rate-Limit-Reset", strconv.FormatInt(now.Add(ahead).UnixMilli(), 10))
		case LimitGarbage:
			for name := range a.header { // it has no others
				a.header.Set(name, "soon")
			}
		case LimitBare:
			a.header = http.Header{}
		case LimitSeconds:
			a.header = http.Header{"Retry-After": {"7"}}
		case LimitDate:
			a.header = http.Header{"Retry-After": {now.Add(7 * time.Second).Format(http.TimeFormat)}}
		}
		return a
	})
}

// LimitedFor answers 429 with a Reset that far ahead of the org's clock.
func (o *Org) LimitedFor(d time.Duration) http.Handler {
	return o.answer(func(r *http.Request) reply {
		a := o.refusal(errRate)
		setRate(a.header, o.limit(), 0, o.now().Add(d))
		return a
	})
}

// ServerTimeout answers 500 E0000009, which Okta sends when a query took longer than 30 seconds.
func (o *Org) ServerTimeout() http.Handler { return o.refuse(errTimeout) }

// BadGateway answers 502 in HTML.
func (o *Org) BadGateway() http.Handler { return o.html(http.StatusBadGateway, "502 Bad Gateway") }

// UnavailableFor answers 503 in HTML with Retry-After, in seconds.
func (o *Org) UnavailableFor(d time.Duration) http.Handler {
	unavailable := o.html(http.StatusServiceUnavailable, "503 Service Temporarily Unavailable")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(int(d.Seconds())))
		unavailable.ServeHTTP(w, r)
	})
}

// RefusedCursor answers 400 E0000001, as for an after that is not valid.
func (o *Org) RefusedCursor() http.Handler { return o.refuse(errCursor) }

// LoginPage answers 200 with HTML, as a captive portal or a proxy does.
func (o *Org) LoginPage() http.Handler { return o.html(http.StatusOK, "Sign in to the network") }

// Redirect answers 302 to a URL; empty means the request's own, on the same host, as when a load balancer sends a client round once more.
func (o *Org) Redirect(to string) http.Handler {
	return o.answer(func(r *http.Request) reply {
		target := to
		if target == "" {
			target = o.base(r) + r.URL.RequestURI()
		}
		return reply{http.StatusFound, http.Header{"Location": {target}}, nil}
	})
}

// Late gives the normal answer after d. The client waits for the headers.
func (o *Org) Late(d time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait(r.Context(), d) {
			o.Normal().ServeHTTP(w, r)
		}
	})
}

// Stalled sends the headers and half the body of the normal answer, and the rest after d.
func (o *Org) Stalled(d time.Duration) http.Handler {
	return o.halfway(func(w http.ResponseWriter, r *http.Request, rest []byte) {
		if !wait(r.Context(), d) {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(rest)
	})
}

// CutBody sends half of the normal answer and closes the connection.
func (o *Org) CutBody() http.Handler {
	return o.halfway(func(http.ResponseWriter, *http.Request, []byte) { panic(http.ErrAbortHandler) })
}

// halfway sends half of the normal answer and leaves the rest to then.
func (o *Org) halfway(then func(w http.ResponseWriter, r *http.Request, rest []byte)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := o.compute(r, o.logs).begin(w, r)
		half := len(body) / 2
		_, _ = w.Write(body[:half])
		_ = http.NewResponseController(w).Flush()
		then(w, r, body[half:])
	})
}

// body gives a normal page's status and headers with another body, and a Content-Length to match: nothing on the transport is wrong.
func (o *Org) body(change func(body []byte) []byte) http.Handler {
	return o.answer(func(r *http.Request) reply {
		a := o.logs(r)
		if a.status == http.StatusOK {
			a.body = change(a.body)
		}
		return a
	})
}

// answer makes a handler of an answer that needs the mutex.
func (o *Org) answer(f func(*http.Request) reply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.serve(w, r, f) })
}

func (o *Org) refuse(e *apiError) http.Handler {
	return o.answer(func(r *http.Request) reply { return o.refusal(e) })
}

// html is an answer of the edge rather than of the org.
func (o *Org) html(status int, title string) http.Handler {
	return o.answer(func(*http.Request) reply {
		page := fmt.Sprintf("<html>\r\n<head><title>%[1]s</title></head>\r\n<body>\r\n<center><h1>%[1]s</h1></center>\r\n</body>\r\n</html>\r\n",
			title)
		return reply{status, http.Header{"Content-Type": {"text/html"}}, []byte(page)}
	})
}

// Next gives a normal page with its next link changed; an empty result leaves the link out. LinkStyle does not apply.
func (o *Org) Next(change func(next string) string) http.Handler {
	return o.answer(func(r *http.Request) reply {
		style := o.LinkStyle
		o.LinkStyle = LinkSeparate
		defer func() { o.LinkStyle = style }()
		a := o.logs(r)
		links := a.header["Link"]
		for i, link := range links {
			if target, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
				a.header["Link"] = links[:i]
				if next := change(target[1:]); next != "" {
					a.header["Link"] = append(links[:i], "<"+next+`>; rel="next"`)
				}
			}
		}
		return a
	})
}

// NoNext leaves the next link out.
func (o *Org) NoNext() http.Handler { return o.Next(func(string) string { return "" }) }

// circularNext gives pages whose next links lead from the n-th back to the first. The
// handler remembers them: inject one for all requests of the circle.
func (o *Org) circularNext(n int) http.Handler {
	var circle []string
	return o.Next(func(next string) string { // under the org's mutex
		if len(circle) < n {
			circle = append(circle, next)
		} else if !slices.Contains(circle, next) {
			next = circle[0]
		}
		return next
	})
}

// NextURL changes the next link as a URL.
func (o *Org) NextURL(change func(*url.URL)) http.Handler {
	return o.Next(func(next string) string {
		u := must(url.Parse(next))
		change(u)
		return u.String()
	})
}
