package takeover

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
)

// push sends each journal that is saved to the standby, and the last one to a new standby.
func (s *Seat) push(ctx context.Context) {
	var sent Peer // that has the last one
	for ctx.Err() == nil {
		next := s.x.next()
		if peer, ok := s.x.Ring.Standby(s.org); ok && peer != sent {
			if err := s.tell(ctx, peer, Owned); err == nil {
				sent = peer
			} else if ctx.Err() == nil {
				level.Debug(s.logger).Log("msg", "the standby does not take the checkpoint", "peer", peer.Name, "err", err)
				pause(ctx, next, pushAgain)
				continue
			}
		}
		select {
		case <-ctx.Done():
		case <-next:
		case <-s.saved:
			sent = Peer{}
		}
	}
}

// tell sends the journal to a peer, if there is one that others take, and the state.
func (s *Seat) tell(ctx context.Context, peer Peer, state State) error {
	a := Answer{Node: s.x.Ring.Self(), State: state, Journal: s.own()}
	if a.Journal == nil && state == Owned {
		return nil
	}
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return s.x.inform(ctx, s, http.MethodPut, peer, telling, "", body)
}

// Saved takes what a journal saved; see [checkpoint.Journal].Saved.
func (s *Seat) Saved(data []byte) {
	if len(data) > checkpoint.MaxCopy {
		s.x.warn("size for "+s.org, "the checkpoint is too large for other nodes, which go on from an older one; is the filter that long?",
			"org", s.name, "bytes", len(data), "allowed", checkpoint.MaxCopy)
		data = nil
	}
	s.mu.Lock()
	s.journal = data
	s.mu.Unlock()
	select {
	case s.saved <- struct{}{}:
	default:
	}
}

// own is the newest journal of this node: what was saved last, which the file lacks when the disk is full, and before that the file.
func (s *Seat) own() []byte {
	s.mu.Lock()
	saved := s.journal
	s.mu.Unlock() // before a file is read: Saved must not wait
	if saved != nil {
		return saved
	}
	return checkpoint.Current(s.dir, s.org)
}

// leave tells the standby that this node stops, and whether something is under way. It takes a second at most.
func (s *Seat) leave(underWay bool) {
	state := Released
	if underWay {
		state = Stopping
	}
	s.set(state)
	if peer, ok := s.x.Ring.Standby(s.org); ok {
		ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
		defer cancel()
		_ = s.tell(ctx, peer, state) // without it the standby waits for longer
	}
}

// Owned reports whether the org is still this node's after it was suspended: its own ring may be out of date, so the others are asked.
func (s *Seat) Owned(ctx context.Context) (bool, error) {
	if !s.Mine() {
		return false, ctx.Err()
	}
	answers, _ := s.x.ask(ctx, s)
	for _, a := range answers {
		if a.State == Owned || a.State == Acquiring || a.State == Draining {
			return false, ctx.Err()
		}
	}
	return s.Mine(), ctx.Err()
}

// answer is what a peer is told.
func (s *Seat) answer() Answer {
	s.mu.Lock()
	a := Answer{Node: s.x.Ring.Self(), State: s.state, Age: time.Since(s.since).Milliseconds()}
	s.mu.Unlock()
	standby := s.copy()
	a.Journal = s.own() // after the state: what was saved before it is in it
	if at, err := checkpoint.Read(standby, s.org); err == nil {
		if own, err := checkpoint.Read(a.Journal, s.org); err != nil || at.After(own) {
			a.Journal = standby
		}
	}
	return a
}

// take keeps the journal of the node that reads the org, and what it says of itself.
func (s *Seat) take(a Answer) error {
	leaves := a.State == Stopping || a.State == Released
	at, err := checkpoint.Read(a.Journal, s.org)
	if err != nil && (a.Journal != nil || !leaves) {
		return err
	}
	had, _ := checkpoint.Read(s.copy(), s.org)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice = ""
	if leaves {
		s.notice, s.noticed = a.State, time.Now()
	}
	if a.Journal == nil || at.Before(had) {
		return nil
	}
	s.standby = a.Journal
	if s.x.Writes != nil && !s.x.Writes() {
		return nil
	}
	err = checkpoint.WriteStandby(s.dir, s.org, a.Journal)
	if err != nil && !s.unkept {
		level.Warn(s.logger).Log("msg", "the standby checkpoint cannot be written, it is kept in memory", "err", err)
	}
	s.unkept = err != nil
	return nil
}
