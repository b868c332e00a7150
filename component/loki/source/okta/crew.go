package okta

import "context"

// crew are the readings that run, each in a goroutine of its own. It is not safe for concurrent use.
type crew map[*reading]work

// work is how one of them is stopped, and how to see that it has ended.
type work struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// keep stops the readings that are not wanted, all at once, waits until they have ended, and then starts those that are missing. It waits
// because a reading that comes back must not run beside its old self, on the same cursor. When ctx has ended, none is wanted, and keep
// returns false.
func (c crew) keep(ctx context.Context, wanted []*reading) bool {
	if ctx.Err() != nil {
		wanted = nil
	}
	stays := make(map[*reading]bool, len(wanted))
	for _, r := range wanted {
		stays[r] = true
	}
	var stopping []work
	for r, w := range c {
		if !stays[r] {
			w.cancel()
			stopping = append(stopping, w)
			delete(c, r)
		}
	}
	for _, w := range stopping {
		<-w.done
	}
	if ctx.Err() != nil && len(c) == 0 {
		return false
	}
	for _, r := range wanted {
		if _, runs := c[r]; runs {
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		w := work{cancel, make(chan struct{})}
		go func() { defer close(w.done); r.run(ctx) }()
		c[r] = w
	}
	return true
}

// signal puts a token into a channel that holds one, unless it is there.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
