package management

import (
	"context"
	"time"
)

// ScopeGroups is the scope that requests about groups need. Source: Okta's OpenAPI document, 2026.06.3.
const ScopeGroups = "okta.groups.read"

// Apart is the average time between the first requests of orgs that start together, which is also that between later ones.
const Apart = 200 * time.Millisecond

// CertainAfter is how long after an event Okta is asked whether it is as the event said. Okta's searches and lists are behind by minutes in
// the worst case; a holder's own roles are read from where they are written [assumed].
const CertainAfter = time.Minute

// Trouble is where those who ask report what is wrong, and that all is well. Its methods must not block.
type Trouble interface {
	// Fail reports a failed request. With [ScopeGroups], only groups are concerned: all else is known, or not wanted.
	Fail(scope string, err error)
	Clear()
}

// Sleep waits for d, a token of work, or the end of ctx; for the last it returns false.
func Sleep(ctx context.Context, d time.Duration, work <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-work:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
