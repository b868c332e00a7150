package okta

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/go-kit/log"

	"github.com/grafana/alloy/okta/internal/poller"
)

// collector collects one org. It outlives reloads, so that what changes for another org is nothing to it. Its methods but run are safe
// for concurrent use; run belongs to the component's Run.
type collector struct {
	c       *Component
	logger  log.Logger
	metrics *poller.Metrics
	status  poller.Status
	wakes   *poller.Wakes

	job      atomic.Pointer[job]
	replaced chan struct{} // holds a token when job was replaced

	partly    partly       // run's alone
	sendingTo atomic.Int32 // index in forward_to
}

func newCollector(c *Component, host string) *collector {
	return &collector{
		c: c, logger: log.With(c.logger, "org", host), metrics: c.metrics.Of(host), replaced: make(chan struct{}, 1),
		wakes: poller.NewWakes(),
	}
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

// run keeps a poller running until ctx ends, and replaces it when the job is.
func (k *collector) run(ctx context.Context) {
	for ctx.Err() == nil {
		select { // a replacement before this point is already in job
		case <-k.replaced:
		default:
		}
		k.poll(ctx)
	}
}

// poll runs one poller until ctx ends or the job is replaced. It waits for the poller, so that two never run at once.
func (k *collector) poll(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j := k.job.Load()
	memory := memories.Take(j.owner(k.c.opts.DataPath))
	defer memories.Release(memory)
	p := j.poller(k, memory)
	var running sync.WaitGroup
	running.Go(func() { _ = p.Run(ctx) }) // the context's error, always
	running.Go(func() { k.fillAll(ctx, j) })
	select {
	case <-ctx.Done():
	case <-k.replaced:
	}
	cancel()
	running.Wait()
}

// snapshot is the poller's state, with the name of the receiver that takes an entry.
func (k *collector) snapshot() (*job, poller.Snapshot) {
	j, s := k.job.Load(), k.status.Snapshot()
	s.Receiver = sink{receivers: j.args.ForwardTo, current: &k.sendingTo}.receiver()
	return j, s
}
