package oktasim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/tidwall/gjson"
)

// event is one event of the log. Times are epoch milliseconds, as precise as Okta's own.
type event struct {
	persisted int64
	published int64
	raw       []byte
}

// store keeps events in persistence order. Events persisted later than the present are not visible yet; they may still be joined by others,
// which is how a test schedules its day in advance.
type store struct {
	events []event
	chunk  []byte // the raw bytes of many events, so that a million cost the collector little
}

const chunkBytes = 1 << 20

// add inserts an event after all that were persisted at its time or before, and never before one that is visible at now.
func (s *store) add(persisted, published, now int64, raw []byte) {
	if len(s.chunk)+len(raw) > cap(s.chunk) {
		s.chunk = make([]byte, 0, max(chunkBytes, len(raw)))
	}
	from := len(s.chunk)
	s.chunk = append(s.chunk, raw...)
	e := event{persisted: persisted, published: published, raw: s.chunk[from:len(s.chunk):len(s.chunk)]}

	if last := len(s.events) - 1; last < 0 || s.events[last].persisted <= persisted {
		s.events = append(s.events, e)
		return
	}
	if v := s.visible(now); v > 0 {
		e.persisted = max(e.persisted, s.events[v-1].persisted)
	}
	at := s.firstAfter(e.persisted)
	s.events = slices.Insert(s.events, at, e)
}

// visible is the number of events persisted by now.
func (s *store) visible(now int64) int { return s.firstAfter(now) }

// first is the index of the first event persisted at ms or later.
func (s *store) first(ms int64) int {
	return sort.Search(len(s.events), func(i int) bool { return s.events[i].persisted >= ms })
}

// firstAfter is the index of the first event persisted later than ms.
func (s *store) firstAfter(ms int64) int { return s.first(ms + 1) }

// byPublished returns the indices of the visible events published in [since, until), ordered by published and, within a millisecond, by
// persistence.
func (s *store) byPublished(since, until int64, visible int) []int {
	var found []int
	for i, e := range s.events[:visible] {
		if since <= e.published && e.published < until {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(a, b int) int { return cmp.Compare(s.events[a].published, s.events[b].published) })
	return found
}

// Append commits events to the log now. Each must be a JSON value, normally an object; its bytes are served as they are. An event without a
// readable published counts as published when persisted. Append panics on bytes that are not JSON: a broken page is a fault to ask for, not
// an event.
func (o *Org) Append(raw ...[]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.append(o.now(), raw)
}

// AppendAt is Append with the time of persistence, to the millisecond, which is what orders the log and what since is compared with;
// published may be far earlier. An event persisted in the future appears when the org's clock gets there. A time before that of an event
// already visible becomes the latter's: the log grows at its end only.
func (o *Org) AppendAt(persisted time.Time, raw ...[]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.append(persisted, raw)
}

func (o *Org) append(persisted time.Time, raw [][]byte) {
	at, now := persisted.UnixMilli(), o.shown()
	for _, r := range raw {
		if !json.Valid(r) {
			panic(fmt.Sprintf("oktasim: appending an event that is not JSON: %.80q", r))
		}
		published := at
		if t, err := time.Parse(time.RFC3339Nano, gjson.GetBytes(r, "published").Str); err == nil {
			published = t.UnixMilli()
		}
		o.log.add(at, published, now, r)
	}
}

// Events returns the events persisted by now in persistence order, each exactly as served. The bytes are the org's own: do not change them.
func (o *Org) Events() [][]byte { return o.EventsFrom(0) }

// EventsFrom is Events without the first n.
func (o *Org) EventsFrom(n int) [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	visible := o.visible()
	n = min(max(n, 0), visible)
	raw := make([][]byte, 0, visible-n)
	for _, e := range o.log.events[n:visible] {
		raw = append(raw, e.raw)
	}
	return raw
}

// Len is the number of events persisted by now.
func (o *Org) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.visible()
}

// visible is Len for who holds mu.
func (o *Org) visible() int { return o.log.visible(o.shown()) }
