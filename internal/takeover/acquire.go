package takeover

import (
	"context"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
)

// acquire waits until the org is this node's and no other node reads it. It returns an error only when ctx ends.
func (s *Seat) acquire(ctx context.Context, r Reader) (Start, error) {
	var waiting time.Time // since when it is this node's
	var released bool
	turn := time.Now()
	for {
		next := s.x.next()
		if time.Since(turn) > hungFor { // the others have not been silent for as long
			waiting, released = time.Time{}, false
		}
		turn = time.Now()
		switch {
		case ctx.Err() != nil:
			return Start{}, ctx.Err()
		case s.x.Ring.Alone():
			s.Saved(nil) // from here on, only the file is kept up to date
			s.set(Owned)
			return Start{alone: true}, nil
		}
		if !s.Mine() {
			state, _, _ := s.State() // by which others know that this node wants the org, also before it asked the first time
			had := state == Acquiring
			waiting = time.Time{}
			switch {
			case had && r.UnderWay(): // it was back before all had arrived, and left again before it was read
				if s.drain(ctx, r); ctx.Err() != nil {
					s.leave(r.UnderWay())
				}
				continue
			case had: // never begun, so as before
				s.set(None)
			}
			pause(ctx, next, look)
			continue
		}
		if early := joinWait - time.Since(s.x.begun); early > 0 {
			pause(ctx, next, early)
			continue
		}
		if waiting.IsZero() {
			waiting = time.Now()
			s.set(Acquiring)
		}
		answers, silent := s.x.ask(ctx, s)
		if ctx.Err() != nil {
			return Start{}, ctx.Err()
		}
		if time.Since(turn) > hungFor {
			continue
		}
		busy := s.busy(answers, silent, time.Since(waiting))
		s.mu.Lock()
		s.waits = busy
		s.mu.Unlock()
		if busy.why != "" {
			pause(ctx, nil, askEvery)
			continue
		}
		for _, a := range answers {
			released = released || a.releasedWithin(time.Since(waiting)+look)
		}
		start, early := s.gather(answers, released, time.Since(waiting))
		if early > 0 {
			pause(ctx, nil, min(early, look))
			continue
		}
		if s.Mine() {
			start.AtOnce = start.LastPush > 0 || time.Since(s.x.begun) > joinWait+look
			s.set(Owned)
			level.Info(s.logger).Log("msg", "this node reads the org now", "copies", len(start.Copies),
				"waited", time.Since(waiting).Round(time.Millisecond))
			return start, nil
		}
	}
}

// busy is what must be waited for. A node that reads the org is named first: the other reasons may take long while nobody reads.
func (s *Seat) busy(answers []Answer, silent int, waited time.Duration) (most wait) {
	if silent > 0 && waited < silentMost {
		most = wait{why: fmt.Sprintf("%d of the other nodes do not answer", silent)}
	}
	for _, a := range answers {
		switch a.State {
		case Owned:
			if !a.doubtful || waited < releaseMost {
				return wait{why: a.Node + " still reads it", read: true}
			}
		case Draining:
			if waited < releaseMost {
				most.why = a.Node + " waits for what it delivered to arrive"
			}
		case Acquiring: // two rings disagree for a moment
			if a.Node < s.x.Ring.Self() && waited < silentMost {
				most.why = a.Node + " is about to read it, too"
			}
		}
	}
	return most
}

// gather gathers the journals of others, and finds out how long something of theirs may still arrive. early is how much longer to wait for
// a notice that would tell, or until nothing of theirs can be under way.
func (s *Seat) gather(answers []Answer, released bool, waited time.Duration) (start Start, early time.Duration) {
	own, _ := checkpoint.Read(s.own(), s.org)
	others := false
	add := func(data []byte) {
		at, err := checkpoint.Read(data, s.org)
		if err != nil {
			return
		}
		start.Copies = append(start.Copies, data)
		others = others || at.After(own)
	}
	for _, a := range answers {
		if a.Journal != nil {
			add(a.Journal)
		}
	}
	add(s.copy())
	s.mu.Lock()
	notice, ago := s.notice, time.Since(s.noticed)
	// A node that sent what could not be checked may have read on, and may be stopping.
	doubt := !s.doubted.IsZero() && time.Since(s.doubted) < noticeAge
	s.mu.Unlock()
	for _, a := range answers {
		if a.State == Stopping {
			notice, ago = Stopping, 0
		}
	}
	if ago >= noticeAge {
		notice = None
	}
	start.Others = others || doubt
	switch {
	case doubt:
		start.LastPush = landed
		early = stopping - waited
	case notice == Stopping:
		start.LastPush = max(stopping-ago, landed)
	case !others: // nobody has read on since this node did
	case !released && notice != Released && waited < noticeWait:
		early = noticeWait - waited
	case released || notice == Released || time.Since(s.x.begun) > silentMost:
		start.LastPush = landed
	}
	return start, early
}

// copy is the standby copy, nil when there is none.
func (s *Seat) copy() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.standby == nil {
		s.standby = checkpoint.Standby(s.dir, s.org)
	}
	return s.standby
}
