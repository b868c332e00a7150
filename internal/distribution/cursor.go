package distribution

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// cursorFlags say what configuration is meant, and where its cursors are.
type cursorFlags struct {
	run    runFlags
	since  string
	dryRun bool
}

func cursorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cursor",
		Short: "Show or move where reading goes on",
		Long: `cursor shows and moves the place in each org's log where alloy-okta goes on after
its next start, which is a file in --storage.path for each org. Give it the flags
--storage.path and --stability.level of the process that runs the configuration.

set and reset need that process stopped, and keep the file of before beside the
new one. With clustering, stop all nodes, and give the command on each of them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Usage() },
	}
	cmd.AddCommand(
		cursorVerb("show", "Print where reading goes on, for each org",
			`show changes nothing, and can be used beside a process that collects. LAST EVENT is
where reading goes on, and SAVED when that was written. UNCONFIRMED is "none", or up
to which event more was delivered and is not known to be in Loki yet; without a
reconcile block it is "-".`,
			"", (*cursorFlags).show),
		cursorVerb("set", "Go on from another time",
			`set has reading go on from the events of a time on: it prints what comes again, or
what is skipped and never collected. What Loki has already is not delivered again
with a reconcile block, and comes twice without one. Loki refuses events that are
older than its reject_old_samples_max_age, a week by default.`,
			" --since 2026-11-01T08:00:00Z", (*cursorFlags).set),
		cursorVerb("reset", "Begin as if nothing had been collected",
			`reset has reading begin with initial_lookback, or, with a reconcile block, with
