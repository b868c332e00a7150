package poller

import (
	"encoding/binary"
	"hash/maphash"
	"time"
)

const (
	// remembered is how many uuids a recent keeps at most, the last 32 full pages: about half a MB.
	// A repeat that comes later than that passes; Okta's feed does not repeat by itself,
	// so only a re-read after a refused cursor can reach that far.
	remembered = 32 * 1000
	// repeatable is how far behind the position an event must have been delivered to be
	// forgotten. A re-read begins at the position's time and returns what Okta persisted since;
	// the rest is for differences between the clocks of Okta's nodes.
	repeatable = 10 * time.Minute
)

// uuidHash is a hash. As bytes it takes 9 of a map's memory, as an integer 16.
type uuidHash [8]byte

var hashSeed = maphash.MakeSeed()

func hashOf(uuid string) (h uuidHash) {
	binary.NativeEndian.PutUint64(h[:], maphash.String(hashSeed, uuid))
	return h
}

// recent is a set of the last uuids, as large as the traffic makes it. It belongs to the
// running poller's goroutine; the zero value is empty.
//
// It forgets in halves: what was added before the present half began goes when the half
// ends, which costs no order of its own and gives the memory of a busy hour back. Of a uuid it
// keeps a hash that nobody can foresee: that an event looks like one of the last 32,000 happens
// once in 500 trillion events.
type recent struct {
	before, now map[uuidHash]struct{}
	began       time.Time // Okta's clock when the present half did
}

// has reports whether uuid is in the set. An event without uuid is never in it.
func (r *recent) has(uuid string) bool {
	if uuid == "" || len(r.now)+len(r.before) == 0 {
		return false
	}
	key := hashOf(uuid)
	if _, ok := r.now[key]; ok {
		return true
	}
	_, ok := r.before[key]
	return ok
}

func (r *recent) add(uuid string) {
	if uuid == "" {
		return
	}
	if len(r.now) >= remembered/2 {
		r.turn(time.Time{})
	}
	if r.now == nil {
		r.now = make(map[uuidHash]struct{})
	}
	r.now[hashOf(uuid)] = struct{}{}
}

// passed notes that the position reached published, at a time of Okta's clock, and forgets
// what cannot come again.
func (r *recent) passed(published, date time.Time) {
	if r.began.IsZero() {
		r.began = date
	}
	if published.Sub(r.began) >= repeatable {
		r.turn(date)
	}
}

func (r *recent) turn(date time.Time) { r.before, r.now, r.began = r.now, nil, date }
