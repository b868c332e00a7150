package pipesim

import "time"

// stream is a stream as the ingester knows it.
type stream struct {
	newest time.Time // the latest time of its entries
	chunk  *chunk    // the last one; nil: none
}

// chunk is what is flushed at once. Nothing is added to it after it was flushed.
type chunk struct {
	first, last time.Time // of its entries
	updated     time.Time // when the last one came
	aged        time.Time // when it spanned max_chunk_age; zero: it does not
	flushed     time.Time // by other means; zero: see flushedAt
}

// flushedAt is when the chunk is flushed if nothing more comes. Source: shouldFlushChunk in Loki's pkg/ingester/flush.go.
func (c *chunk) flushedAt(l *Limits) time.Time {
	if !c.flushed.IsZero() {
		return c.flushed
	}
	at := c.updated.Add(l.ChunkIdlePeriod + l.FlushCheckPeriod)
	if !c.aged.IsZero() {
		if aged := c.aged.Add(l.FlushCheckPeriod); aged.Before(at) {
			return aged
		}
	}
	return at
}

// sweep lets go of what was flushed. Source: removeFlushedChunks, ibid.
func (s *stream) sweep(l *Limits, now time.Time) {
	if s.chunk == nil || now.Before(s.chunk.flushedAt(l)) {
		return
	}
	if !now.Before(s.chunk.flushedAt(l).Add(l.FlushCheckPeriod)) {
		s.newest = time.Time{}
	}
	s.chunk = nil
}

// add notes an entry that is stored.
func (s *stream) add(l *Limits, at, now time.Time) {
	if s.chunk == nil {
		s.chunk = &chunk{first: at, last: at}
	}
	c := s.chunk
	if at.Before(c.first) {
		c.first = at
	}
	if at.After(c.last) {
		c.last = at
	}
	if at.After(s.newest) {
		s.newest = at
	}
	c.updated = now
	if c.aged.IsZero() && c.last.Sub(c.first) > l.MaxChunkAge {
		c.aged = now
	}
}
