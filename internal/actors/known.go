package actors

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

const (
	// fresh is after how long Okta is asked once more about a user: at [perMinute], that of [maxUsers] takes seven hours.
	fresh = 12 * time.Hour
	// lasts is how long an answer is used.
	lasts = 2 * fresh
	// maxUsers bounds how many profiles are kept, and maxBytes what they take together, so that 500 orgs of some hundred users each are
	// some tens of MB (see the package's test), and one large org 4 MiB.
	maxUsers = 10_000
	maxBytes = 4 << 20
	// costOfUser is what a user takes beside the values: the id, twice a pointer and an entry of a map, and what the cache knows of its age.
	costOfUser = 256
	// maxQueue is how many users wait to be asked about, some eight minutes of requests: who acts now will rather act again soon than who
	// did an hour ago.
	maxQueue = 200
	// maxChanged is of how many users it is remembered that they changed a moment ago, also of those of whom nothing is known: more do in a
	// mass import, but few of those act in the same minute.
	maxChanged = 1_000
	// MaxGroups is how many groups may be named, as each is searched for and listed at each refresh.
	MaxGroups = 10
	// maxMembers bounds the members of all groups together: 20,000 are 3 MB, and 20 requests.
	maxMembers = 20_000
	// minGroupsLast is how long members are used after their last list, at least; four refreshes if that is longer.
	minGroupsLast = time.Hour
)

// Known is what is known of the users of one org. It is safe for concurrent use, and outlives reloads.
type Known struct {
	profile []string      // attributes
	names   []string      // of groups, sorted
	work    chan struct{} // holds a token when there is something to ask for
	limit   *rate.Limiter // of requests, those of the keepers before a reload included

	mu      sync.Mutex
	users   *simplelru.LRU[string, *user]
	bytes   int                               // of users, about
	unseen  []string                          // attributes that no profile had since all was forgotten; nil: Okta answered about nobody
	changed *simplelru.LRU[string, time.Time] // until when answers about a user may be older than an event
	queue   []string
	queued  map[string]struct{}
	asking  string    // who is being asked about
	began   time.Time // when that began

	groups     map[string]*group // by id
	groupsLast time.Duration
	due        time.Time // when to look for groups because of an event; zero: at the next refresh
	certain    time.Time // Okta knows by then of all events that groups were to be looked for because of
	sought     bool      // it is known which groups there are
}

// user is what Okta said of a user. It is replaced as a whole, but for the time when to ask again.
type user struct {
	values  []string  // of the attributes; nil: there are none, or Okta does not know the user
	asked   time.Time // zero: Okta refused to tell
	retryAt time.Time // ask once more after it
}

// New returns what is known at first: nothing. The attributes are those of [event.New], in their order.
func New(profile, groups []string) *Known {
	k := &Known{profile: profile, names: slices.Sorted(slices.Values(groups)), work: make(chan struct{}, 1), groupsLast: minGroupsLast,
		limit: rate.NewLimiter(rate.Every(time.Minute/perMinute), burst)}
	k.Forget()
	return k
}

// IsOf reports whether these attributes and groups are what it is about.
func (k *Known) IsOf(profile, groups []string) bool {
	return slices.Equal(k.profile, profile) && slices.Equal(k.names, slices.Sorted(slices.Values(groups)))
}

// Forget has nothing known. It is for an org whose events go by elsewhere: what they change would be missed. No keeper may run.
func (k *Known) Forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.users, _ = simplelru.NewLRU(maxUsers, func(id string, u *user) { k.bytes -= u.cost() }) // an error is of a size below 1
	k.changed, _ = simplelru.NewLRU[string, time.Time](maxChanged, nil)
	k.bytes, k.queue, k.queued, k.asking, k.unseen = 0, nil, map[string]struct{}{}, "", nil
	k.groups, k.due, k.certain, k.sought = map[string]*group{}, time.Time{}, time.Time{}, false
}

// AskAgain has Okta asked about those of whom nothing is known at their next event, as it is asked with other credentials from now on.
func (k *Known) AskAgain() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, u := range k.users.Values() {
		if u.values == nil {
			u.retryAt = time.Time{}
		}
	}
}

