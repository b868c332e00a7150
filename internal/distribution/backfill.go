package distribution

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/internal/service"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
)

// missingFor is how long what was delivered may be missing in the end. Nothing follows it here that could show whether it is lost;
// a new process knows that nothing of this one is under way any more. loki.write's defaults retry a push for limits.Retries, 8.5 minutes.
const missingFor = 20 * time.Minute

// backfillFlags are run's, with other defaults, and the range.
type backfillFlags struct {
	run    runFlags
	window okta.Backfill
}

func backfillCommand() *cobra.Command {
	var flags backfillFlags
	cmd := &cobra.Command{
		Use:   "backfill [flags] path",
		Short: "Read a range of the past once, and end",
		Long: `backfill runs the configuration at path, except that each loki.source.okta in it
reads one range of the past and nothing else, and ends when all of the range is in
Loki. Each loki.source.okta needs a reconcile block, which tells.

It exits with 0 when all was found in Loki. When it is interrupted, or something
does not arrive, it exits with 1; the same command goes on where it stopped and
delivers what Loki lacks.

How far it is goes to the standard output, the log to the standard error:
2>backfill.log keeps them apart.

It can run beside an alloy-okta that collects the same orgs: it has its own storage
path, and entries have one label more (backfill="<SINCE>/<UNTIL>"). The two do not
know of each other's requests, so keep the sum of their rate_limit_share below 1. A
backfill block in the configuration does the same within the running process.`,
		Example:      "  " + Name + " backfill --since 2026-09-01 --until 2026-10-01 /etc/alloy-okta/config.alloy",
		Args:         aPath(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.run.cluster.enabled {
				return errors.New("--cluster.enabled is set: the other nodes would leave orgs to this one, which does not read their live log")
			}
			if err := flags.moments(); err != nil {
				return err
			}
			only := &okta.RangeOnly{Backfill: flags.window}
			return runUntil(cmd, &flags.run, args[0], func(ctx context.Context) error {
				return watchBackfill(ctx, os.Stdout, only.Ranges)
			}, rangeOnly(only))
		},
	}
	fs := cmd.Flags()
	flags.run.register(fs)
	fs.StringVar(&flags.window.Since, "since", "", `Beginning of the range, such as "2026-09-01" or "2026-09-01T08:00:00Z"`)
	fs.StringVar(&flags.window.Until, "until", "", "End of the range, exclusive, at least an hour ago")
	fs.Float64Var(&flags.window.RateLimitShare, "rate-limit-share", 0,
		"The part of the org's request limit to use, below rate_limit_share in the configuration; 0: half of that")
	mustHave(cmd, "since", "until")
	redefault(fs, map[string]string{"storage.path": "data-alloy-backfill/", "server.http.listen-addr": "127.0.0.1:12346"})
	withoutCluster(cmd)
	return cmd
}

// moments refuses a range that is not one before anything is loaded.
func (f *backfillFlags) moments() error {
	for _, flag := range []struct{ name, value string }{{"--since", f.window.Since}, {"--until", f.window.Until}} {
		if _, err := okta.Moment(flag.name, flag.value); err != nil {
			if _, duration := time.ParseDuration(flag.value); duration == nil {
				return fmt.Errorf("%w; a duration would be another range each time, and the same command goes on where it stopped", err)
			}
			return err
		}
	}
	return nil
}

// rangeOnly is the service by which components learn what to read.
func rangeOnly(only *okta.RangeOnly) service.Service {
	return idle{service.Definition{Name: okta.RangeOnlyService, Stability: featuregate.StabilityGenerallyAvailable}, only}
}

// watchBackfill shows the progress until all is done, ctx ends, or something needs an operator. It returns nil when all is done.
func watchBackfill(ctx context.Context, out *os.File, ranges func() []okta.Range) error {
	show, end := progress(out)
	defer end()
	tick := time.NewTicker(shownEvery)
	defer tick.Stop()
	missing := time.Time{}
	for {
		all := ranges()
		sum := total(all)
		show(sum.Progress, summary(sum))
		if err := trouble(all); err != nil {
			return err
		}
		switch now := time.Now(); {
		case sum.Finished:
			end()
			fmt.Fprintf(out, "done: %d events delivered and found in Loki, %d were there already\n", sum.Events, sum.Skipped)
			return nil
		case !sum.Ended || !sum.missing:
			missing = time.Time{}
		case missing.IsZero():
			missing = now
		case now.Sub(missing) > missingFor:
			return fmt.Errorf("%d events were delivered and not found in Loki for %s: look at the errors above, then run the command again, "+
				"which delivers what is missing", sum.Unconfirmed.Waiting, missingFor)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("stopped at %.1f %%: the same command goes on from there", 100*sum.Progress)
		}
	}
}

// trouble is what no waiting repairs.
func trouble(all []okta.Range) error {
	if len(all) == 0 {
		return errNoOrg
	}
	for _, r := range all {
		if r.Refused != nil {
			return fmt.Errorf("%s: %s: %w", r.Component, r.Org, r.Refused)
		}
		if !r.Confirms {
			return fmt.Errorf("%s has no reconcile block: nothing could tell when all of the range is in Loki", r.Component)
		}
	}
	return nil
}

// sum is how far all orgs are.
type sum struct {
	okta.Range
	missing bool // something is, of one of them
}

func total(all []okta.Range) (s sum) {
	s.Finished, s.Ended = len(all) > 0, len(all) > 0
	for _, r := range all {
		s.Progress += r.Progress / float64(len(all))
		s.Events, s.Skipped = s.Events+r.Events, s.Skipped+r.Skipped
		s.Unconfirmed.Waiting += r.Unconfirmed.Waiting
		s.Finished, s.Ended, s.missing = s.Finished && r.Finished, s.Ended && r.Ended, s.missing || r.Missing()
		if !r.Finished {
			s.State = r.Org + ": " + r.State
		}
	}
	return s
}

func summary(s sum) string {
	return fmt.Sprintf("%d delivered, %d were there, %d unconfirmed, %s", s.Events, s.Skipped, s.Unconfirmed.Waiting, s.State)
}
