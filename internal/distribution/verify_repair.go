package distribution

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/internal/verify"
)

// repair is a back-fill of the hours in which events are missing, for the orgs that miss some. It is in a file until it is through: an
// interrupted one goes on with what it knows, whatever range is given then.
type repair struct {
	Since  time.Time   `json:"since"`
	Until  time.Time   `json:"until"`
	Wanted []wantedOrg `json:"wanted"`
}

type wantedOrg struct {
	Component string `json:"component"`
	Org       string `json:"org"`
}

// wanted is the repair that a comparison asks for, or why there may be none now.
func (f *verifyFlags) wanted(ctx context.Context, todo []toVerify, s *verify.Summary) (r repair, err error) {
	for i, report := range s.Orgs {
		first, last, ok := report.Extent(verify.Missing)
		if !ok {
			continue
		}
		if err := report.Repairable(ctx, todo[i].Config); err != nil {
			return r, err
		}
		r.Wanted = append(r.Wanted, wantedOrg{report.Component, report.Org})
		first, last = first.Truncate(time.Hour), last.Truncate(time.Hour).Add(time.Hour)
		if r.Since.IsZero() || first.Before(r.Since) {
			r.Since = first
		}
		if last.After(r.Until) {
			r.Until = last
		}
	}
	if begin := s.Since.Truncate(time.Second); begin.After(r.Since) {
		r.Since = begin
	}
	if end := s.Until.Add(time.Second - 1).Truncate(time.Second); end.Before(r.Until) {
		r.Until = end
	}
	r.Since, r.Until = r.Since.UTC(), r.Until.UTC()
	return r, nil
}

// repairFile is where the repair is while it is not through.
func (f *verifyFlags) repairFile() string { return filepath.Join(f.run.storagePath, "repair.json") }

// resume finishes a repair that was interrupted, and reports whether there was one.
func (f *verifyFlags) resume(cmd *cobra.Command, path string) (bool, error) {
	r, err := readRepair(f.repairFile())
	if err != nil || r == nil {
		return false, err
	}
	fmt.Fprintln(os.Stderr, "going on with the repair that was interrupted")
	if err := f.deliver(cmd, path, *r); err != nil {
		return true, fmt.Errorf("the repair in %s: %w", f.repairFile(), err)
	}
	return true, nil
}

// begin notes a repair, and does it.
func (f *verifyFlags) begin(cmd *cobra.Command, path string, r repair) error {
	if err := os.RemoveAll(f.repairFolder()); err != nil { // without its file it is nobody's
		return err
	}
	if err := r.write(f.repairFile()); err != nil {
		return err
	}
	return f.deliver(cmd, path, r)
}

func (f *verifyFlags) repairFolder() string { return filepath.Join(f.run.storagePath, "repair") }

// readRepair reads a repair; nil: there is none.
func readRepair(path string) (*repair, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &repair{}
	if err := json.Unmarshal(text, r); err != nil || len(r.Wanted) == 0 || !r.Since.Before(r.Until) {
		return nil, fmt.Errorf("%s is not a repair that was interrupted; remove it once Loki shows all that was delivered: %w", path,
			cmp.Or(err, errors.New("it has no range or no org")))
	}
	return r, nil
}

// write makes the file as a whole.
func (r repair) write(path string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// only is the back-fill.
func (f *verifyFlags) only(r repair) *okta.RangeOnly {
	return &okta.RangeOnly{
		Backfill: okta.Backfill{Since: r.Since.Format(time.RFC3339), Until: r.Until.Format(time.RFC3339), RateLimitShare: f.share},
		Wanted:   func(component, host string) bool { return slices.Contains(r.Wanted, wantedOrg{component, host}) },
	}
}

// deliver has a back-fill deliver what Loki lacks. A finished one leaves nothing, so that what gets lost of the range afterwards is
// repaired, too.
func (f *verifyFlags) deliver(cmd *cobra.Command, path string, r repair) error {
	only, run := f.only(r), f.run
	run.storagePath = f.repairFolder()
	fmt.Fprintf(os.Stderr, "delivering what is missing from %s to %s\n", only.Since, only.Until)
	err := runUntil(cmd, &run, path, func(ctx context.Context) error {
		return watchBackfill(ctx, os.Stderr, only.Ranges)
	}, rangeOnly(only))
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "what was missing is in Loki now")
	if err := errors.Join(os.RemoveAll(run.storagePath), os.Remove(f.repairFile())); err != nil { // in this order
		return errors.Join(errors.New("what was missing was delivered; the files of the repair are still there"), err)
	}
	return nil
}

// verifying is how far the orgs are.
type verifying struct {
	mu     sync.Mutex
	parts  []float64
	events []int
}

func (v *verifying) set(i int, part float64, events int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.parts[i], v.events[i] = part, events
}

// state is how far all of them are together.
func (v *verifying) state() (part float64, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	events, done := 0, 0
	for i, p := range v.parts {
		part += p / float64(len(v.parts))
		events += v.events[i]
		if p >= 1 {
			done++
		}
	}
	return part, fmt.Sprintf("%d events compared, %d of %d orgs", events, done, len(v.parts))
}
