package verify

import (
	"context"
	"fmt"
	"time"
)

// Repairable returns why missing events must not be delivered now, as Loki might get them twice; nil: they can be. The report is that of a
// run with cfg.
func (r *Report) Repairable(ctx context.Context, cfg Config) error {
	_, last, ok := r.Extent(Missing)
	if !ok {
		return nil
	}
	if !r.Clear.IsZero() {
		idle := r.Clear.Add(-flushed)
		return fmt.Errorf("%s: nothing was repaired: Loki may hide what was delivered within %s (query_ingesters_within), which would come "+
			"twice; if nothing of the range is delivered from now on, give the command again after %s with --idle-since %s",
			r.Org, flushed, second(r.Clear.Add(time.Second)), second(idle))
	}
	newest, err := cfg.Loki.Newest(ctx, time.Since(cfg.Since))
	switch {
	case err != nil:
		return fmt.Errorf("%s: nothing was repaired: %w", r.Org, err)
	case !newest.Before(last), !r.Kept.After(last): // the collector has read past it, or nothing shows how far it has read
		return nil
	case newest.IsZero() && cfg.IdleSince.IsZero():
		return fmt.Errorf("%s: nothing was repaired: the live log has no entry in Loki since %s, so a collector may be about to deliver what is "+
			"missing; if none is, say so with --idle-since", r.Org, second(cfg.Since))
	case newest.IsZero():
		return nil
	}
	return fmt.Errorf("%s: nothing was repaired: the collector has got to %s only, and what is missing reaches to %s: "+
		"wait until it is past that", r.Org, second(newest), second(last))
}

func second(t time.Time) string { return t.UTC().Format(time.RFC3339) }
