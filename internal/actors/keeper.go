package actors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

const (
	// perMinute is how many requests a minute has on average: a quarter of the smallest bucket is 25 (see [management.Share]).
	perMinute = 24
	// burst is how many go out at once after a pause: a few users who sign in are known within the second.
	burst = 10
	// longest is how long a request may take with waiting for its budget, before another one has its turn.
	longest = 5 * time.Minute
	// retryAfter is how long after a failure Okta is asked again.
	retryAfter = time.Minute
	// slowAfter is for how long Okta may ask to slow down before that is told.
	slowAfter = 15 * time.Minute
)

// Config is one keeper's work. All fields are required but Orgs.
type Config struct {
	Org     string // names the org, for its moment
	Known   *Known
	Ask     *Ask
	Trouble management.Trouble
	Refresh time.Duration // of groups
	Orgs    int           // how many start together
}

// Keeper asks Okta for what is to be known. It belongs to the goroutine that calls Run.
type Keeper struct {
	Config
	users, groups fault
	told          time.Time     // when Okta last told of a user after it had refused to tell of another
	next          time.Time     // when groups are read
	retry         time.Duration // after how long they were read again, after failures
}

// NewKeeper returns a keeper. It does nothing until Run.
func NewKeeper(cfg Config) *Keeper {
	return &Keeper{Config: cfg}
}

// Run keeps what is known until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	k.Known.setRefresh(k.Refresh)
	if !management.Sleep(ctx, oktaapi.Moment(k.Org, oktaapi.Spread(k.Orgs, management.Apart, k.Refresh)), nil) {
		return
	}
	var paused time.Time // users are not asked about before
	for ctx.Err() == nil {
		if k.groupsAreDue() {
			k.note(ctx, &k.groups, k.readGroups(ctx))
			k.next = time.Now().Add(k.wait())
		}
		if now := time.Now(); !now.Before(paused) {
			if !k.readUsers(ctx) {
				paused = time.Now().Add(retryAfter)
			}
		}
		k.pause(ctx, paused)
	}
}

// pause waits until there is something to do.
func (k *Keeper) pause(ctx context.Context, paused time.Time) {
	wait, work := time.Hour, k.Known.work
	if left := time.Until(paused); left > 0 {
		wait, work = left, nil
	}
	if len(k.Known.names) > 0 {
		wait = min(wait, time.Until(k.next))
	}
	if due := k.Known.groupsDue(); !due.IsZero() {
		wait = min(wait, time.Until(due))
	}
	management.Sleep(ctx, wait, work)
}

func (k *Keeper) groupsAreDue() bool {
	now, due := time.Now(), k.Known.groupsDue()
	return len(k.Known.names) > 0 && (!now.Before(k.next) || !due.IsZero() && !now.Before(due))
}

// wait is how long after groups were read they are read again: after failures that may pass in a minute, and later each time, as all
// groups are read for one that fails.
func (k *Keeper) wait() time.Duration {
	if err := k.groups.err; err == nil || management.IsRefused(err) || errors.Is(err, errNames) {
		k.retry = 0
		return k.Refresh
	}
	k.retry = min(max(retryAfter, 2*k.retry), k.Refresh)
	return k.retry
}

// fault is what is wrong with users, or with groups.
type fault struct {
	err   error
	since time.Time
}

// told reports whether something is wrong that people are to know. Being asked to slow down is nothing wrong, unless it lasts.
func (f *fault) told() bool {
	return f.err != nil && (!isSlow(f.err) || time.Since(f.since) > slowAfter)
}

func isSlow(err error) bool {
	return oktaapi.ClassOf(err) == oktaapi.RateLimited || errors.Is(err, errSlow)
}

// errSlow is of a request that waited for long.
var errSlow = errors.New("rate limits, or what others ask of them, leave no requests, or Okta is slow")

// note notes how it went with users or groups, and reports it.
func (k *Keeper) note(ctx context.Context, f *fault, err error) {
	if ctx.Err() != nil {
		return
	}
	if f.err == nil {
		f.since = time.Now()
	}
	if !f.told() || !isSlow(err) { // else what was wrong may still be: Okta did not say
		f.err = err
	}
	switch {
	case k.users.told():
		k.Trouble.Fail(ScopeUsers, k.users.err)
	case k.groups.told():
		k.Trouble.Fail(ScopeGroups, k.groups.err)
	default:
		k.Trouble.Clear()
	}
}

// ask makes one request when its turn has come.
func (k *Keeper) ask(ctx context.Context, request func(ctx context.Context) error) error {
	if err := k.Known.limit.Wait(ctx); err != nil {
		return err
	}
	limited, stop := context.WithTimeout(ctx, longest)
	defer stop()
	err := request(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return fmt.Errorf("no answer within %s: %w", longest, errSlow)
	}
	return err
}

// readUsers asks about those who wait, until groups are due. It returns false when that failed for all.
func (k *Keeper) readUsers(ctx context.Context) bool {
	for !k.groupsAreDue() {
		id := k.Known.next(time.Now())
		if id == "" {
			k.note(ctx, &k.users, nil) // ends what a keeper before this one told, too
			return true
		}
		err := k.readUser(ctx, id)
		if err != nil || k.users.err != nil {
			k.note(ctx, &k.users, err)
		}
		if err != nil {
			return false
		}
	}
	return true
}

