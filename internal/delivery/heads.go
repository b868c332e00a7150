package delivery

import "time"

// Heads is the newest time delivered on each stream. Loki refuses what is further behind
// the newest entry of its stream than max_chunk_age/2, an hour by default, whatever
// reject_old_samples says. Source: Loki v3.7.8, pkg/ingester/stream.go, validateEntries.
// The zero value knows nothing; it is not safe for concurrent use.
type Heads struct {
	newest map[uint64]time.Time
	floor  time.Time
}

// maxHeads bounds the streams that are remembered one by one. Beyond it the newest time of
// all serves for those that are not, which makes an event late too often and never too
// seldom.
const maxHeads = 10_000

// SetFloor sets the newest time that a previous process may have delivered on any stream.
func (h *Heads) SetFloor(t time.Time) { h.floor = Latest(h.floor, t) }

// Note notes a delivery on a stream.
func (h *Heads) Note(stream uint64, t time.Time) {
	if h.newest == nil {
		h.newest = make(map[uint64]time.Time)
	}
	if _, known := h.newest[stream]; !known && len(h.newest) >= maxHeads {
		h.SetFloor(t)
		return
	}
	h.newest[stream] = Latest(h.newest[stream], t)
}

// Behind is how far an entry of time t is behind the newest of its stream; 0 or less when
// it is not, or when the stream is new.
func (h *Heads) Behind(stream uint64, t time.Time) time.Duration {
	head := Latest(h.newest[stream], h.floor)
	if head.IsZero() {
		return 0
	}
	return head.Sub(t)
}
