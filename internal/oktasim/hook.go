package oktasim

import (
	_ "embed"
	"net/http"
	"slices"
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
	hooksPath = "/api/v1/eventHooks"
	// hookTimeout and hookTries: three seconds, and one more try after a time-out or a 5xx, never after a 4xx (Okta, "Event hooks").
	hookTimeout = 3 * time.Second
	hookTries   = 2
	hookDelay   = 10 * time.Second
	hookTypes   = 300 // event types of one hook at most
	activeHooks = 25  // active and verified ones of an org
	// hookBatch bounds a batch. Okta documents no bound.
	hookBatch = 100
	// Okta asks receivers for nothing else, and sends nothing else.
	challengeHeader = "X-Okta-Verification-Challenge"
)

//go:embed hook_eligible.txt
var eligibleTypes string

// HookEligible lists the event types that an event hook can be for: 314 of 1,274, as Okta's catalog of 2026.08.1 tags them.
func HookEligible() []string { return strings.Fields(eligibleTypes) }

// eventHook is one registered hook, as the API shows it.
type eventHook struct {
	ID           string     `json:"id"`
	Status       string     `json:"status"`             // ACTIVE or INACTIVE
	Verification string     `json:"verificationStatus"` // VERIFIED or UNVERIFIED
	Name         string     `json:"name"`
	Description  *string    `json:"description"`
	Created      string     `json:"created"`
	CreatedBy    string     `json:"createdBy"`
	LastUpdated  string     `json:"lastUpdated"`
	Events       hookEvents `json:"events"`
	Channel      channel    `json:"channel"`

	secret string // of the authScheme, which never shows it again
	next   int    // index in the log of the first event that was not looked at
}

type hookEvents struct {
	Type   string   `json:"type"` // EVENT_TYPE
	Items  []string `json:"items"`
	Filter any      `json:"filter"` // Okta EL, not modeled: all events of the types are sent
}

type channel struct {
	Type    string        `json:"type"`    // HTTP
	Version string        `json:"version"` // 1.0.0
	Config  channelConfig `json:"config"`
}

type channelConfig struct {
	URI     string       `json:"uri"`
	Headers []hookHeader `json:"headers"`
	Method  string       `json:"method"`
	Auth    *hookHeader  `json:"authScheme,omitempty"`
}

type hookHeader struct {
	Type  string `json:"type,omitempty"` // HEADER, of an authScheme
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// live reports whether events are sent to the hook.
func (h *eventHook) live() bool { return h.Status == "ACTIVE" && h.Verification == "VERIFIED" }

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

func (o *Org) tried(d Delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d.Time = o.now()
	o.delivered = remember(o.delivered, d, rememberedRequests)
}