// readUser asks about the user that next returned. An error concerns all.
func (k *Keeper) readUser(ctx context.Context, id string) error {
	var values []string
	err := k.ask(ctx, func(ctx context.Context) (err error) {
		values, err = k.Ask.profile(ctx, id, k.Known.profile)
		return err
	})
	if err == nil {
		k.Known.answered(values, time.Now())
		return nil
	}
	ofAll := err
	if ctx.Err() == nil && management.OfOne(err) {
		ofAll = k.ofAll(ctx, id, err)
	}
	if ofAll != nil || ctx.Err() != nil { // so that it is seen when all is well again, also if nobody acts
		k.Known.back()
		return ofAll
	}
	wait := retryAfter
	if management.IsRefused(err) {
		wait = k.Refresh
	}
	k.Known.refused(time.Now().Add(wait))
	return nil
}

// ofAll returns an error when what failed for a user fails for all: also for those of whom Okta told before, and for the first ones that
// it lists. Okta answers 403 E0000006 to credentials that may read no user as to those that may not read this one. Success counts for a
// minute.
func (k *Keeper) ofAll(ctx context.Context, id string, failure error) error {
	if time.Since(k.told) < retryAfter {
		return nil
	}
	err := failure
	tell := func(ids []string) {
		if len(ids) > 0 {
			err = management.OfAFew(ids, func(id string) error {
				return k.ask(ctx, func(ctx context.Context) error {
					_, err := k.Ask.profile(ctx, id, k.Known.profile)
					return err
				})
			})
		}
	}
	tell(k.Known.told(id, management.Few))
	if management.OfOne(err) {
		var listed []string
		failed := k.ask(ctx, func(ctx context.Context) (err error) {
			listed, _, err = k.Ask.users(ctx, management.Few)
			return err
		})
		if failed != nil {
			return failed
		}
		tell(listed)
	}
	if err == nil {
		k.told = time.Now()
	}
	return err
}

// errNames is of groups that were not found, or are too large: nothing to try again soon.
var errNames = errors.New("of the groups that context names")

// readGroups finds the groups and lists their members. A group that fails does not affect the others.
func (k *Keeper) readGroups(ctx context.Context) (err error) {
	k.Known.looks(time.Now())
	found, missing, failed := map[string]string{}, []string{}, 0
	for i, name := range k.Known.names {
		var ids []string
		var other string
		e := k.ask(ctx, func(ctx context.Context) (err error) {
			ids, other, err = k.Ask.named(ctx, name)
			return err
		})
		switch {
		case e == nil && len(ids) == 0:
			missing = append(missing, missed(name, other))
		case e == nil:
		case ctx.Err() != nil, !management.OfOne(e):
			return fmt.Errorf("group %q: %w", name, e)
		default:
			if failed++; failed == 1 {
				err = fmt.Errorf("group %q: %w", name, e)
			}
			if failed == i+1 && failed >= min(management.Few, len(k.Known.names)) {
				return err
			}
			ids = k.Known.called(name)
		}
		for _, id := range ids {
			found[id] = name
		}
	}
	k.Known.found(found)
	if len(missing) > 0 && err == nil {
		err = fmt.Errorf("%w, Okta has none called %s", errNames, strings.Join(missing, ", "))
	}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		failed := k.readMembers(ctx, id)
		switch {
		case failed == nil:
			continue
		case ctx.Err() != nil, !errors.Is(failed, errNames) && !management.OfOne(failed):
			return fmt.Errorf("members of group %q: %w", found[id], failed)
		}
		err = fmt.Errorf("members of group %q: %w", found[id], failed)
	}
	return err
}

// maxPages bounds a list, whose pages Okta fills with up to 1,000 members: pages that lead to one another have no end.
const maxPages = maxMembers / 100

// readMembers lists the members of a group.
func (k *Keeper) readMembers(ctx context.Context, id string) error {
	all, at := map[string]struct{}{}, ""
	var first time.Time
	for range maxPages {
		var ids []string
		var next string
		var date time.Time
		err := k.ask(ctx, func(ctx context.Context) (err error) {
			ids, next, date, err = k.Ask.Members(ctx, id, at)
			return err
		})
		if management.StatusOf(err) == http.StatusNotFound { // it was deleted since it was found
			k.Known.gone(id)
			return nil
		}
		if err != nil {
			return err
		}
		if first.IsZero() {
			first = date
		}
		for _, id := range ids {
			all[id] = struct{}{}
		}
		if len(all) > k.Known.room(id) {
			k.Known.tooLarge(id, time.Now())
			return fmt.Errorf("%w, it has more members than there is room for: %d are kept of all groups together", errNames, maxMembers)
		}
		if next == "" || next == at {
			k.Known.listed(id, all, first, time.Now())
			return nil
		}
		at = next
	}
	return fmt.Errorf("%w, its list of members did not end after %d pages", errNames, maxPages)
}
