package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/reconcile"
)

const (
	// countedByUUID is how many entries, some of them hidden, are few enough to be counted one by one.
	countedByUUID = 400
	// mostForeign is how many entries that are not in the org's log are remembered; more are counted.
	mostForeign = 10_000
)

// compare compares what was published in a part of the range, and takes it out of pending.
func (a *audit) compare(ctx context.Context, from, to time.Time) error {
	var records []*record
	for uuid, rec := range a.pending {
		if rec.at.Before(to) {
			records = append(records, rec)
			delete(a.pending, uuid)
		}
	}
	return a.compareRecords(ctx, from, to, records, true)
}

// compareLate compares events that came after their slice was compared, an hour of them at a time.
func (a *audit) compareLate(ctx context.Context) error {
	var all []*record
	for uuid, rec := range a.late {
		all = append(all, rec)
		delete(a.foreign, uuid)
	}
	slices.SortFunc(all, func(x, y *record) int { return x.at.Compare(y.at) })
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].at.Sub(all[0].at) < minSlice {
			n++
		}
		if err := a.compareRecords(ctx, all[0].at, all[n-1].at.Add(time.Millisecond), all[:n], false); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// compareRecords asks Loki about records, all of those published in a range, or some.
func (a *audit) compareRecords(ctx context.Context, from, to time.Time, records []*record, all bool) error {
	s := slice{audit: a, records: make(map[string]*record, len(records)), sorted: records, all: all}
	slices.SortFunc(records, func(x, y *record) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.uuid, y.uuid)) })
	for _, rec := range records {
		s.records[rec.uuid] = rec
	}
	if err := s.read(ctx, from, to); err != nil {
		return err
	}
	if err := s.findMissing(ctx); err != nil {
		return err
	}
	if err := s.findHidden(ctx, from, to); err != nil {
		return err
	}
	if err := s.readLabels(ctx); err != nil {
		return err
	}
	s.judge()
	return nil
}

// slice is a part of the range while it is compared.
type slice struct {
	*audit
	records map[string]*record
	sorted  []*record
	all     bool            // records are all of the range
	shown   []time.Time     // of the entries in the range, sorted
	crowded []time.Time     // instants at which only entries of records were read
	found   map[string]bool // by a second search, without their entries
}

// read notes the entries in Loki.
func (s *slice) read(ctx context.Context, from, to time.Time) error {
	before, after := s.cfg.Loki.Margins()
	var err error
	s.crowded, err = s.cfg.Loki.Audit(ctx, from.Add(-before), to.Add(after), func(at time.Time) []string {
		return s.uuids(at.Add(-after), at.Add(before+1))
	}, func(e reconcile.Audited) {
		inRange := !e.Time.Before(from) && e.Time.Before(to)
		if inRange {
			s.shown = append(s.shown, e.Time)
		}
		rec, first := s.recordIn(e.Line)
		switch {
		case rec != nil:
			rec.take(e)
		case inRange && s.all:
			s.strange(first, e)
		}
	})
	return err
}

// recordIn is the one whose event a line holds, or nil, and the first uuid in the line.
func (s *slice) recordIn(line string) (rec *record, first string) {
	reconcile.UUIDs(line, func(uuid string) bool {
		first = cmp.Or(first, uuid)
		rec = s.records[uuid]
		return rec == nil
	})
	return rec, first
}

