package okta

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/poller"
)

const (
	// settled is how old the end of a range must be: Okta persists almost all events within seconds, and a bounded request may miss
	// those that are late. Source: Okta, "System Log query", polling and bounded requests.
	settled = time.Hour
	// backfillLabel makes streams of their own, in which the range is in order: Loki refuses what is an hour behind the newest entry
	// of its stream.
	backfillLabel = "backfill"
)

// Backfill is a range of the log that is read once, beside live polling and behind it in the request budget.
type Backfill struct {
	Since          string            `alloy:"since,attr"` // RFC 3339, or a day; inclusive
	Until          string            `alloy:"until,attr"` // exclusive
	Labels         map[string]string `alloy:"labels,attr,optional"`
	RateLimitShare float64           `alloy:"rate_limit_share,attr,optional"`
}

// span returns the range.
func (b *Backfill) span() (since, until time.Time, err error) {
	if since, err = moment("since", b.Since); err != nil {
		return since, until, err
	}
	until, err = moment("until", b.Until)
	return since, until, err
}

func moment(name, text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is %q: it must be a time such as %q, or a day such as %q (UTC)",
		name, text, "2026-09-01T00:00:00Z", "2026-09-01")
}

// name is the range in words, for messages and as the value of the label backfill.
func (b *Backfill) name() string {
	since, until, err := b.span()
	if err != nil {
		return b.Since + "/" + b.Until
	}
	short := func(t time.Time) string { return strings.TrimSuffix(t.Format(time.RFC3339), "T00:00:00Z") }
	return short(since) + "/" + short(until)
}

// labels are what the entries of the range have beside the others: at least one that live entries have not.
func (b *Backfill) labels() map[string]string {
	if len(b.Labels) > 0 {
		return b.Labels
	}
	return map[string]string{backfillLabel: b.name()}
}

// id names the folder of the range's cursor. Another range or other labels are another back-fill.
func (b *Backfill) id() string {
	h := fnv.New32a()
	all := b.labels()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(h, "%s=%q ", name, all[name])
	}
	since, until, _ := b.span()
	return fmt.Sprintf("backfill-%s-%s-%08x", since.Format("20060102T150405Z"), until.Format("20060102T150405Z"), h.Sum32())
}

// validateBackfills checks what does not depend on whether a range was begun.
func (args *Arguments) validateBackfills(now time.Time) error {
	ranges := map[string]bool{}
	for i := range args.Backfills {
		b := &args.Backfills[i]
		since, until, err := b.span()
		switch share := b.RateLimitShare; {
		case err != nil:
			return fmt.Errorf("backfill > %w", err)
		case !since.Before(until):
			return fmt.Errorf("backfill > since is %s: it must be before until, %s", b.Since, b.Until)
		case now.Sub(until) < settled:
			return fmt.Errorf("backfill > until is %s: it must be at least %s ago, so before %s; live polling reads what is newer",
				b.Until, settled, now.Add(-settled).UTC().Format(time.RFC3339))
		case share < 0 || share >= args.RateLimitShare:
			return fmt.Errorf("backfill > rate_limit_share is %v: it must be above 0 and below the component's, %v, so that live polling goes first",
				share, args.RateLimitShare)
		case ranges[b.name()]: // metrics are by range
			return fmt.Errorf("backfill: the range %s is there twice", b.name())
		}
		for name, value := range b.labels() {
			if value == "" || args.Labels[name] == value {
				return fmt.Errorf("backfill > labels: %s=%q is no label that live entries have not; Loki refuses old entries in their streams",
					name, value)
			}
		}
		ranges[b.name()] = true
		opts := args.eventOptions("org.example")
		opts.Labels = b.labels()
		if _, err := event.New(opts); err != nil { // which would be each of several orgs' error
			return fmt.Errorf("backfill: %w", err)
		}
	}
	return nil
}

// refusal says why a range cannot work, nil when it can or was accepted in the data path before: time passes while one is read. At a
// reload that is an error of the arguments; at a start, where nobody may be there to change them, the range is left out.
func (args *Arguments) refusal(b *Backfill, dir string, now time.Time) error {
	if _, err := os.Stat(filepath.Join(dir, b.id())); err == nil {
		return nil
	}
	since, _, err := b.span()
	if err != nil {
		return err
	}
	age := now.Sub(since)
	if age > poller.Retention {
		return fmt.Errorf("backfill > since is %s: Okta keeps events for 90 days, so it must be after %s",
			b.Since, now.Add(-poller.Retention).UTC().Format(time.RFC3339))
	}
	if r := args.Reconcile; r != nil && r.RejectOldSamplesMaxAge > 0 && age > r.RejectOldSamplesMaxAge {
		return fmt.Errorf("backfill > since is %s: Loki refuses entries older than %s; raise reject_old_samples_max_age in Loki's "+
			"limits_config and then in reconcile, both at least %s (or 0s in reconcile if Loki's reject_old_samples is false)",
			b.Since, r.RejectOldSamplesMaxAge, age.Round(time.Hour)+time.Hour)
	}
	return nil
}

