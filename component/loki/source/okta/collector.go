package okta

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-kit/log"

	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/takeover"
)

// collector collects one org. It outlives reloads, so that what changes for another org is nothing to it. Its methods but run are safe
// for concurrent use; run belongs to the component's Run.
type collector struct {
	c       *Component
	logger  log.Logger
	metrics *poller.Metrics
	status  poller.Status
	seat    *takeover.Seat
	wakes   *poller.Wakes

	job      atomic.Pointer[job]
	replaced chan struct{} // holds a token when job was replaced

	start     takeover.Start // what the first poller begins with; run's alone, as are those that follow
	readings  []reading      // the last ones: the log's, and a range's beside it
	underWay  bool           // something was when Drain returned
	partly    partly
	sendingTo atomic.Int32 // index in forward_to
}

// reading is a poller, and whose memory it has.
type reading struct {
	*poller.Poller
	owner poller.Owner
}

func newCollector(c *Component, org *url.URL) *collector {
	k := &collector{
		c: c, logger: log.With(c.logger, "org", org.Host), metrics: c.metrics.Of(org.Host), replaced: make(chan struct{}, 1),
		wakes: poller.NewWakes(),
	}
	k.seat = c.exchange.Seat(org.String(), k.secret)
	return k
}

// collects reports whether the collector does what args say already.
func (k *collector) collects(args Arguments) bool {
	j := k.job.Load()
	return j != nil && reflect.DeepEqual(j.args, args)
}

// replace sets what to do from now on. It never waits for the poller: a send that may be blocked ends with the poller's context.
func (k *collector) replace(j *job) {
	if before := k.job.Load(); before != nil {
		for _, f := range j.fills {
			for _, had := range before.fills {
				if had.id() == f.id() {
					f.status = had.status
				}
			}
		}
	}
	k.job.Store(j)
	select {
	case k.replaced <- struct{}{}:
	default:
	}
}

// run keeps a poller running until ctx ends, while the org is this node's.
func (k *collector) run(ctx context.Context) { k.seat.Run(ctx, k) }

// Read implements takeover.Reader: it keeps a poller running, and replaces it when the job is.
func (k *collector) Read(ctx context.Context, start takeover.Start) {
	k.start, k.underWay = start, false
	if start.Others { // what this process knew, before it lost the org by a reload for instance, is older than the journal
		k.forget()
	}
	for ctx.Err() == nil {
		select { // a replacement before this point is already in job
		case <-k.replaced:
		default:
		}
		if err := k.poll(ctx); errors.Is(err, poller.ErrNotOwned) {
			return
		}
	}
}

// forget drops what the process knows of the org's log.
func (k *collector) forget() {
	j := k.job.Load()
	owners := []poller.Owner{j.owner(k.c.opts.DataPath)}
	for _, f := range j.fills {
		owners = append(owners, f.owner(k, j))
	}
	for _, o := range owners {
		memory := memories.Take(o)
		memory.Forget()
		memories.Release(memory)
	}
}

// poll runs one poller until ctx ends, the job is replaced, or another node is found to read the org. It waits for the poller, so that
// two never run at once.
func (k *collector) poll(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j := k.job.Load()
	owner := j.owner(k.c.opts.DataPath)
	memory := memories.Take(owner)
	defer memories.Release(memory)
	live := j.poller(k, memory)
	k.readings = []reading{{live, owner}}
	var running sync.WaitGroup
	if !j.args.readsOnce {
		running.Go(func() {
			if err = live.Run(ctx); errors.Is(err, poller.ErrNotOwned) {
				cancel()
			}
		})
	}
	running.Go(func() { k.fillAll(ctx, j) })
	select {
	case <-ctx.Done():
	case <-k.replaced:
	}
	cancel()
	running.Wait()
	return err
}

// Drain implements takeover.Reader.
func (k *collector) Drain(ctx context.Context) {
	var draining sync.WaitGroup
	var underWay atomic.Bool
	for _, r := range k.readings {
		draining.Go(func() {
			memory := memories.Take(r.owner)
			defer memories.Release(memory)
			if r.Memory != memory { // a component of another name goes on from it
				return
			}
			r.Drain(ctx)
			if r.UnderWay() {
				underWay.Store(true)
			}
			memory.Forget()
		})
	}
	draining.Wait()
	k.underWay = underWay.Load()
}

// UnderWay implements takeover.Reader.
func (k *collector) UnderWay() bool {
	return k.underWay || slices.ContainsFunc(k.readings, func(r reading) bool { return r.UnderWay() })
}

// snapshot is the poller's state, with the name of the receiver that takes an entry.
func (k *collector) snapshot() (*job, poller.Snapshot) {
	j, s := k.job.Load(), k.status.Snapshot()
	s.Receiver = sink{receivers: j.args.ForwardTo, current: &k.sendingTo}.receiver()
	return j, s
}
