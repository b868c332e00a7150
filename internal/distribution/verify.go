package distribution

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/verify"
)

const (
	// besideShare is the part of rate_limit_share that the command spends. It and a collector see in Okta's answers what the org's clients
	// have used together, and neither sends what goes beyond its share; what is left then is the collector's.
	besideShare = 0.8
	// verifiedAtOnce is how many orgs are read at a time: each has a page and a slice of its range in memory.
	verifiedAtOnce = 4
)

// verifyFlags are run's, with other defaults, and what to verify.
type verifyFlags struct {
	run      runFlags
	since    string
	until    string
	slack    time.Duration
	idle     string
	share    float64
	json     bool
	repair   bool
	textfile string
}

func verifyCommand() *cobra.Command {
	var flags verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [flags] path",
		Short: "Compare a range of Okta's log with what Loki has",
		Long: `verify reads a range of the log of each org in the configuration at path, asks Loki
for it, and prints what is missing, doubled or altered there; what it cannot tell,
as Loki hides it for now (unknown); and what is no trouble: events that
relabel_rules drop, and entries that are not in the org's log (foreign). Each
loki.source.okta that it looks at has a reconcile block, which says where to ask.

It exits with 0 when Loki has each event once and unaltered, or Okta has none; with 1
when something is wrong or cannot be told; and with 2 when Okta or Loki could not be
asked about all orgs, or the command or the configuration is of no use: then it says
nothing about what is missing.

It can run beside an alloy-okta that collects the same orgs: it opens no cursor,
takes no lock, and spends what rate_limit_share leaves. With --repair, what is
missing is delivered through the pipelines of the configuration, as the command
backfill does it, and the range is compared once more; nothing else is changed.
What Loki may only hide is not repaired; see --idle-since.`,
		Example: "  " + Name + " verify --since 2026-09-01 --until 2026-10-01 /etc/alloy-okta/config.alloy\n" +
			"  " + Name + " verify --since 24h --until 2h --json /etc/alloy-okta/config.alloy\n" +
			"  " + Name + " verify --since 2026-09-01T08:00:00Z --until 2026-09-01T12:00:00Z --repair /etc/alloy-okta/config.alloy\n" +
			"  " + Name + " verify --since 26h --until 2h --textfile /var/lib/node_exporter/textfile/okta.prom /etc/alloy-okta/config.alloy",
		Args:         aPath(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.verify(cmd, args[0]); err != nil {
				if _, ok := errors.AsType[exitError](err); !ok {
					err = exitError{err, 2}
				}
				return err
			}
			return nil
		},
	}
	fs := cmd.Flags()
	flags.run.register(fs)
	fs.StringVar(&flags.since, "since", "",
		`Beginning of the range: a time such as "2026-09-01T08:00:00Z", a day, or a duration before now such as "26h"`)
	fs.StringVar(&flags.until, "until", "", "End of the range, exclusive, in the same forms")
	fs.DurationVar(&flags.slack, "slack", verify.DefaultSlack,
		"How long after the end of the range its last events may have reached Okta's log; until must be as long ago")
	fs.StringVar(&flags.idle, "idle-since", "", "Say that nothing of the range was delivered since, in the same forms: "+
		"four hours after it, all that is not found is missing, and --repair delivers it")
	fs.Float64Var(&flags.share, "rate-limit-share", 0,
		"The part of an org's request limit to use, below its rate_limit_share; 0: four fifths of that, and half of it to repair")
	fs.BoolVar(&flags.json, "json", false, "Print JSON")
	fs.BoolVar(&flags.repair, "repair", false, "Deliver what is missing; the range must end at least an hour ago")
	fs.StringVar(&flags.textfile, "textfile", "", "Write metrics to a file, for node_exporter's textfile collector: its name ends in .prom")
	mustHave(cmd, "since", "until")
	redefault(fs, map[string]string{"storage.path": "data-alloy-verify/", "server.http.listen-addr": "127.0.0.1:12347"})
	withoutCluster(cmd)
	misused(cmd, 2)
	return cmd
}

// verify does it all. Any error but an exitError is a reason for which nothing is known.
func (f *verifyFlags) verify(cmd *cobra.Command, path string) error {
	now := time.Now()
	since, until, err := f.bounds(now)
	if err != nil {
		return err
	}
	idle, err := f.idleSince(now)
	if err != nil {
		return err
	}
	if f.run.cluster.enabled {
		return errors.New("--cluster.enabled is set: all orgs are verified from here, beside the nodes")
	}
	ctx, stop := untilInterrupted(cmd.Context())
	defer stop()
	todo, err := f.configs(ctx, path, since, until)
	if err != nil {
		return err
	}
	for i := range todo {
		todo[i].IdleSince = idle
	}
	compare := func(ctx context.Context) (*verify.Summary, error) {
		summary := verify.Sum(since, until, verifyAll(ctx, todo))
		if ctx.Err() != nil {
			return nil, errors.New("stopped: nothing is known of the range")
		}
		return summary, f.tell(cmd.OutOrStdout(), summary)
	}
	repaired := false // once a process: it runs one Alloy
	if f.repair {
		if repaired, err = f.resume(cmd, path); err != nil {
			return exitError{err, 1}
		}
	}
	summary, err := compare(ctx)
	if err != nil {
		return err
	}
	if f.repair && !repaired && summary.Total(verify.Missing) > 0 {
		wanted, err := f.wanted(ctx, todo, summary)
		if err != nil {
			return exitError{err, 1}
		}
		stop()
		if err := f.begin(cmd, path, wanted); err != nil {
			return exitError{err, 1}
		}
		ctx, stop := untilInterrupted(cmd.Context())
		defer stop()
		if summary, err = compare(ctx); err != nil {
			return err
		}
	}
	switch {
	case summary.Clean:
		return nil
	case repaired && summary.Total(verify.Missing) > 0:
		return exitError{errors.New("the repair that was interrupted is done, and more is missing: give the command again"), 1}
	}
	return exitError{errors.New("the log in Loki is not as it should be"), 1}
}

