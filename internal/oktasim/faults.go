package oktasim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Inject answers the next n System Log requests with h. Injections queue up; Intercept, when it has an answer, goes first.
func (o *Org) Inject(h http.Handler, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.injected = append(o.injected, slices.Repeat([]http.Handler{h}, max(n, 0))...)
}

// ClearInjections forgets the injections that have not had their turn.
func (o *Org) ClearInjections() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.injected = nil
}

func (o *Org) nextInjected() http.Handler {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.injected) == 0 {
		return nil
	}
	h := o.injected[0]
	o.injected = o.injected[1:]
	return h
}

// namedFault is a fault that the program's control endpoint, and table tests, ask for by name.
type namedFault struct {
	name   string
	answer http.Handler
}

// elsewhere is a host that is not the org's. RFC 2606 keeps it from existing.
const elsewhere = "collector.attacker.invalid"

func (o *Org) faults() []namedFault {
	saying := func(body string) http.Handler { return o.body(func([]byte) []byte { return []byte(body) }) }
	var all []namedFault
	for _, kind := range []Limited{
		Limit, LimitBare, LimitPast, LimitMillis, LimitAbsurd, LimitGarbage, LimitSeconds, LimitDate, LimitConcurrency,
	} {
		all = append(all, namedFault{string(kind), o.TooManyRequests(kind)})
	}
	return append(all, []namedFault{
		{"400-cursor", o.RefusedCursor()},
		{"401", o.refuse(errToken)}, // Refuse switches it on for good, and the next two
		{"403", o.refuse(errPermission)},
		{"404", o.refuse(errNotFound(logsPath))},
		{"408", o.html(http.StatusRequestTimeout, "408 Request Time-out")}, // as load balancers do
		{"500", o.refuse(errInternal)},
		{"500-timeout", o.ServerTimeout()},
		{"502", o.BadGateway()},
		{"503", o.html(http.StatusServiceUnavailable, "503 Service Temporarily Unavailable")},
		{"503-retry-after", o.UnavailableFor(time.Minute)},
		{"reset", http.HandlerFunc(hangUp)},
		{"cut", o.CutBody()},
		{"stall", o.Stalled(5 * time.Minute)},
		{"late", o.Late(5 * time.Minute)},
		{"slow", o.Late(5 * time.Second)},
		{"html", o.LoginPage()},
		{"object", saying(`{"events":[]}`)},
		{"null", saying(`null`)},
		{"empty", saying("")},
		{"broken", o.body(func(b []byte) []byte { return b[:len(b)-1] })},
		{"redirect", o.Redirect("")},
		{"redirect-elsewhere", o.Redirect("https://" + elsewhere + logsPath)},
		{"next-missing", o.NoNext()},
		{"next-circle", o.circularNext(3)},
		{"next-elsewhere", o.NextURL(func(u *url.URL) { u.Host = elsewhere })},
		{"next-ftp", o.NextURL(func(u *url.URL) { u.Scheme = "ftp" })},
		{"next-userinfo", o.NextURL(func(u *url.URL) { u.User = url.UserPassword("okta.com", "x") })},
		{"next-relative", o.NextURL(func(u *url.URL) { u.Scheme, u.Host = "", "" })},
		{"next-path", o.NextURL(func(u *url.URL) { u.Path = "/api/v1/users" })},
	}...)
}

// hangUp closes the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// FaultNames lists what [Org.Fault] knows.
func FaultNames() (names []string) {
	for _, f := range new(Org).faults() {
		names = append(names, f.name)
	}
	return names
}

// Fault is the fault of that name, or an error that lists the names there are.
func (o *Org) Fault(name string) (http.Handler, error) {
	for _, f := range o.faults() {
		if f.name == name {
			return f.answer, nil
		}
	}
	return nil, fmt.Errorf("unknown fault %q: it is one of %s", name, strings.Join(FaultNames(), ", "))
}