// Add adds what is known of an event's actor, at now.
func (k *Known) Add(c *event.Context, ev *event.Event, now time.Time) {
	kind, id := ev.Actor()
	if kind != userType || !management.IsID(id) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	c.ActorGroups = k.groupsOf(id, now)
	if len(k.profile) > 0 {
		c.Profile = k.profileOf(id, now)
	}
	c.Date(ev, now)
}

// profileOf is what is known of a user's profile, and has Okta asked if that is due. The caller holds mu.
func (k *Known) profileOf(id string, now time.Time) []string {
	u, known := k.users.Get(id)
	if !known || !now.Before(u.retryAt) {
		k.want(id)
	}
	if !known || now.Sub(u.asked) >= lasts {
		return nil
	}
	return u.values
}

// want has Okta asked about a user, unless too many wait. The caller holds mu.
func (k *Known) want(id string) {
	if _, waits := k.queued[id]; waits || id == k.asking || len(k.queue) >= maxQueue {
		return
	}
	id = strings.Clone(id)
	k.queue, k.queued[id] = append(k.queue, id), struct{}{}
	k.signal()
}

// signal ends the keeper's pause.
func (k *Known) signal() {
	select {
	case k.work <- struct{}{}:
	default:
	}
}

// next returns who is to be asked about; "": nobody. Then answered, refused or back is to be called.
func (k *Known) next(now time.Time) (id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) == 0 {
		return ""
	}
	id, k.queue = k.queue[0], k.queue[1:]
	delete(k.queued, id)
	k.asking, k.began = id, now
	return id
}

// answered takes what Okta says of the user that next returned; nil: it does not know the user, or the profile has nothing.
func (k *Known) answered(values []string, now time.Time) {
	k.set(func(u *user) { *u = user{values: values, asked: now, retryAt: now.Add(fresh)} })
}

// refused notes that Okta refused to tell of the user that next returned, who is not asked about before again. What was known stays.
func (k *Known) refused(retryAt time.Time) {
	k.set(func(u *user) { u.retryAt = retryAt })
}

// set changes what is known of the user that next returned.
func (k *Known) set(change func(u *user)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := k.asking
	k.asking = ""
	if id == "" { // all was forgotten meanwhile
		return
	}
	var u user
	if before, known := k.users.Peek(id); known {
		u = *before
	}
	change(&u)
	k.users.Remove(id)
	if !u.asked.IsZero() && k.unseen == nil {
		k.unseen = slices.Clone(k.profile)
	}
	k.unseen = slices.DeleteFunc(k.unseen, func(name string) bool {
		i := slices.Index(k.profile, name)
		return i < len(u.values) && u.values[i] != ""
	})
	if certain, is := k.changed.Peek(id); is && k.began.Before(certain) {
		u.retryAt = certain
	}
	k.users.Add(id, &u)
	for k.bytes += u.cost(); k.bytes > maxBytes; {
		k.users.RemoveOldest()
	}
}

// told are at most n users of whom Okta told something, without the one of id. Who acted last comes first.
func (k *Known) told(id string, n int) (ids []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, other := range slices.Backward(k.users.Keys()) {
		if u, _ := k.users.Peek(other); u.values != nil && other != id && len(ids) < n {
			ids = append(ids, other)
		}
	}
	return ids
}

// back has the user that next returned wait again, after the others: what it failed for may be of this one.
func (k *Known) back() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id := k.asking; id != "" {
		k.queue, k.queued[id] = append(k.queue, id), struct{}{}
	}
	k.asking = ""
}

// cost is what a user takes of memory, about.
func (u *user) cost() int {
	n := costOfUser
	for _, value := range u.values {
		n += 16 + len(value)
	}
	return n
}

// Status is what is known, for people and metrics.
type Status struct {
	Profiles  int       // users of whom Okta was asked
	Unseen    []string  // attributes that no profile had so far; nil: Okta answered about nobody yet
	Waiting   int       // to be asked about
	Groups    int       // named groups that were found
	Members   int       // of all of them together
	Refreshed time.Time // when all of a group's members were read last, of the group that waits longest; zero: never, or no groups
}

// Status returns a snapshot.
func (k *Known) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Status{Profiles: k.users.Len(), Waiting: len(k.queue), Groups: len(k.groups), Unseen: slices.Clone(k.unseen)}
	first := true
	for _, g := range k.groups {
		s.Members += len(g.members)
		if first || g.listed.Before(s.Refreshed) {
			s.Refreshed, first = g.listed, false
		}
	}
	return s
}