// tell prints what was found, and writes the metrics. It returns an error, too, when something could not be verified.
func (f *verifyFlags) tell(out io.Writer, summary *verify.Summary) error {
	print := summary.Table
	if f.json {
		print = summary.JSON
	}
	if err := print(out); err != nil {
		return err
	}
	if f.textfile != "" {
		if err := summary.WriteTextfile(f.textfile, time.Now()); err != nil {
			return err
		}
	}
	if summary.Failed() {
		return errors.New("not all orgs could be verified")
	}
	return nil
}

// bounds returns the first moment of the range to verify, and the first after it.
func (f *verifyFlags) bounds(now time.Time) (since, until time.Time, err error) {
	if since, err = pointOf("--since", f.since, now); err != nil {
		return since, until, err
	}
	if until, err = pointOf("--until", f.until, now); err != nil {
		return since, until, err
	}
	gone := kept("--since", since, now)
	switch {
	case f.slack < 0:
		err = fmt.Errorf("--slack is %s: it must be 0s or more", f.slack)
	case !since.Before(until):
		err = fmt.Errorf("--since is %s: it must be before --until, %s", at(since), at(until))
	case gone != nil:
		err = gone
	case now.Sub(until) < f.slack:
		err = fmt.Errorf("--until is %s: it must be at least %s ago, so %s or earlier, as events may reach Okta's log late; see --slack",
			at(until), f.slack, at(now.Add(-f.slack)))
	case f.repair && now.Sub(until) < time.Hour:
		err = fmt.Errorf("--until is %s: with --repair it must be at least an hour ago; a collector may still be about to deliver what is newer",
			at(until))
	}
	return since, until, err
}

// idleSince is since when nothing of the range was delivered; zero: nobody says so.
func (f *verifyFlags) idleSince(now time.Time) (time.Time, error) {
	if f.idle == "" {
		return time.Time{}, nil
	}
	idle, err := pointOf("--idle-since", f.idle, now)
	if err == nil && idle.After(now) {
		err = fmt.Errorf("--idle-since is %s: it must be in the past", at(idle))
	}
	return idle, err
}

// toVerify is an org, or why it cannot be verified.
type toVerify struct {
	verify.Config
	err error
}

// configs are those of all orgs whose component has a reconcile block.
func (f *verifyFlags) configs(ctx context.Context, path string, since, until time.Time) (all []toVerify, err error) {
	orgs, err := loadOrgs(ctx, &f.run, path)
	if err != nil {
		return nil, err
	}
	var budgets oktaapi.Budgets
	hosts := map[string]bool{}
	for _, org := range orgs {
		c := toVerify{err: org.Err, Config: verify.Config{
			Component: org.source.id, Org: org.Name, Since: since, Until: until, Slack: f.slack, OtherOrgs: hosts,
		}}
		switch share := org.Args.RateLimitShare; {
		case org.Err != nil:
		case org.Loki == nil:
			fmt.Fprintf(os.Stderr, "%s, %s: not verified, as it has no reconcile block, which says where to ask\n", org.source.id, org.Name)
			continue
		case !(f.share >= 0 && f.share < share): // NaN too
			return nil, fmt.Errorf("--rate-limit-share is %v: it must be above 0 and below rate_limit_share of %s, %v", f.share, org.Name, share)
		default:
			hosts[org.URL.Host] = true
			c.Org, c.Selector, c.PageSize = org.URL.Host, org.Selector, org.Args.PageSize
			c.Loki, c.Format = org.Loki, org.Formatter.Entry
			c.Source = oktaapi.New(oktaapi.Config{
				Org: org.URL, Auth: org.Credential, HTTP: org.HTTP, PageSize: org.Args.PageSize, Filter: org.Args.Filter, Query: org.Args.Query,
				Timeout: org.Args.RequestTimeout, UserAgent: Name + " verify", Budget: budgets.For(org.URL.Host),
				Share: cmp.Or(f.share, besideShare*share),
			})
			c.Remedy = func(err error) string { return auth.Remedy(org.Credential.Method(), err) }
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("no loki.source.okta has a reconcile block: nothing says where to ask what arrived")
	}
	return all, nil
}

// verifyAll verifies some orgs at a time, and shows the progress.
func verifyAll(ctx context.Context, todo []toVerify) []*verify.Report {
	reports := make([]*verify.Report, len(todo))
	p := &verifying{parts: make([]float64, len(todo)), events: make([]int, len(todo))}
	show, end := progress(os.Stderr)
	defer end()
	defer tellingEvery(shownEvery, func() { show(p.state()) })()
	slots := make(chan struct{}, verifiedAtOnce)
	var running sync.WaitGroup
	for i, c := range todo {
		if c.err != nil {
			reports[i] = &verify.Report{Component: c.Component, Org: c.Org, Err: c.err.Error()}
			p.set(i, 1, 0)
			continue
		}
		running.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			c.Progress = func(part float64, events int) { p.set(i, part, events) }
			reports[i], _ = verify.Run(ctx, c.Config) // the error is in the report
		})
	}
	running.Wait()
	return reports
}
