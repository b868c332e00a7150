package redact

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// What is put where a redacted value was.
const (
	ModeMask = "mask" // "***"
	ModeHash = "hash" // "hmac:" and 32 hexadecimal digits: equal values give equal tokens
	ModeDrop = "drop" // nothing: the member or element is taken out; mentions elsewhere are masked
)

// minKey is the shortest key for hashing, in bytes.
const minKey = 16

// Options say what is taken out of events. The zero value masks identities.
type Options struct {
	Mode    string   // ModeMask, ModeHash or ModeDrop; "" means ModeMask
	Key     []byte   // for ModeHash: the HMAC key, at least 16 bytes, better 32 random ones
	Presets []string // nil means PresetUserIdentity, empty means none
	Paths   []string // more values, with * for every member or element
}

// String keeps the key out of logs.
func (o Options) String() string {
	return fmt.Sprintf("redaction{mode: %s, presets: %v, paths: %v}", o.Mode, o.Presets, o.Paths)
}

// GoString keeps the key out of logs.
func (o Options) GoString() string { return o.String() }

// A Redactor takes values out of events. It is safe for concurrent use.
type Redactor struct {
	drop    bool
	guard   *guard  // of the presets; nil: paths alone
	top     []*rule // the rules for the event; empty without paths
	secrets secrets
	shapes  shapes    // without guard, no use is made of them
	passes  sync.Pool // of *Pass
}

// New checks the options. Errors name the value and what is allowed instead, and never the key.
func New(o Options) (_ *Redactor, err error) {
	r := &Redactor{drop: o.Mode == ModeDrop}
	switch o.Mode {
	case "", ModeMask, ModeDrop:
		if len(o.Key) > 0 {
			return nil, fmt.Errorf("mode %q uses no key; a key is for mode %q", o.Mode, ModeHash)
		}
	case ModeHash:
		if len(o.Key) < minKey {
			return nil, fmt.Errorf("mode %q needs a key of at least %d bytes, this one has %d", ModeHash, minKey, len(o.Key))
		}
		r.secrets.key = slices.Clone(o.Key)
	default:
		return nil, fmt.Errorf("mode %q: must be %q, %q or %q", o.Mode, ModeMask, ModeHash, ModeDrop)
	}

	names := o.Presets
	if names == nil {
		names = []string{PresetUserIdentity}
	}
	if r.guard, err = guardOf(names); err != nil {
		return nil, err
	}
	if len(names) == 0 && len(o.Paths) == 0 {
		return nil, fmt.Errorf("no preset and no path: nothing would be redacted")
	}
	if err := r.addPaths(o.Paths); err != nil {
		return nil, err
	}
	if !r.drop && r.top == nil {
		r.shapes.guard = r.guard
	}
	return r, nil
}

func (r *Redactor) addPaths(paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	top := &rule{}
	for _, text := range paths {
		p, err := rawjson.ParsePath(text, true)
		if err != nil {
			return err
		}
		switch first := p[0]; {
		case first.Any, strings.EqualFold(first.Name, "uuid"), strings.EqualFold(first.Name, "published"):
			return fmt.Errorf("path %q: uuid and published say which event this is and when, and cannot be redacted", text)
		}
		top.add(p)
	}
	r.top = []*rule{top}
	return nil
}

// maxKept is the largest event, in bytes, whose pass goes back to the pool.
const maxKept = 1 << 18

// Begin returns a pass for one event. Call its End when what it returned is not needed any more.
func (r *Redactor) Begin() *Pass {
	if p, ok := r.passes.Get().(*Pass); ok {
		return p
	}
	return &Pass{redactor: r, space: make([]member, 0, 32), recent: new([recents]recent)}
}

// End returns the pass to the pool; its output is invalid afterward.
func (p *Pass) End() {
	p.raw = nil
	if p.members != nil {
		p.space = p.members[:0]
	}
	clear(p.secrets[:cap(p.secrets)])
	if cap(p.out) <= maxKept {
		p.redactor.passes.Put(p)
	}
}
