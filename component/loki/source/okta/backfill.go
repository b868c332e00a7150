// option: backfill needs reconcile

package okta

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// inTheLogAfter is how old the end of a range must be: Okta persists almost all events within seconds, and a bounded request may miss
// those that are late. Source: Okta, "System Log query", polling and bounded requests.
const inTheLogAfter = time.Hour

// Backfill is a range of the log that is read once, beside live polling and behind it in the request budget.
type Backfill struct {
	Since          string            `alloy:"since,attr"` // RFC 3339, or a day; inclusive
	Until          string            `alloy:"until,attr"` // exclusive
	Labels         map[string]string `alloy:"labels,attr,optional"`
	RateLimitShare float64           `alloy:"rate_limit_share,attr,optional"`
}

// bounds returns the first moment of the range, and the first after it. Validation finds the error, later there is none.
func (b Backfill) bounds() (since, until time.Time, err error) {
	if since, err = Moment("since", b.Since); err == nil {
		until, err = Moment("until", b.Until)
	}
	return since, until, err
}

// Moment reads a time or a day, as "2026-09-01T00:00:00Z" or "2026-09-01" (UTC). An error begins with the name of what holds the text.
func Moment(name, text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is %q: it must be a time such as %q, or a day such as %q (UTC)",
		name, text, "2026-09-01T00:00:00Z", "2026-09-01")
}

// name is the range in words, for messages and as the value of the label backfill.
func (b Backfill) name() string {
	since, until, _ := b.bounds()
	short := func(t time.Time) string { return strings.TrimSuffix(t.Format(time.RFC3339), "T00:00:00Z") }
	return short(since) + "/" + short(until)
}

// labels are what entries of the range have in addition to the component's: at least one that live entries do not have.
func (b Backfill) labels() map[string]string {
	if len(b.Labels) > 0 {
		return b.Labels
	}
	return map[string]string{backfillLabel: b.name()}
}

// labelsOf are the labels of ranges.
func labelsOf(all []Backfill) (each []map[string]string) {
	for _, b := range all {
		each = append(each, b.labels())
	}
	return each
}

// id names the folder of the range's cursor. With other times or other labels it is another back-fill.
func (b Backfill) id() string {
	h := fnv.New32a()
	all := b.labels()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		_, _ = fmt.Fprintf(h, "%s=%q ", name, all[name])
	}
	since, until, _ := b.bounds()
	return fmt.Sprintf("backfill-%s-%s-%08x", since.Format("20060102T150405Z"), until.Format("20060102T150405Z"), h.Sum32())
}

// validateBackfills checks what does not depend on whether a range has begun.
func (args *Arguments) validateBackfills(now time.Time) error {
	ranges := map[string]bool{}
	org := "org.example"
	if u, _, err := oktaapi.ParseOrg(args.URL); err == nil {
		org = u.Host
	}
	for _, b := range args.Options.Backfills {
		since, until, err := b.bounds()
		switch share := b.RateLimitShare; {
		case err != nil:
			return fmt.Errorf("backfill > %w", err)
		case !since.Before(until):
			return fmt.Errorf("backfill > since is %s: it must be before until, %s", b.Since, b.Until)
		case now.Sub(until) < inTheLogAfter:
			return fmt.Errorf("backfill > until is %s: it must be at least %s ago, so before %s; live polling reads what is newer",
				b.Until, inTheLogAfter, now.Add(-inTheLogAfter).UTC().Format(time.RFC3339))
		case share < 0 || share >= args.RateLimitShare:
			return fmt.Errorf("backfill > rate_limit_share is %v: it must be above 0 and below the component's, %v, so that live polling goes first",
				share, args.RateLimitShare)
		case ranges[b.name()]: // metrics are by range
			return fmt.Errorf("backfill: the range %s is there twice", b.name())
		}
		ranges[b.name()] = true
		if err := args.checkLabels(b, org); err != nil { // once, as it would be the same error for each of several orgs
			return err
		}
	}
	return nil
}