what Loki has.`,
			"", (*cursorFlags).reset),
	)
	return cmd
}

// cursorVerb is a subcommand that does something for each org, or for one.
func cursorVerb(verb, short, long, example string, do func(*cursorFlags, io.Writer, []loadedOrg) error) *cobra.Command {
	var flags cursorFlags
	cmd := &cobra.Command{
		Use:   verb + " [flags] path [org]",
		Short: short,
		Long: long + "\n\norg is the host of an org, such as acme.okta.com, its name in the configuration, or\nthe name of a component; " +
			"only show does without it when there are several.",
		Example: fmt.Sprintf("  %[1]s cursor %[2]s /etc/alloy-okta/config.alloy\n  %[1]s cursor %[2]s --storage.path /var/lib/alloy-okta%[3]s "+
			"/etc/alloy-okta/config.alloy acme.okta.com", Name, verb, example),
		Args:         aPath(2),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := untilInterrupted(cmd.Context())
			defer stop()
			all, err := loadOrgs(ctx, &flags.run, args[0])
			if err != nil {
				return err
			}
			if len(args) > 1 {
				if all, err = only(all, args[1]); err != nil {
					return err
				}
			} else if len(all) > 1 && verb != "show" {
				return fmt.Errorf("the configuration has %d orgs: name one of %s", len(all), names(all))
			}
			return do(&flags, cmd.OutOrStdout(), all)
		},
	}
	fs := cmd.Flags()
	flags.run.registerToLook(fs)
	if verb != "show" {
		fs.BoolVar(&flags.dryRun, "dry-run", false, "Print what would change, and change nothing")
	}
	if verb == "set" {
		fs.StringVar(&flags.since, "since", "", `A time such as "2026-09-01T08:00:00Z", a day, or a duration before now such as "36h"`)
		mustHave(cmd, "since")
	}
	return cmd
}

// only returns the place that a name means.
func only(all []loadedOrg, name string) (found []loadedOrg, err error) {
	name = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(name, "https://"), "/"))
	for _, p := range all {
		host := ""
		if p.URL != nil {
			host = p.URL.Host
		}
		if name == host || name == strings.ToLower(p.Name) || name == strings.ToLower(p.source.id) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("no org %q in the configuration: there are %s", name, names(all))
	case 1:
		return found, nil
	}
	return nil, fmt.Errorf("%q means %d orgs: there are %s", name, len(found), names(all))
}

func names(all []loadedOrg) string {
	var list []string
	for _, p := range all {
		list = append(list, fmt.Sprintf("%s (%s)", p.Name, p.source.id))
	}
	return strings.Join(list, ", ")
}

// look returns what the file says, nil when there is none.
func (p loadedOrg) look() (*checkpoint.State, error) {
	if p.Err != nil {
		return nil, p.Err
	}
	return checkpoint.Look(p.source.dataPath, p.Scope.Org)
}

func (f *cursorFlags) show(out io.Writer, all []loadedOrg) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "COMPONENT\tORG\tLAST EVENT\tSAVED\tUNCONFIRMED\tNOTE")
	for _, p := range all {
		s, err := p.look()
		fmt.Fprintf(table, "%s\t%s\t", p.source.id, p.Name)
		switch {
		case err != nil:
			fmt.Fprintf(table, "-\t-\t-\t%s\n", err)
		case s == nil:
			fmt.Fprintf(table, "-\t-\t-\tno cursor in %s, reading begins with %s\n", p.source.dataPath, p.beginning())
		default:
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", at(s.Position.Published), at(s.Position.Delivered), p.pending(s), p.note(s))
		}
	}
	return table.Flush()
}

// pending is what was delivered and not confirmed. Without a reconcile block nothing is, and none would say that all is in Loki.
func (p loadedOrg) pending(s *checkpoint.State) string {
	switch {
	case p.Loki == nil:
		return "-"
	case s.Pending == nil:
		return "none"
	}
	return "until " + at(s.Pending.Published)
}

// note is what else happens at the next start.
func (p loadedOrg) note(s *checkpoint.State) string {
	switch {
	case s.Scope != p.Scope:
		return "filter, query or page_size changed, reading goes on from the last event's time"
	case p.Args.ReplayWindow > 0 && p.Loki == nil && s.Oldest != s.Position:
		return fmt.Sprintf("replay_window reads the last %s again", p.Args.ReplayWindow)
	case time.Since(s.Position.Published) > oktaapi.Retention:
		return "Okta keeps events for 90 days, older ones are lost"
	}
	return ""
}

func (p loadedOrg) beginning() string {
	if p.Loki != nil {
		return "what Loki has, and initial_lookback when it has nothing"
	}
	return fmt.Sprintf("initial_lookback, %s ago", p.Args.InitialLookback)
}

func (f *cursorFlags) set(out io.Writer, all []loadedOrg) error {
	p, now := all[0], time.Now().UTC()
	if p.Err != nil {
		return p.Err
	}
	since, err := sinceOf(f.since, now)
	if err != nil {
		return err
	}
	return p.change(out, f.dryRun, func(s *checkpoint.State) { p.tellMove(out, s, since, now) }, func() ([]string, error) {
		client := oktaapi.New(oktaapi.Config{Org: p.URL, Auth: p.Credential, HTTP: p.HTTP, PageSize: p.Scope.PageSize,
			Filter: p.Scope.Filter, Query: p.Scope.Query})
		kept, err := checkpoint.Place(p.source.dataPath, p.Scope, string(client.Start(since)), since)
		if kept == "" {
			return nil, err
		}
		return []string{kept}, err
	})
}

// sinceOf reads --since.
func sinceOf(text string, now time.Time) (time.Time, error) {
	since, err := pointOf("--since", text, now)
	switch {
	case err != nil:
		return since, err
	case since.After(now):
		return since, fmt.Errorf("--since is %s, which is in the future: it is %s now", at(since), at(now))
	}
	return since, kept("--since", since, now)
}

// tellMove prints what comes again, or is skipped.
func (p loadedOrg) tellMove(out io.Writer, s *checkpoint.State, since, now time.Time) {
	switch {
	case s == nil || s.Position.Published.IsZero():
		fmt.Fprintf(out, "%s: reading goes on at %s; there was no cursor\n", p.Name, at(since))
	case since.After(s.Position.Published):
		fmt.Fprintf(out, "%s: skips the events from %s to %s (%s), which will not be collected\n", p.Name, at(s.Position.Published), at(since),
			since.Sub(s.Position.Published).Round(time.Second))
	default:
		again := "they come to Loki twice, for there is no reconcile block"
		if p.Loki != nil {
			again = "those that Loki has are not delivered again"
		}
		fmt.Fprintf(out, "%s: reads the events from %s to %s again (%s); %s\n", p.Name, at(since), at(s.Position.Published),
			s.Position.Published.Sub(since).Round(time.Second), again)
	}
	if now.Sub(since) > limits.MaxAge {
		fmt.Fprintln(out, "Loki refuses events older than its reject_old_samples_max_age, a week by default.")
	}
}

func (f *cursorFlags) reset(out io.Writer, all []loadedOrg) error {
	p := all[0]
	if p.Err != nil {
		return p.Err
	}
	return p.change(out, f.dryRun, func(*checkpoint.State) {
		fmt.Fprintf(out, "%s: reading begins with %s\n", p.Name, p.beginning())
		if p.Loki != nil && p.Args.Options.Reconcile.ResumeOverlap > 0 {
			fmt.Fprintln(out, `To begin with initial_lookback in any case, set resume_overlap = "0s" for the next start.`)
		}
	}, func() ([]string, error) { return checkpoint.Remove(p.source.dataPath, p.Scope.Org) })
}

// change holds the data path, tells what will be, does it, and tells where the file of before is.
func (p loadedOrg) change(out io.Writer, dryRun bool, tell func(*checkpoint.State), do func() (kept []string, err error)) error {
	if _, err := os.Stat(p.source.dataPath); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(out, "%s does not exist yet: if %s has run, --storage.path is another one\n", p.source.dataPath, p.source.id)
	}
	owner := checkpoint.OwnerOf(p.source.dataPath)
	if !dryRun {
		lock, err := checkpoint.Acquire(p.source.dataPath)
		if held, ok := errors.AsType[*checkpoint.HeldError](err); ok {
			return fmt.Errorf("%w: stop it first", held)
		}
		if err != nil {
			return fmt.Errorf("%s cannot be locked, so a process may be using it: %w", p.source.dataPath, err)
		}
		defer lock.Release()
	}
	s, err := p.look()
	if err != nil { // of no use, which is no reason to keep it
		fmt.Fprintf(out, "the cursor of before cannot be used: %s\n", err)
	}
	tell(s)
	if p.Args.Options.Clustering.Enabled {
		fmt.Fprintln(out, "With clustering, other nodes have copies: all of them must be stopped, and get the same command.")
	}
	if dryRun {
		fmt.Fprintln(out, "--dry-run: nothing was changed")
		return nil
	}
	kept, err := do()
	for _, file := range kept {
		fmt.Fprintln(out, "the file of before is kept as", file)
	}
	return errors.Join(err, owner.Keep())
}

// at is a time for people.
func at(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
