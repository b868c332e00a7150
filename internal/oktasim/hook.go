package oktasim

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hooks are the knobs of event hooks. The zero value behaves as Okta does, as far as that is documented or was captured.
type Hooks struct {
	Client *http.Client  // which reaches the receivers; nil: a client of its own
	Delay  time.Duration // from an event's published to the hook that carries it; 0: 10 s, as captured
	// Lose is the share of batches that are never sent, Repeat of those that are sent twice, [0, 1]: "best effort, at least once".
	Lose, Repeat float64
	Reverse      bool // events of a batch in reverse order: Okta promises none
}

const (
	// hookTimeout and hookTries: three seconds, and one more try after a time-out or a 5xx, never after a 4xx (Okta, "Event hooks").
	hookTimeout = 3 * time.Second
	hookTries   = 2
	hookDelay   = 10 * time.Second
	hookTypes   = 300 // event types of one hook at most
	hookBatch   = 100 // events of a batch at most; Okta documents no bound
	// Okta asks receivers for nothing else, and sends nothing else.
	challengeHeader = "X-Okta-Verification-Challenge"
)

//go:embed hook_eligible.txt
var eligibleTypes string

// HookEligible lists the event types that an event hook can be for: 314 of 1,274, as Okta's catalog of 2026.08.1 tags them.
func HookEligible() []string { return strings.Fields(eligibleTypes) }

// hookedTypes are the event types of each hook: as many as one takes.
var hookedTypes = func() map[string]bool {
	types := map[string]bool{}
	all := HookEligible()
	for _, name := range all[len(all)-hookTypes:] {
		types[name] = true
	}
	return types
}()

// eventHook is a hook that was verified.
type eventHook struct {
	id, uri, header, secret string
	next                    int // index in the log of the first event that was not looked at
}

// Delivery is what the org remembers of one attempt to send a hook: no secret, and of events only their uuids.
type Delivery struct {
	Time   time.Time // the org's clock
	Hook   string    // its id
	Try    int       // 1 or 2
	Status int       // 0: no answer in time
	UUIDs  []string
}

// Deliveries returns the attempts so far, at most the last 100,000.
func (o *Org) Deliveries() []Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.delivered)
}

func (o *Org) remember(d Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.delivered) == rememberedRequests {
		o.delivered = slices.Clone(o.delivered[rememberedRequests/2:])
	}
	d.Time = o.now()
	o.delivered = append(o.delivered, d)
}

// Hook registers a hook for as many eligible types as one takes, and verifies it, as an administrator does. It replaces a hook for the
// same uri, and changes nothing when the receiver does not answer the challenge.
func (o *Org) Hook(ctx context.Context, uri, header, secret string) error {
	if !hookURI(uri) {
		return fmt.Errorf("%q is no address that Okta would send to", uri)
	}
	h := eventHook{id: "who" + strconv.FormatUint(1e16+rand.Uint64N(9e16), 10), uri: uri, header: header, secret: secret}
	if !o.challengeHook(ctx, h) {
		return errors.New("the receiver does not answer the verification request")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hooks = slices.DeleteFunc(o.hooks, func(other *eventHook) bool { return other.uri == uri })
	h.next = o.log.visible(o.shown())
	o.hooks = append(o.hooks, &h)
	return nil
}

// hookURI reports whether Okta would send to a URL. Plain HTTP to loopback is this simulator's own, for a receiver without certificate.
func hookURI(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	loopback := ip != nil && ip.IsLoopback() || u.Hostname() == "localhost"
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}