// refuseBackfills sets aside the ranges that cannot work, and returns what is wrong with the first.
func (args *Arguments) refuseBackfills(dir string, now time.Time) (err error) {
	args.refused = map[string]error{}
	for i := range args.Backfills {
		b := &args.Backfills[i]
		if why := args.refusal(b, dir, now); why != nil {
			args.refused[b.id()] = why
			err = cmp.Or(err, why)
		}
	}
	return err
}

// accept notes that ranges were not refused, as if they had been begun: one may wait for days for the one before it, or be another
// node's. A folder that cannot be made is the checkpoint's trouble.
func (args *Arguments) accept(dir string) {
	for i := range args.Backfills {
		if id := args.Backfills[i].id(); args.refused[id] == nil {
			_ = os.MkdirAll(filepath.Join(dir, id), 0o750)
		}
	}
}

// fill is one range of one org.
type fill struct {
	Backfill
	since, until time.Time
	share        float64
	formatter    *event.Formatter
	status       *poller.Status
	refused      error // why it cannot work; nil: it may

	partly    partly
	sendingTo atomic.Int32
}

// newFills returns the ranges of one org, whose host is given.
func newFills(args Arguments, host string) (all []*fill, err error) {
	for _, b := range args.Backfills {
		f := &fill{Backfill: b, share: args.RateLimitShare / 2, status: &poller.Status{}, refused: args.refused[b.id()]}
		if share := b.RateLimitShare; share > 0 && share < args.RateLimitShare { // which may be the org's own
			f.share = share
		}
		if f.since, f.until, err = b.span(); err != nil {
			return nil, err
		}
		opts := args.eventOptions(host)
		opts.Labels = withLabels(args.Labels, b.labels())
		if f.formatter, err = event.New(opts); err != nil {
			return nil, fmt.Errorf("backfill: %w", err)
		}
		all = append(all, f)
	}
	return all, nil
}

// fillAll reads the ranges of a job one after another, until all are done or ctx ends.
func (k *collector) fillAll(ctx context.Context, j *job) {
	if len(j.fills) > 0 && j.confirm == nil {
		level.Warn(k.logger).Log("msg", "a back-fill without reconcile delivers what Loki has already, too")
	}
	for _, f := range j.fills {
		if f.refused != nil {
			level.Error(k.logger).Log("msg", "a backfill is not read", "err", f.refused)
			continue
		}
		owner := f.owner(k, j)
		memory := memories.Take(owner)
		p := f.poller(k, j, owner.Dir, memory)
		k.readings = append(k.readings[:1], reading{p, owner})
		err := p.Run(ctx)
		memories.Release(memory)
		if err != nil {
			return // ctx's
		}
	}
}

// owner says whose the memory of the range is.
func (f *fill) owner(k *collector, j *job) poller.Owner {
	owner := j.owner(filepath.Join(k.c.opts.DataPath, f.id()))
	owner.To += "\n" + f.id()
	return owner
}

// poller returns what reads the range.
func (f *fill) poller(k *collector, j *job, dir string, memory *poller.Memory) *poller.Poller {
	logger := log.With(k.logger, "backfill", f.name())
	client := j.clientConfig(k)
	client.Until, client.Share, client.Waiting = f.until, f.share, f.status.Waiting
	cfg := j.pollerConfig(k, client)
	to := sink{receivers: j.args.ForwardTo, live: k.c.live, partly: &f.partly, current: &f.sendingTo}
	cfg.Sink, cfg.Receiver, cfg.Format = to, to.receiver, f.formatter.Entry
	cfg.Open = func() (*checkpoint.Journal, error) { return j.open(logger, dir) }
	cfg.Memory, cfg.Status, cfg.Logger = memory, f.status, logger
	cfg.Span = &poller.Span{Since: f.since, Until: f.until,
		Trusted: func() string { return k.status.Snapshot().Trusted }}
	if !cfg.PerStream { // else a live entry shows nothing about the range's streams
		cfg.Span.Passed = func() time.Time { return k.status.Snapshot().Passed }
	}
	return poller.New(cfg)
}

// progress is the part of the range that was delivered.
func (f *fill) progress(s poller.Snapshot) float64 {
	if s.Watermark.IsZero() {
		return 0
	}
	return min(1, max(0, s.Watermark.Sub(f.since).Seconds()/f.until.Sub(f.since).Seconds()))
}

// state says in a few words how far it is.
func (f *fill) state(s poller.Snapshot, now time.Time) string {
	switch {
	case f.refused != nil:
		return "not read: " + f.refused.Error()
	case s.Finished:
		return "done"
	case s.Started.IsZero():
		return "waiting for the one before it"
	case s.Ended && s.Hold == "":
		return fmt.Sprintf("sent, waiting for Loki to show %d events", s.Unconfirmed)
	default:
		return stateOf(s, now)
	}
}

// verdict is what health says of the ranges of an org: the first trouble that one has.
func (j *job) fillVerdict(now time.Time) (condition, bool) {
	for _, f := range j.fills {
		if f.refused != nil {
			return condition{unhealthy: true, reads: true, message: f.refused.Error(), since: f.since}, true
		}
		s := f.status.Snapshot()
		if s.Finished || s.Started.IsZero() {
			continue
		}
		if v := verdict(s, j.auth.Method(), j.args.PollInterval, now); v.unhealthy {
			v.message, v.reads = "backfill "+f.name()+": "+v.message, true
			return v, true
		}
	}
	return condition{}, false
}
