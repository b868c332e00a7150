package roles

import (
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// kind is what a holder is.
type kind uint8

const (
	user kind = iota
	group
	client
	kinds
)

// A Table is what is known about the role holders of one org. It is safe for concurrent use and outlives reloads, but not that its org is
// read elsewhere ([Table.Forget]).
type Table struct {
	shown atomic.Pointer[shown] // nil: nothing is known yet

	mu      sync.Mutex
	holders [kinds]map[string]*holder // by id
	listed  time.Time                 // Okta's time of the last list of users
	fresh   time.Time                 // our time of it
	lasts   time.Duration             // for how long that may be used
	full    bool                      // there are more than maxHolders, or were when there was room last
	touched []string                  // users and clients whose roles may have changed since what is shown
	whole   bool                      // anybody's roles may have changed
	work    chan struct{}             // holds a token when there is something to ask for
}

// holder is a user, group or client that holds roles, or about whom Okta is asked. The table's mutex guards it.
type holder struct {
	own     []string             // its roles, sorted; of a user without those of groups
	via     []via                // of a user: its roles through groups
	members map[string]struct{}  // of a group
	moved   map[string]time.Time // of a group: Okta's time of the newest event about a member, since known
	large   time.Time            // our time; until then a group's members are too many to ask for

	known   time.Time // Okta's time of what is known; zero: nothing is
	told    time.Time // Okta's time of the newest event that was about its roles
	asked   time.Time // our time of the last answer; zero: none
	certain time.Time // our time; answers before it may be older than an event
	sure    time.Time // our time; answers before it may be older than an event that told all
	due     time.Time // our time when to ask; zero: in turn
	tried   time.Time // our time of the last try
	late    bool      // an answer that is on its way is older than an event
	gone    bool      // Okta does not know it
	back    bool      // Okta refused to tell
}

const (
	// minLasts is how long a table may be used after its last refresh, at least; four refreshes if that is longer.
	minLasts = time.Hour
	// maxHolders bounds the memory of a table: as many members of groups are 3 MB, as many users that are listed 8 MB.
	maxHolders = 20_000
	// maxClients bounds the client apps that are asked about because an event showed them.
	maxClients = 1_000
)

// NewTable returns an empty table.
func NewTable() *Table {
	t := &Table{work: make(chan struct{}, 1), lasts: minLasts}
	for k := range t.holders {
		t.holders[k] = map[string]*holder{}
	}
	return t
}

// Forget has the table know nothing. It is for an org whose events go by elsewhere: what they change would be missed. No keeper may run.
func (t *Table) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := range t.holders {
		t.holders[k] = map[string]*holder{}
	}
	t.listed, t.fresh, t.full, t.touched, t.whole = time.Time{}, time.Time{}, false, nil, false
	t.shown.Store(nil)
}

// AskAgain has nobody count as asked about, as Okta is asked with other credentials from now on. What is known stays.
func (t *Table) AskAgain() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, holders := range t.holders {
		for _, h := range holders {
			h.asked = time.Time{}
		}
	}
}

// Of returns what is known of an event's parties, at now. It only reads, but leaves the keeper a note about parties of whom nothing is
// known yet.
func (t *Table) Of(ev *event.Event, now time.Time) (c event.Context) {
	s := t.shown.Load()
	if s == nil || now.After(s.until) {
		return c
	}
	var space [8]string
	targets := space[:0]
	ev.Parties(func(actor bool, kind, id string) {
		roles, known := s.of(id)
		if kind == clientType && !known || roles == Unresolved {
			t.wanted(kind, id, now)
		}
		switch {
		case roles == "":
		case actor:
			c.ActorRoles = roles
		case !slices.Contains(targets, roles):
			targets = append(targets, roles)
		}
	})
	c.TargetRoles = joined(targets)
	c.Date(ev, now)
	return c
}

// joined joins lists of roles.
func joined(lists []string) string {
	if len(lists) < 2 {
		return strings.Join(lists, "")
	}
	var all []string
	for _, list := range lists {
		all = append(all, strings.Split(list, ",")...)
	}
	return strings.Join(sorted(all), ",")
}

// clientType is the type that a client app has as an actor.
const clientType = "PublicClientApp"

// wanted notes that an event showed somebody whose roles are not known.
func (t *Table) wanted(kind, id string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.holders[user][id]
	if kind == clientType {
		if h = t.holders[client][id]; h == nil && len(t.holders[client]) < maxClients {
			h = t.add(client, id)
		}
	}
	if h != nil && h.tried.IsZero() && h.due.IsZero() {
		h.due = now
		t.signal()
	}
}

// add returns the holder of that id, a new one if need be; nil: there are too many, or it is no id. The caller holds mu.
func (t *Table) add(k kind, id string) *holder {
	h := t.holders[k][id]
	if h != nil {
		return h
	}
	if len(t.holders[user])+len(t.holders[group]) >= maxHolders {
		t.full = true
		return nil
	}
	if !management.IsID(id) {
		return nil
	}
	h = &holder{}
	t.holders[k][strings.Clone(id)] = h
	return h
}

// signal ends the keeper's pause.
func (t *Table) signal() {
	select {
	case t.work <- struct{}{}:
	default:
	}
}

// Status is what a table knows, for people and metrics.
type Status struct {
	Users, Groups, Clients int       // that hold roles, users through groups included
	Pending                int       // of whom Okta has not said yet which roles they have
	Refreshed              time.Time // last; zero: never
	Until                  time.Time // what is known is used until then
	Full                   bool      // there are more holders than are kept
}

// Status returns a snapshot.
func (t *Table) Status() (s Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.Refreshed, s.Full = t.fresh, t.full
	for _, g := range t.holders[group] {
		s.Full = s.Full || !g.large.IsZero()
	}
	read := t.shown.Load()
	if read == nil {
		return s
	}
	s.Until = read.until
	for id, roles := range read.all() {
		switch {
		case roles == "":
		case t.holders[group][id] != nil:
			s.Groups++
		case t.holders[client][id] != nil:
			s.Clients++
		default:
			s.Users++
			if roles == Unresolved {
				s.Pending++
			}
		}
	}
	return s
}
