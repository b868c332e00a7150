package okta

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/service/livedebugging"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
)

// What outlives a component belongs to the process, not to an Alloy. A process may have several Alloys: flowcmd and alloyengine start Alloy
// inside another program. A service of Alloy would give each its own, and would need a line in every program that starts an Alloy. Here
// each variable says what its entries are kept by, and two Alloys share only what has one owner outside of both.
var (
	// budgets are by org: Okta's limit is for the org, whoever asks, so two Alloys that read one org must not each take a share of it.
	budgets oktaapi.Budgets
	// slots bound the pages in memory, which is the process's: a page takes some 3 MB.
	slots = oktaapi.NewSlots(8)
	// memories are by data path and org, or else by Alloy (see [alloyOf]), org and destination. They outlive components, so that one that
	// is renamed, or removed and added again, neither repeats nor skips events.
	memories poller.Memories
)

// alloyOf names the Alloy that opts come from, among those of the process. A component of one Alloy must neither take the memory of
// another's, as it would of a component that was renamed, nor wait for it. Each Alloy has services of its own, whose data stays the same
// for as long as it runs.
func alloyOf(opts component.Options) string {
	data, _ := service[any](opts, livedebugging.ServiceName)
	if data == nil {
		return ""
	}
	return fmt.Sprintf("%p\n", data)
}

// service returns the data of one of Alloy's services as a T; zero: it has none, as in unit tests.
func service[T any](opts component.Options, name string) (data T, err error) {
	if opts.GetServiceData == nil {
		return data, nil
	}
	found, err := opts.GetServiceData(name)
	data, _ = found.(T)
	return data, err
}

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
		select {
		case <-ctx.Done():
			c.held.Store(nil)
			return func() {}
		case <-time.After(heldRetry):
		}
	}
}

// heldBack is why nothing is read while another process has the data path; fine: it has not.
func (c *Component) heldBack() condition {
	h := c.held.Load()
	if h == nil {
		return condition{}
	}
	return condition{
		is: missing, since: h.since,
		state: "waiting for the data path", message: h.Error() + "; nothing is read until it ends: give each process a --storage.path of its own",
	}
}
