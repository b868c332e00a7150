package distribution

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/internal/verify"
)

// deliver has a back-fill of the hours in which events are missing deliver what Loki lacks, for the orgs that miss some.
func (f *verifyFlags) deliver(cmd *cobra.Command, path string, s *verify.Summary) error {
	var since, until time.Time
	type org struct{ component, host string }
	wanted := map[org]bool{}
	for _, r := range s.Orgs {
		first, last, ok := r.Span(verify.Missing)
		if !ok {
			continue
		}
		if r.Counts[verify.Unknown] > 0 && !r.Clear.IsZero() {
			return fmt.Errorf("%s: nothing was repaired, as Loki may hide %d events, which would come twice: give the command again after %s",
				r.Org, r.Counts[verify.Unknown], at(r.Clear))
		}
		wanted[org{r.Component, r.Org}] = true
		first, last = first.Truncate(time.Hour), last.Truncate(time.Hour).Add(time.Hour)
		if since.IsZero() || first.Before(since) {
			since = first
		}
		if last.After(until) {
			until = last
		}
	}
	if begin := s.Since.Truncate(time.Second); begin.After(since) {
		since = begin
	}
	if end := s.Until.Add(time.Second - 1).Truncate(time.Second); end.Before(until) {
		until = end
	}
	only := &okta.RangeOnly{
		Backfill: okta.Backfill{Since: since.UTC().Format(time.RFC3339), Until: until.UTC().Format(time.RFC3339)},
		Wanted:   func(component, host string) bool { return wanted[org{component, host}] },
	}
	// A folder of the verified range: an interrupted repair goes on with what it knows, and a finished one leaves nothing, so that what gets
	// lost of the range afterwards is repaired, too.
	run := f.run
	run.storagePath = filepath.Join(f.run.storagePath,
		fmt.Sprintf("repair-%s-%s", s.Since.Format("20060102T150405Z"), s.Until.Format("20060102T150405Z")))
	fmt.Fprintf(os.Stderr, "delivering what is missing from %s to %s\n", only.Since, only.Until)
	err := runUntil(cmd, &run, path, func(ctx context.Context) error {
		return watchBackfill(ctx, os.Stderr, only.Ranges)
	}, rangeOnly{only})
	if err != nil {
		return err
	}
	if err := os.RemoveAll(run.storagePath); err != nil {
		return errors.Join(errors.New("what was missing was delivered; the folder of the repair is still there"), err)
	}
	return nil
}

// verifying is how far the orgs are.
type verifying struct {
	mu     sync.Mutex
	parts  []float64
	events []int
}

func newVerifying(orgs int) *verifying {
	return &verifying{parts: make([]float64, orgs), events: make([]int, orgs)}
}

func (v *verifying) set(i int, part float64, events int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.parts[i], v.events[i] = part, events
}

// shownAfter is for how long nobody asks how far it is.
const shownAfter = 2 * time.Second

// show prints a line now and then, in place of the one before on a terminal, until the function that it returns is called.
func (v *verifying) show(out *os.File) (stop func()) {
	stat, err := out.Stat()
	terminal := err == nil && stat.Mode()&os.ModeCharDevice != 0
	every, end := reportedEvery, "\n"
	if terminal {
		every, end = shownEvery, ""
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTimer(shownAfter)
		defer t.Stop()
		for shown := false; ; shown = true {
			select {
			case <-t.C:
			case <-done:
				if shown && terminal {
					fmt.Fprintln(out)
				}
				return
			}
			if terminal {
				fmt.Fprint(out, "\r\x1b[K")
			}
			fmt.Fprint(out, v.line(), end)
			t.Reset(every)
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

func (v *verifying) line() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	part, events, done := 0.0, 0, 0
	for i, p := range v.parts {
		part += p / float64(len(v.parts))
		events += v.events[i]
		if p >= 1 {
			done++
		}
	}
	return fmt.Sprintf("%5.1f %%  %d events compared, %d of %d orgs", 100*part, events, done, len(v.parts))
}
