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
	answer func(*Org) http.Handler
}

// elsewhere is a host that is not the org's. RFC 2606 keeps it from existing.
const elsewhere = "collector.attacker.invalid"

var namedFaults = []namedFault{
	limitedBy(Limit), limitedBy(LimitBare), limitedBy(LimitPast), limitedBy(LimitMillis), limitedBy(LimitAbsurd), limitedBy(LimitGarbage),
	limitedBy(LimitSeconds), limitedBy(LimitDate), limitedBy(LimitConcurrency),
	{"400-cursor", (*Org).RefusedCursor},
	{"401", refusing(errToken)}, // Refuse switches it on for good, and the next two
	{"403", refusing(errPermission)},
	{"404", refusing(errNotFound(logsPath))},
	{"408", inHTML(http.StatusRequestTimeout, "408 Request Time-out")}, // as load balancers do
	{"500", refusing(errInternal)},
	{"500-timeout", (*Org).ServerTimeout},
	{"502", (*Org).BadGateway},
	{"503", inHTML(http.StatusServiceUnavailable, "503 Service Temporarily Unavailable")},
	{"503-retry-after", func(o *Org) http.Handler { return o.UnavailableFor(time.Minute) }},
	{"reset", func(*Org) http.Handler { return http.HandlerFunc(hangUp) }},
	{"cut", (*Org).CutBody},
	{"stall", func(o *Org) http.Handler { return o.Stalled(5 * time.Minute) }},
	{"late", func(o *Org) http.Handler { return o.Late(5 * time.Minute) }},
	{"slow", func(o *Org) http.Handler { return o.Late(5 * time.Second) }},
	{"html", (*Org).LoginPage},
	{"object", saying(`{"events":[]}`)},
	{"null", saying(`null`)},
	{"empty", saying("")},
	{"broken", func(o *Org) http.Handler { return o.body(func(b []byte) []byte { return b[:len(b)-1] }) }},
	{"redirect", func(o *Org) http.Handler { return o.Redirect("") }},
	{"redirect-elsewhere", func(o *Org) http.Handler { return o.Redirect("https://" + elsewhere + logsPath) }},
	{"next-missing", (*Org).NoNext},
	{"next-circle", func(o *Org) http.Handler { return o.circularNext(3) }},
	{"next-elsewhere", leading(func(u *url.URL) { u.Host = elsewhere })},
	{"next-ftp", leading(func(u *url.URL) { u.Scheme = "ftp" })},
	{"next-userinfo", leading(func(u *url.URL) { u.User = url.UserPassword("okta.com", "x") })},
	{"next-relative", leading(func(u *url.URL) { u.Scheme, u.Host = "", "" })},
	{"next-path", leading(func(u *url.URL) { u.Path = "/api/v1/users" })},
}

func limitedBy(kind Limited) namedFault {
	return namedFault{string(kind), func(o *Org) http.Handler { return o.TooManyRequests(kind) }}
}

func refusing(e *apiError) func(*Org) http.Handler {
	return func(o *Org) http.Handler { return o.refuse(e) }
}

func inHTML(status int, title string) func(*Org) http.Handler {
	return func(o *Org) http.Handler { return o.html(status, title) }
}

func saying(body string) func(*Org) http.Handler {
	return func(o *Org) http.Handler { return o.body(func([]byte) []byte { return []byte(body) }) }
}

func leading(change func(*url.URL)) func(*Org) http.Handler {
	return func(o *Org) http.Handler { return o.NextURL(change) }
}

// hangUp closes the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// FaultNames lists what [Org.Fault] knows.
func FaultNames() []string {
	var names []string
	for _, f := range namedFaults {
		names = append(names, f.name)
	}
	return names
}

// Fault is the fault of that name, or an error that lists the names there are.
func (o *Org) Fault(name string) (http.Handler, error) {
	i := slices.IndexFunc(namedFaults, func(f namedFault) bool { return f.name == name })
	if i < 0 {
		return nil, fmt.Errorf("unknown fault %q: it is one of %s", name, strings.Join(FaultNames(), ", "))
	}
	return namedFaults[i].answer(o), nil
}