// readLabels reads the entries of doubled events once more, of as many events as are listed, to say where they are.
func (s *slice) readLabels(ctx context.Context) error {
	wanted := make(map[string]bool)
	var first, last time.Time
	for _, rec := range s.sorted {
		if rec.copies > 1 && s.report.Counts[Doubled]+len(wanted) < mostListed {
			if len(wanted) == 0 {
				first = rec.at
			}
			wanted[rec.uuid], last = true, rec.at
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	before, after := s.cfg.Loki.Margins()
	_, err := s.cfg.Loki.Audit(ctx, first.Add(-before), last.Add(after+1), func(at time.Time) []string {
		return s.uuids(at.Add(-after), at.Add(before+1))
	}, func(e reconcile.Audited) {
		if rec, _ := s.recordIn(e.Line); rec != nil && wanted[rec.uuid] {
			rec.labels, rec.mixed = append(rec.labels, strings.Clone(e.Labels)), rec.mixed || e.Mixed
		}
	})
	return err
}

// uuids are those of the events published in a range.
func (s *slice) uuids(from, to time.Time) (all []string) {
	for _, rec := range s.between(from, to) {
		all = append(all, rec.uuid)
	}
	return all
}

func (s *slice) between(from, to time.Time) []*record {
	i, _ := slices.BinarySearchFunc(s.sorted, from, func(r *record, t time.Time) int { return r.at.Compare(t) })
	j, _ := slices.BinarySearchFunc(s.sorted, to, func(r *record, t time.Time) int { return r.at.Compare(t) })
	return s.sorted[i:max(i, j)]
}

// strange notes an entry that belongs to no event of the slice.
func (s *slice) strange(uuid string, e reconcile.Audited) {
	org := e.Label("org")
	if s.late[uuid] != nil || s.pending[uuid] != nil { // with another time
		return
	}
	if org != s.cfg.Org && s.cfg.OtherOrgs[org] {
		s.report.Others++
		return
	}
	detail := "in Loki, not in the org's log as filter and query show it"
	if org != "" && org != s.cfg.Org {
		detail = fmt.Sprintf("in Loki, with org=%q", org)
	}
	f := &Finding{Kind: Foreign, UUID: uuid, Time: e.Time.UTC(), Type: e.Label("eventType"), Detail: detail}
	if len(s.foreign) >= mostForeign {
		s.report.add(*f)
		return
	}
	s.foreign[cmp.Or(uuid, fmt.Sprint(len(s.foreign)))] = f
}

// findMissing looks once more, with a query of its own, for events that were not among the entries.
func (s *slice) findMissing(ctx context.Context) error {
	var missing []reconcile.Event
	for _, rec := range s.sorted {
		if rec.copies == 0 && !rec.dropped {
			missing = append(missing, reconcile.Event{UUID: rec.uuid, Time: rec.at})
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var err error
	s.found, err = s.cfg.Loki.Find(ctx, missing)
	return err
}

// findHidden counts the entries in Loki, and so finds those that log queries hide, as they are equal to others.
func (s *slice) findHidden(ctx context.Context, from, to time.Time) error {
	if !s.all { // the range has entries of other events
		for _, rec := range s.sorted {
			if err := s.countEach(ctx, rec.at, rec.at.Add(time.Millisecond)); err != nil {
				return err
			}
		}
		return nil
	}
	slices.SortFunc(s.shown, time.Time.Compare)
	for _, at := range s.crowded {
		at = at.Truncate(time.Millisecond)
		if err := s.countEach(ctx, at, at.Add(time.Millisecond)); err != nil {
			return err
		}
		if at.After(from) {
			if err := s.halve(ctx, from, at, -1); err != nil {
				return err
			}
		}
		from = at.Add(time.Millisecond)
	}
	if !from.Before(to) {
		return nil
	}
	return s.halve(ctx, from, to, -1)
}

// halve compares counts in a range and, where they differ, in its halves. counted is Loki's count of the range; -1: it is not known yet.
func (s *slice) halve(ctx context.Context, from, to time.Time, counted int) error {
	i, _ := slices.BinarySearchFunc(s.shown, from, time.Time.Compare)
	j, _ := slices.BinarySearchFunc(s.shown, to, time.Time.Compare)
	if counted < 0 {
		var err error
		if counted, err = s.cfg.Loki.Count(ctx, from, to); err != nil {
			return err
		}
	}
	switch {
	case counted <= j-i:
		return nil
	case j-i <= countedByUUID || to.Sub(from) <= time.Millisecond:
		return s.countEach(ctx, from, to)
	}
	middle := from.Add(to.Sub(from) / 2).Truncate(time.Millisecond)
	left, err := s.cfg.Loki.Count(ctx, from, middle)
	if err != nil {
		return err
	}
	if err := s.halve(ctx, from, middle, left); err != nil {
		return err
	}
	return s.halve(ctx, middle, to, counted-left)
}

// countEach counts the entries of each event of a range.
func (s *slice) countEach(ctx context.Context, from, to time.Time) error {
	before, after := s.cfg.Loki.Margins()
	records := s.between(from.Add(-after), to.Add(before))
	var uuids []string
	for _, rec := range records {
		if rec.copies > 0 {
			uuids = append(uuids, rec.uuid)
		}
	}
	if len(uuids) == 0 {
		return nil
	}
	counts, err := s.cfg.Loki.CountEach(ctx, from.Add(-before), to.Add(after), uuids)
	if err != nil {
		return err
	}
	for _, rec := range records {
		rec.hidden = max(rec.hidden, counts[rec.uuid]-rec.copies) // a neighboring range may hold some of them
	}
	return nil
}

// judge reports each event of the slice.
func (s *slice) judge() {
	r, now := &s.report, time.Now()
	for _, rec := range s.sorted {
		r.InOkta++
		f := Finding{UUID: rec.uuid, Time: rec.at.UTC(), Type: rec.kind}
		switch {
		case rec.copies > 0:
			r.InLoki++
			if s.all && rec.live && s.old(rec.at, now) {
				s.stream(rec).show(r)
			}
			for _, f := range rec.findings() {
				r.add(f)
			}
		case rec.dropped:
			f.Kind, f.Detail = Dropped, "by relabel_rules"
			r.add(f)
		case s.found[rec.uuid]: // it arrived meanwhile
			r.InLoki++
		default:
			s.absent(rec, f, now)
		}
	}
}
