package roles

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

const (
	// DefaultRefresh is how often a table is refreshed. Roles change by events meanwhile.
	DefaultRefresh = 15 * time.Minute
	// MinRefresh is the least: a round takes up to a minute.
	MinRefresh = time.Minute
	// MaxRefresh is the most.
	MaxRefresh = 24 * time.Hour
	// MaxRequests is what a round, and any minute, asks at most: less than half of the smallest bucket (100 a minute, see [management.Share]).
	MaxRequests = 36
	// roundEvery is how long after a round the next one begins, while some holder has not been asked about, or after a transient error.
	roundEvery = time.Minute
	// groupsEvery is how often all groups are looked through for those with roles; that a group gets roles is known by an event.
	groupsEvery = 24 * time.Hour
	// clientsEvery is how often Okta is asked which roles a client app has; a change is known by an event.
	clientsEvery = 24 * time.Hour
)

// Config is one keeper's work. All fields are required but Orgs.
type Config struct {
	Org     string // names the org, for its moment
	Table   *Table
	Ask     *Ask
	Trouble management.Trouble
	Refresh time.Duration
	Orgs    int // how many start together
}

// spread is over how long the first refreshes of all orgs are spread. Each makes some ten requests, and [MaxRequests] at most.
func (c *Config) spread() time.Duration { return oktaapi.Spread(c.Orgs, management.Apart, c.Refresh) }

// Keeper refreshes a table. It belongs to the goroutine that calls Run.
type Keeper struct {
	Config
	users, found listing // assignees; groups with roles
	looked       time.Time
	inside       inside
	without      map[string]without // by group
	answered     bool               // a request about a holder was, since the last refresh began
	groupsErr    error              // of the last list of groups
	begun        time.Time
	started      time.Time
	used         int // requests since begun, of a minute

	mu   sync.Mutex // held while something is reported
	told bool       // what was reported last is a failure, and not that Okta asked to slow down
}

// listing is a list that is read page by page, in several rounds if need be.
type listing struct {
	next  string
	ids   map[string]struct{}
	date  time.Time // of the first page
	under bool      // way
}

// reader reads the page of a list at an address, "" for the first; next is the one behind it, "" for none.
type reader func(ctx context.Context, at string) (ids []string, next string, date time.Time, err error)

// New returns a keeper. It does nothing until Run.
func New(cfg Config) *Keeper { return &Keeper{Config: cfg} }

// Run keeps the table until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	k.Table.setRefresh(k.Refresh)
	if !management.Sleep(ctx, oktaapi.Moment(k.Org, k.spread()), nil) {
		return
	}
	k.started = time.Now()
	var watching sync.WaitGroup
	watching.Go(func() { k.watch(ctx) })
	defer watching.Wait()
	defer func() {
		// The next keeper asks at once for groups whose members are not known: their turn may be hours away, and it knows of no trouble.
		k.Table.groupsDue(time.Now(), func(id string, _ *holder) bool {
			_, failed := k.without[id]
			return failed || k.inside.under && id == k.inside.id
		})
	}()
	var next time.Time // refresh
	for {
		now := time.Now()
		refresh := !now.Before(next)
		if refresh {
			next, k.answered = now.Add(k.Refresh), false
			k.users = listing{under: true}
			if k.groupsErr != nil || now.Sub(k.looked) >= groupsEvery {
				k.found, k.looked = listing{under: true}, now
			}
		}
		err := k.round(ctx, refresh)
		if ctx.Err() != nil {
			return
		}
		k.tell(err)
		if !k.pause(ctx, time.Now().Add(k.nextRound(err, time.Until(next))), err == nil) {
			return
		}
	}
}

// pause waits for a time or, with forEvents, until an event asks for a request, but at least until a minute has requests left. It returns
// false when ctx ends.
func (k *Keeper) pause(ctx context.Context, end time.Time, forEvents bool) bool {
	for {
		wait := time.Until(end)
		if due := k.Table.due(); forEvents && !due.IsZero() {
			wait = min(wait, time.Until(due))
		}
		if k.used >= MaxRequests {
			wait = max(wait, time.Until(k.begun.Add(time.Minute)))
		}
		if wait <= 0 {
			return ctx.Err() == nil
		}
		if !management.Sleep(ctx, wait, k.Table.work) {
			return false
		}
	}
}

// tell reports what is wrong. That Okta asks to slow down is nothing wrong, unless it lasts.
func (k *Keeper) tell(err error) {
	ofGroups := k.ofGroups()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = err != nil && oktaapi.ClassOf(err) != oktaapi.RateLimited
	old := k.old()
	switch {
	case k.told:
		k.Trouble.Fail(ScopeRoles, err)
	case old != nil:
		k.Trouble.Fail(ScopeRoles, old)
	case err != nil:
	case ofGroups != nil:
		k.Trouble.Fail(ScopeGroups, ofGroups)
	default:
		k.Trouble.Clear()
	}
}

// old returns an error when the last whole list is too old, whatever the reason. It is after two refreshes, as then one has failed.
func (k *Keeper) old() error {
	age := min(time.Since(k.started), time.Since(k.Table.Status().Refreshed))
	if age <= 2*k.Refresh {
		return nil
	}
	return fmt.Errorf("the list of who holds roles was not read to its end since %s: Okta's rate limits, or what others ask of them, leave "+
		"no requests", time.Now().Add(-age).UTC().Format(time.RFC3339))
}

// watch reports that the list is too old also while a request waits for its budget.
func (k *Keeper) watch(ctx context.Context) {
	for management.Sleep(ctx, roundEvery, nil) {
		k.mu.Lock()
		if old := k.old(); old != nil && !k.told {
			k.Trouble.Fail(ScopeRoles, old)
		}
		k.mu.Unlock()
	}
}

// nextRound is in how long the next round begins; the next refresh is due in rest.
func (k *Keeper) nextRound(err error, rest time.Duration) time.Duration {
	switch class := oktaapi.ClassOf(err); {
	case err == nil && (k.users.under || k.found.under || k.inside.under || k.Table.Status().Pending > 0):
		return min(roundEvery, rest)
	case err == nil:
		return rest
	case class == oktaapi.Refused, class == oktaapi.CursorRefused: // somebody has to change something
		k.users = listing{under: true}
		return max(roundEvery, rest)
	case class != oktaapi.RateLimited: // else the budget waits, and reading the list goes on where it is
		k.users = listing{under: true} // a list that was broken off is read from its beginning
	}
	return roundEvery
}
