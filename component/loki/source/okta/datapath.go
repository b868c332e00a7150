package okta

import (
	"context"
	"errors"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
)

// heldRetry is the time between two attempts at a data path that another process has.
const heldRetry = time.Second

// held is a data path that another process has.
type held struct {
	*checkpoint.HeldError
	since time.Time // when that was found
}

// hold waits until no other process has the data path, as two would overwrite each other's cursors, or until ctx ends. What it returns
// gives the data path back.
func (c *Component) hold(ctx context.Context) (release func()) {
	for begin := time.Now(); ; {
		lock, err := checkpoint.Acquire(c.opts.DataPath)
		other, isHeld := errors.AsType[*checkpoint.HeldError](err)
		switch had := c.held.Load(); {
		case isHeld && had == nil:
			level.Error(c.logger).Log("msg", "another process uses the data path, nothing is read until it ends", "err", other)
		case err == nil && had != nil:
			level.Info(c.logger).Log("msg", "the data path is this process's now", "waited", time.Since(begin).Round(time.Second))
		case err != nil && !isHeld:
			level.Warn(c.logger).Log("msg", "the data path cannot be locked; make sure that no other process uses it", "path", c.opts.DataPath,
				"err", err)
		}
		if !isHeld {
			c.held.Store(nil)
			c.writes.Store(true)
			c.accepted()
			return func() {
				c.writes.Store(false)
				if lock != nil {
					lock.Release()
				}
			}
		}
		c.held.Store(&held{other, begin})
		t := time.NewTimer(heldRetry)
		select {
		case <-ctx.Done():
			t.Stop()
			c.held.Store(nil)
			return func() {}
		case <-t.C:
		}
	}
}

// heldBack is why nothing is read while another process has the data path.
func (c *Component) heldBack() (condition, bool) {
	h := c.held.Load()
	if h == nil {
		return condition{}, false
	}
	return condition{
		unhealthy: true, elsewhere: true, unread: true, since: h.since,
		state: "waiting for the data path", message: h.Error() + "; nothing is read until it ends: give each process a --storage.path of its own",
	}, true
}