// checkLabels checks the labels of an org's range: they must put its entries into streams of their own, and the selector must find these.
func (args *Arguments) checkLabels(b Backfill, org string) error {
	own := b.labels()
	live := liveLabels(org, args.Labels)
	selector := args.selector(org)
	matchers, err := parseSelector(selector)
	if err != nil {
		return fmt.Errorf("reconcile > %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if value := own[name]; value == "" || live[name] == value {
			return fmt.Errorf("backfill > labels: %s=%q is no label that live entries have not; Loki refuses old entries in their streams",
				name, value)
		}
		for _, m := range matchers {
			if m.Name == name && (m.Type == labels.MatchEqual || !m.Matches(own[name])) {
				return unfound(name, own[name], selector)
			}
		}
	}
	entries := [2]event.Entry{}
	for i, more := range []map[string]string{nil, own} {
		formatter, err := args.formatterWith(more, org)
		if err != nil {
			return err
		}
		entries[i] = formatter.Entry(event.Event{UUID: "example", Raw: []byte(`{"uuid":"example"}`)}, time.Now())
	}
	before, after := entries[0].Labels, entries[1].Labels
	if before == nil || after == nil { // the rules drop the example, so it does not show what they do to labels
		return nil
	}
	if before.Equal(after) {
		return fmt.Errorf("backfill > labels: %s does not reach Loki, as relabel_rules or two underscores at its beginning take it away: "+
			"at least one label must that live entries have not; Loki refuses old entries in their streams",
			strings.Join(slices.Sorted(maps.Keys(own)), ", "))
	}
	for _, m := range matchers {
		name := model.LabelName(m.Name)
		if m.Matches(string(before[name])) && !m.Matches(string(after[name])) {
			return unfound(m.Name, string(after[name]), selector)
		}
	}
	return nil
}

func unfound(name, value, selector string) error {
	return fmt.Errorf("backfill > labels: %s=%q would not be found by the selector of reconcile, %s: allowed are labels that neither the "+
		"selector names nor live entries have, such as %s", name, value, selector, backfillLabel)
}

// refusal returns why a range cannot be read; nil when it can, or when it was accepted before and has a folder in the data path, since a
// range may become too old while it is read. At a reload a refusal is an error of the arguments; at a start, when nobody may be there to
// change them, the range is left out.
func (args *Arguments) refusal(b Backfill, dir string, now time.Time) error {
	if _, err := os.Stat(filepath.Join(dir, b.id())); err == nil {
		return nil
	}
	since, _, _ := b.bounds()
	age := now.Sub(since)
	if age > oktaapi.Retention {
		return fmt.Errorf("backfill > since is %s: Okta keeps events for 90 days, so it must be after %s",
			b.Since, now.Add(-oktaapi.Retention).UTC().Format(time.RFC3339))
	}
	if r := args.Options.Reconcile; r != nil && r.RejectOldSamplesMaxAge > 0 && age > r.RejectOldSamplesMaxAge {
		return fmt.Errorf("backfill > since is %s: Loki refuses entries older than %s; raise reject_old_samples_max_age in Loki's "+
			"limits_config and then in reconcile, both at least %s (or 0s in reconcile if Loki's reject_old_samples is false)",
			b.Since, r.RejectOldSamplesMaxAge, age.Round(time.Hour)+time.Hour)
	}
	return nil
}

// refuseBackfills notes which ranges cannot be read and why, and returns what is wrong with the first of them.
func (args *Arguments) refuseBackfills(dir string, now time.Time) (err error) {
	args.Options.refused = map[string]error{}
	for _, b := range args.Options.Backfills {
		if why := args.refusal(b, dir, now); why != nil {
			args.Options.refused[b.id()] = why
			err = cmp.Or(err, why)
		}
	}
	return err
}

// accept makes the folders of the ranges that were not refused, so that they are not refused later: a range may wait for days for the one
// before it, or be another node's. While another process has the data path, nothing is written there. When a folder cannot be made, the
// checkpoint cannot be written either, and that is reported.
func (c *Component) accept() {
	if !c.writes.Load() {
		return
	}
	o := &c.arguments().Options
	for _, b := range o.Backfills {
		if id := b.id(); o.refused[id] == nil {
			_ = os.MkdirAll(filepath.Join(c.opts.DataPath, id), 0o750)
		}
	}
}

// fill returns the range with that id; nil when there is none, or no plan.
func (p *plan) fill(id string) *fill {
	if p == nil {
		return nil
	}
	for _, f := range p.of.fills {
		if f.id() == id {
			return f
		}
	}
	return nil
}

// fill is what a plan has of one range of one org.
type fill struct {
	Backfill
	formatter    *event.Formatter
	refused      error     // why it cannot be read; nil: it can
	refusedSince time.Time // when that was found
	reading      *reading
}

// newFills returns the ranges of one org, whose host is given.
func newFills(args Arguments, host string) (all []*fill, err error) {
	for _, b := range args.Options.Backfills {
		// Labels are checked once more, as the org may have some of its own.
		f := &fill{Backfill: b, refused: cmp.Or(args.Options.refused[b.id()], args.checkLabels(b, host))}
		if f.formatter, err = args.formatterWith(b.labels(), host); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// formatterWith makes entries of an org with labels beside those of the live log, and without what context adds to these.
func (args *Arguments) formatterWith(labels map[string]string, org string) (*event.Formatter, error) {
	opts := args.eventOptions(org)
	opts.Labels = withLabels(opts.Labels, labels)
	f, err := event.New(opts)
	return f, wrap("backfill", err)
}
