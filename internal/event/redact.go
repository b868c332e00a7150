package event

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// What is put where a redacted value was.
const (
	ModeMask = "mask" // "***"
	ModeHash = "hash" // "hmac:" and 32 hexadecimal digits: equal values give equal tokens
	ModeDrop = "drop" // nothing: the member or element is taken out; mentions elsewhere are masked
)

// Sets of paths by name.
const (
	// PresetUserIdentity is what okta-logs-collector's sanitizeUserIdentity
	// shortened: the login and name of people who act or are acted on.
	PresetUserIdentity = "user_identity"
	// PresetPersonalData is the above and what tells about a person's place and
	// devices: addresses, geography, user agents, device names, debug data.
	PresetPersonalData = "personal_data"
)

var presets = map[string][]string{
	PresetUserIdentity: userIdentity,
	PresetPersonalData: append(slices.Clone(userIdentity),
		"client.ipAddress",
		"client.geographicalContext",
		"client.userAgent",
		"client.ipChain[*].ip", // the form events have in event hooks
		"client.ipChain[*].geographicalContext",
		"request.ipChain[*].ip",
		"request.ipChain[*].geographicalContext",
		"device.name",
		"debugContext.debugData",
	),
}

var userIdentity = []string{
	"actor[User].alternateId",
	"actor[User].displayName",
	"target[User].alternateId",
	"target[User].displayName",
}

// minKey is the shortest key for hashing, in bytes.
const minKey = 16

// Redaction says what is taken out of events before anything else looks at
// them. See the package documentation for what is covered and what is not.
type Redaction struct {
	Mode    string   // ModeMask, ModeHash or ModeDrop; "" means ModeMask
	Key     []byte   // for ModeHash: the HMAC key, at least 16 bytes, better 32 random ones
	Presets []string // nil means PresetUserIdentity, empty means none
	Paths   []string // more values, with * for every member or element
}

// String keeps the key out of logs.
func (r Redaction) String() string {
	return fmt.Sprintf("redaction{mode: %s, presets: %v, paths: %v}", r.Mode, r.Presets, r.Paths)
}

// GoString keeps the key out of logs.
func (r Redaction) GoString() string { return r.String() }

// A redactor takes values out of events.
type redactor struct {
	drop    bool
	dropTop bool // a rule ends at a top-level member, and drops it
	rules   *rule
	byField [fieldCount]*rule // of rules, those for top-level members we know
	secrets secrets
	passes  sync.Pool // of *pass
}

func newRedactor(r Redaction) (*redactor, error) {
	red := &redactor{drop: r.Mode == ModeDrop, rules: &rule{}}
	switch r.Mode {
	case "", ModeMask, ModeDrop:
		if len(r.Key) > 0 {
			return nil, fmt.Errorf("mode %q uses no key; a key is for mode %q", r.Mode, ModeHash)
		}
	case ModeHash:
		if len(r.Key) < minKey {
			return nil, fmt.Errorf("mode %q needs a key of at least %d bytes, this one has %d", ModeHash, minKey, len(r.Key))
		}
		red.secrets.key = slices.Clone(r.Key)
	default:
		return nil, fmt.Errorf("mode %q: must be %q, %q or %q", r.Mode, ModeMask, ModeHash, ModeDrop)
	}

	names := r.Presets
	if names == nil {
		names = []string{PresetUserIdentity}
	}
	var paths []string
	for _, name := range names {
		preset, known := presets[name]
		if !known {
			return nil, fmt.Errorf("preset %q: must be %q or %q", name, PresetUserIdentity, PresetPersonalData)
		}
		paths = append(paths, preset...)
	}
	paths = append(paths, r.Paths...)
	if len(paths) == 0 {
		return nil, fmt.Errorf("no preset and no path: nothing would be redacted")
	}
	for _, text := range paths {
		p, err := parsePath(text, true)
		if err != nil {
			return nil, err
		}
		switch first := p[0]; {
		case first.any, strings.EqualFold(first.name, "uuid"), strings.EqualFold(first.name, "published"):
			return nil, fmt.Errorf("path %q: uuid and published say which event this is and when, and cannot be redacted", text)
		}
		red.rules.add(p)
		red.dropTop = red.dropTop || red.drop && len(p) == 1
	}
	for _, n := range red.rules.named {
		if n.field != fieldUnknown {
			red.byField[n.field] = n.rule
		}
	}
	return red, nil
}

// begin returns a pass for one event.
func (r *redactor) begin() *pass {
	if p, ok := r.passes.Get().(*pass); ok {
		return p
	}
	return &pass{redactor: r}
}

// maxKept is how large an event may be, in bytes, whose pass is kept.
const maxKept = 1 << 18

// end gives the pass and what it returned back.
func (p *pass) end() {
	p.raw = nil
	clear(p.secrets[:cap(p.secrets)])
	if cap(p.out) <= maxKept {
		p.redactor.passes.Put(p)
	}
}
