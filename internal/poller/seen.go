package poller

import (
	"encoding/binary"
	"hash/maphash"
	"time"
)

const (
	// remembered is how many uuids a seen keeps at most, the last 32 full pages: about half a MB.
	// A repeat that comes later than that passes; Okta's feed does not repeat by itself,
	// so only a re-read after a refused cursor can reach that far.
	remembered = 32 * 1000
	// repeatable is how far behind the position an event must have been delivered to be
	// forgotten. A re-read begins at the position's time and returns what Okta persisted since;
	// the rest is for differences between the clocks of Okta's nodes.
	repeatable = 10 * time.Minute
)

// seenKey is a hash. As bytes it takes 9 of a map's memory, as an integer 16.
type seenKey [8]byte

var seenSeed = maphash.MakeSeed()

func keyOf(uuid string) (k seenKey) {
	binary.NativeEndian.PutUint64(k[:], maphash.String(seenSeed, uuid))
	return k
}

// seen is a set of the last uuids, as large as the traffic makes it. It belongs to the
// running poller's goroutine; the zero value is empty.
//
// It forgets in halves: what was added before the present half began goes when the half
// ends, which costs no order of its own and gives the memory of a busy hour back. Of a uuid it
// keeps a hash that nobody can foresee: that an event looks like one of the last 32,000 happens
// once in 500 trillion events.
type seen struct {
	before, now map[seenKey]struct{}
	began       time.Time // Okta's clock when the present half did
}

// has reports whether uuid is in the set. An event without uuid is never in it.
func (s *seen) has(uuid string) bool {
	if uuid == "" || len(s.now)+len(s.before) == 0 {
		return false
	}
	key := keyOf(uuid)
	if _, ok := s.now[key]; ok {
		return true
	}
	_, ok := s.before[key]
	return ok
}

// add puts uuid in.
func (s *seen) add(uuid string) {
	if uuid == "" {
		return
	}
	if len(s.now) >= remembered/2 {
		s.turn(time.Time{})
	}
	if s.now == nil {
		s.now = make(map[seenKey]struct{})
	}
	s.now[keyOf(uuid)] = struct{}{}
}

// passed notes that the position reached published, at a time of Okta's clock, and forgets
// what cannot come again.
func (s *seen) passed(published, date time.Time) {
	if s.began.IsZero() {
		s.began = date
	}
	if published.Sub(s.began) >= repeatable {
		s.turn(date)
	}
}

func (s *seen) turn(date time.Time) { s.before, s.now, s.began = s.now, nil, date }
