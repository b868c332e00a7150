package oktasim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// injection is a fault that waits for its turn.
type injection struct {
	answer http.Handler
	left   int
}

// Inject answers the next n System Log requests with h. Injections queue up;
// Intercept, when it has an answer, goes first.
func (o *Org) Inject(h http.Handler, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n > 0 {
		o.injected = append(o.injected, injection{h, n})
	}
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
	first := &o.injected[0]
	h := first.answer
	if first.left--; first.left == 0 {
		o.injected = o.injected[1:]
	}
	return h
}

// namedFault is a fault that the program's control endpoint, and table tests,
// ask for by name.
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
	{"401", (*Org).Unauthorized},
	{"403", (*Org).Forbidden},
	{"404", (*Org).NotFound},
	{"408", (*Org).RequestTimeout},
	{"500", (*Org).ServerError},
	{"500-timeout", (*Org).ServerTimeout},
	{"502", (*Org).BadGateway},
	{"503", (*Org).Unavailable},
	{"503-retry-after", func(o *Org) http.Handler { return o.UnavailableFor(time.Minute) }},
	{"reset", (*Org).Reset},
	{"cut", (*Org).CutBody},
	{"stall", func(o *Org) http.Handler { return o.Stalled(5 * time.Minute) }},
	{"late", func(o *Org) http.Handler { return o.Late(5 * time.Minute) }},
	{"slow", func(o *Org) http.Handler { return o.Late(5 * time.Second) }},
	{"html", (*Org).LoginPage},
	{"object", func(o *Org) http.Handler { return o.Body(`{"events":[]}`) }},
	{"null", func(o *Org) http.Handler { return o.Body(`null`) }},
	{"empty", func(o *Org) http.Handler { return o.Body("") }},
	{"broken", (*Org).BrokenJSON},
	{"redirect", func(o *Org) http.Handler { return o.Redirect("") }},
	{"redirect-elsewhere", func(o *Org) http.Handler { return o.Redirect("https://" + elsewhere + logsPath) }},
	{"next-missing", (*Org).NoNext},
	{"next-circle", func(o *Org) http.Handler { return o.CircularNext(3) }},
	{"next-elsewhere", func(o *Org) http.Handler { return o.ForeignNext(elsewhere) }},
	{"next-ftp", func(o *Org) http.Handler { return o.SchemeNext("ftp") }},
	{"next-userinfo", (*Org).UserinfoNext},
	{"next-relative", (*Org).RelativeNext},
	{"next-path", func(o *Org) http.Handler { return o.PathNext("/api/v1/users") }},
}

func limitedBy(kind Limited) namedFault {
	return namedFault{string(kind), func(o *Org) http.Handler { return o.TooManyRequests(kind) }}
}

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
