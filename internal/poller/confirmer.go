package poller

import (
	"context"
	"errors"
	"time"

	"github.com/grafana/alloy/okta/internal/delivery"
)

// Confirmer tells which events the destination has; reconcile.Loki is one. Find answers for all of the events or not at all. An error
// whose chain holds interface{ Refused() bool } returning true needs an operator, any other passes by itself.
type Confirmer interface {
	Find(ctx context.Context, events []delivery.Event) (map[string]bool, error)
	Unhurried(ctx context.Context) context.Context // for a Find that nobody waits for
	Selector() string                              // for messages
	// Visible is the age up to which the destination shows an event at once; 0: any age.
	Visible() time.Duration
	// Newest is the time of the newest entry that the destination shows, zero when it has none
	// as young as back. 0: as far back as one of its streams may still be open.
	Newest(ctx context.Context, back time.Duration) (time.Time, error)
	// Accepted is the age up to which the destination takes an event at all; 0: any age.
	Accepted() time.Duration
	// Empty reports that the destination has nothing at all since a time, whoever sent it; false
	// also when it does not say.
	Empty(ctx context.Context, since time.Time) bool
}

// ErrNothingArrives is the health of a poller whose Confirmer answers and finds none
// of what was delivered.
var ErrNothingArrives = errors.New("no delivered event found in Loki")
