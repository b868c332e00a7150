package roles

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// errSpent ends a round whose requests are used up.
var errSpent = errors.New("all requests of the round are used")

// take counts a request.
func (k *Keeper) take() error {
	if now := time.Now(); k.begun.IsZero() || now.Sub(k.begun) >= time.Minute {
		k.begun, k.used = now, 0
	}
	if k.used >= MaxRequests {
		return errSpent
	}
	k.used++
	return nil
}

// round asks Okta what is to be asked, as far as its requests go. An error concerns users, and so everything.
func (k *Keeper) round(ctx context.Context, refresh bool) error {
	err := k.list(ctx, &k.users, k.Ask.assignees, k.Table.assigned)
	if err == nil && k.found.under {
		if err = k.list(ctx, &k.found, k.Ask.groupsWithRoles, k.Table.foundGroups); k.isOfGroups(ctx, err) {
			k.found, err = listing{}, nil
		}
	}
	if err == nil && k.inside.under {
		err = k.members(ctx)
	}
	if err == nil {
		err = k.holders(ctx, refresh)
	}
	if errors.Is(err, errSpent) {
		return nil
	}
	return err
}

// goesOn reports whether the round ends, and the next one goes on where it ended.
func goesOn(ctx context.Context, err error) bool {
	return errors.Is(err, errSpent) || ctx.Err() != nil || err != nil && oktaapi.ClassOf(err) == oktaapi.RateLimited
}

// isOfGroups notes whether a request failed that needs ScopeGroups, without which all else works, and returns that.
func (k *Keeper) isOfGroups(ctx context.Context, err error) bool {
	if goesOn(ctx, err) {
		return false
	}
	if k.groupsErr != nil && err == nil { // those answered meanwhile have no members
		k.Table.groupsDue(time.Now(), func(_ string, g *holder) bool { return g.members == nil && len(g.own) > 0 && g.large.IsZero() })
	}
	k.groupsErr = err
	return err != nil
}

// list reads more of a list that is under way, and calls give when it is whole, or has more than a table keeps.
func (k *Keeper) list(ctx context.Context, l *listing, read reader, give func(ids map[string]struct{}, date, now time.Time)) error {
	for l.under {
		if err := k.take(); err != nil {
			return err
		}
		ids, next, date, err := read(ctx, l.next)
		if err != nil {
			return err
		}
		if l.ids == nil {
			l.ids, l.date = map[string]struct{}{}, date
		}
		for _, id := range ids {
			l.ids[id] = struct{}{}
		}
		if next == "" || next == l.next || len(l.ids) > maxHolders {
			give(l.ids, l.date, time.Now())
			*l = listing{}
			return nil
		}
		l.next = next
	}
	return nil
}

// few is how many holders in a row have to fail before all are taken to fail.
const few = management.Few

// holders asks about holders in their turn. One that fails does not affect the others.
func (k *Keeper) holders(ctx context.Context, refresh bool) error {
	var last error // nil after one that was answered
	failed := 0
	for _, w := range k.Table.turns(time.Now(), refresh) {
		if err := k.take(); err != nil {
			return err
		}
		due := k.Table.tries(w, time.Now())
		answer, err := k.Ask.roles(ctx, w.kind, w.id)
		switch refused := management.IsRefused(err); {
		case err == nil:
			failed, last, k.answered = 0, nil, true
		case ctx.Err() != nil || !management.OfOne(err):
			k.Table.retry(w, due)
			return err
		default:
			if refused {
				k.Table.putBack(w, time.Now())
			} else {
				k.Table.retry(w, time.Now().Add(roundEvery))
			}
			if failed, last = failed+1, err; failed >= few && (!k.answered || !refused) {
				return err
			}
			continue
		}
		k.Table.answered(w, answer, time.Now())
		if w.kind != group || k.groupsErr != nil || !k.Table.wantsMembers(w.id, time.Now()) {
			continue
		}
		k.inside = inside{id: w.id, listing: listing{under: true}}
		if err := k.members(ctx); err != nil {
			return err
		}
	}
	if k.answered {
		return nil
	}
	return last // all that there are failed
}

// inside is the list of a group's members.
type inside struct {
	listing
	id string
}

// without is a group whose members are not known.
type without struct {
	err   error
	since time.Time
}

// errTooLarge ends the list of members of a group that has more than a table keeps.
var errTooLarge = errors.New("the group has too many members")

// members reads more of the lists of groups' members. A failure concerns one group, and the others go on; an error is returned only when
// the round ends with it.
func (k *Keeper) members(ctx context.Context) error {
	id, room := k.inside.id, k.Table.room(k.inside.id)
	err := k.list(ctx, &k.inside.listing, func(ctx context.Context, at string) ([]string, string, time.Time, error) {
		ids, next, date, err := k.Ask.Members(ctx, id, at)
		if err == nil && len(k.inside.ids)+len(ids) > room {
			err = errTooLarge
		}
		return ids, next, date, err
	}, func(ids map[string]struct{}, date, _ time.Time) { k.Table.hasMembers(id, ids, date) })
	now := time.Now()
	switch {
	case goesOn(ctx, err):
		return err
	case err == nil:
		delete(k.without, id)
		return nil
	case errors.Is(err, errTooLarge):
		delete(k.without, id)
		k.Table.tooLarge(id, now.Add(groupsEvery))
	case management.StatusOf(err) == http.StatusNotFound:
		k.Table.answered(turn{group, id}, held{gone: true}, now)
	default:
		if k.without == nil {
			k.without = map[string]without{}
		}
		since := k.without[id].since
		if since.IsZero() {
			since = now
		}
		k.without[id] = without{err, since}
		if !k.without[id].needsScope() {
			k.Table.retry(turn{group, id}, now.Add(roundEvery))
		}
	}
	k.inside = inside{}
	return nil
}

// needsScope reports whether [ScopeGroups] may be missing.
func (w without) needsScope() bool {
	return management.StatusOf(w.err) == http.StatusUnauthorized || management.StatusOf(w.err) == http.StatusForbidden
}

// ofGroups is what is wrong with groups or their members, or that there are more holders than are kept; a transient error counts only after
// two refreshes.
func (k *Keeper) ofGroups() error {
	if k.groupsErr != nil {
		return k.groupsErr
	}
	for _, id := range slices.Sorted(maps.Keys(k.without)) {
		switch w := k.without[id]; {
		case !k.Table.wantsMembers(id, time.Now()):
			delete(k.without, id)
		case w.needsScope() || time.Since(w.since) > 2*k.Refresh:
			return fmt.Errorf("members of group %s: %w", id, w.err)
		}
	}
	if id := k.Table.largest(); id != "" {
		return fmt.Errorf("group %s has too many members, of which %d are kept in all groups together: they have no roles of it", id, maxHolders)
	}
	if k.Table.overflows() {
		return fmt.Errorf("more than %d hold roles, members of groups included: those beyond are not known", maxHolders)
	}
	return nil
}
