package verify

import (
	"fmt"
	"time"
)

// absent reports an event that was not found: now, or when more of its stream is known.
func (s *slice) absent(rec *record, f Finding, now time.Time) {
	visible := s.cfg.Loki.Visible()
	if visible == 0 || now.Sub(rec.at) <= visible || s.allShown() {
		f.Kind, f.Detail = Missing, "not found in Loki"
		s.report.add(f)
		return
	}
	// How long Loki hides an event depends on when it was delivered, not on its age: a collector that was down delivers what is a day old.
	idle := s.cfg.IdleSince
	if idle.IsZero() {
		idle = s.now
	}
	s.report.Clear = idle.Add(flushed).UTC()
	f.Kind = Unknown
	f.Detail = fmt.Sprintf("not found, and Loki may hide it if it was delivered after %s (query_ingesters_within)",
		s.now.Add(-flushed).UTC().Format("2006-01-02 15:04"))
	if s.all && s.old(rec.at, now) && s.cfg.IdleSince.IsZero() {
		s.stream(rec).wait(f, &s.report)
		return
	}
	s.report.add(f)
}

// allShown reports whether the operator says that nothing of the range is in an ingester alone.
func (a *audit) allShown() bool {
	return !a.cfg.IdleSince.IsZero() && a.now.Sub(a.cfg.IdleSince) >= flushed
}

// old reports whether Loki shows an event of a time by now, if a collector delivered it in time, or once more: it does so for what it does
// not find, when Loki shows that time, which is after flushed; the second delivery is shown after flushed, too.
func (a *audit) old(at, now time.Time) bool { return now.Sub(at) > a.cfg.Loki.Visible()+2*flushed }

// stream is what is known of a stream of the live log, in the order of time. A collector writes in that order, and Loki flushes chunks in
// it. So what lies between two entries that storage shows does not wait for a flush.
type stream struct {
	shown   bool      // an entry before waiting
	waiting []Finding // not found after shown
}

func (a *audit) stream(rec *record) *stream {
	if a.streams[rec.stream] == nil {
		a.streams[rec.stream] = &stream{}
	}
	return a.streams[rec.stream]
}

// show notes an entry from storage.
func (st *stream) show(r *Report) {
	for _, f := range st.waiting {
		if st.shown {
			f.Kind, f.Detail = Missing, "not found in Loki, which shows what was before and after it in its stream"
		}
		r.add(f)
	}
	st.shown, st.waiting = true, nil
}

// wait notes an event that was not found. So many in a row are an outage, and can still be on their way.
func (st *stream) wait(f Finding, r *Report) {
	if st.waiting = append(st.waiting, f); len(st.waiting) > mostListed {
		st.end(r)
	}
}

// end reports the events after which no entry was found.
func (st *stream) end(r *Report) {
	for _, f := range st.waiting {
		r.add(f)
	}
	*st = stream{}
}
