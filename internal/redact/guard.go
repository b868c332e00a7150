package redact

import (
	"unicode"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// A guard is what a preset redacts. It is closed by default: a string or number is redacted unless its member is known to name nobody.
// Okta adds members and types whenever it likes, and a list of what is personal would always be behind.
type guard struct {
	documented *table          // members of Okta's LogEvent schema
	free       *table          // members of the maps that Okta promises nothing about
	things     map[string]bool // types of actors and targets that are no people, normalized
	places     bool            // IP addresses are redacted in the text of maps that Okta promises nothing about
}

// A class is what becomes of a member.
type class uint8

const (
	unknown class = iota // redacted; what is in an object is judged by its own members
	word                 // the same, but its name is one of Okta's words; those below are names of Okta's
	keep                 // stays; the same
	open                 // stays with all that is in it, but for people
	holder               // an actor or target
	name                 // of an actor or target: stays if that is a thing
	freeMap              // a map that Okta promises nothing about
	all                  // redacted with all that is in it
)

// A scope is the part of an event that decides which members are known.
type scope uint8

const (
	unguarded  scope = iota // no preset: paths alone
	documented              // among the members of Okta's schema
	free                    // in a map that Okta promises nothing about, or in JSON inside a string
)

// A place is what holds for a value because of where it is.
type place struct {
	scope  scope
	scalar bool // a string or number is redacted here
	open   bool // unknown members stay
}

// classOf returns the class of the member whose name, without quotes, is raw, and whether that is how Okta spells it.
func (g *guard) classOf(s scope, raw []byte) (c class, spelled bool) {
	known := g.free
	if s == documented {
		known = g.documented
	}
	if c := known.of(rawjson.Alias(raw)); c != unknown {
		return c, true
	}
	var buf [64]byte
	return known.of(rawjson.Alias(appendNormalized(buf[:0], rawjson.Unquote(raw)))), false
}

// in returns the place of a member of that class, and whether it is redacted as a whole; see Pass.member.
func (c class) in(p place, isThing func() bool) (inside place, whole bool) {
	switch c {
	case keep:
		return place{scope: p.scope, open: p.open}, false
	case open:
		return place{scope: p.scope, open: true}, false
	case holder:
		return place{scope: p.scope, scalar: true}, false
	case name:
		return place{scope: free}, !isThing()
	case freeMap:
		return place{scope: free, scalar: true}, false
	case all:
		return place{}, true
	}
	return place{scope: free, scalar: !p.open, open: p.open}, false
}

// isThing tells whether the types, of which an object has several if it repeats the member, are all types of things.
func (g *guard) isThing(types []string) bool {
	for _, t := range types {
		var buf [64]byte
		if !g.things[string(appendNormalized(buf[:0], t))] {
			return false
		}
	}
	return len(types) > 0
}

// normalize makes spellings equal that differ in case, spaces and punctuation: AppInstance, app_instance, "App Instance".
func normalize(text string) string { return string(appendNormalized(nil, text)) }

func appendNormalized(dst []byte, text string) []byte {
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			dst = appendRune(dst, fold(r))
		}
	}
	return dst
}
