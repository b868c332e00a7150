package distribution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/internal/build"
	"github.com/grafana/alloy/internal/component/loki/write"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/internal/doctor"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// toldEvery is the time between two lines about what the command waits for.
const toldEvery = 5 * time.Second

// doctorFlags say what configuration is meant, and how to tell.
type doctorFlags struct {
	run      runFlags
	json     bool
	sendTest bool
}

func doctorCommand() *cobra.Command {
	var flags doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor [flags] path",
		Short: "Check every step from Okta to Loki, and estimate a day",
		Long: `doctor looks at each org of the configuration at path as run would read and deliver
it, and says of every step whether it passes, with what to do if it does not:
name, proxy and TLS; clocks; credentials, scope, role and DPoP; rate limits; the
first page and its next link; the data path; the listener for event hooks; Loki's
push, query and limits. From samples of the last day it estimates events and
bytes a day.

It can be used beside a process that collects: it takes at most 12 requests of each
org's limit, and neither the data path nor its lock. It writes nothing to Loki,
unless --send-test has it send one entry with the label doctor="1" to each endpoint
of a loki.write. Give it the flags --storage.path and --stability.level of that
process, and its user.

It exits with 0 when no check failed, with 1 when one did, and with 2 when the command
or the configuration is of no use, or it was interrupted.`,
		Example: "  " + Name + " doctor /etc/alloy-okta/config.alloy\n  " + Name +
			" doctor --storage.path /var/lib/alloy-okta --json /etc/alloy-okta/config.alloy",
		Args:         aPath(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := untilInterrupted(cmd.Context())
			defer stop()
			return flags.examine(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0])
		},
	}
	fs := cmd.Flags()
	flags.run.registerToLook(fs)
	fs.BoolVar(&flags.json, "json", false, "Print the result as JSON")
	fs.BoolVar(&flags.sendTest, "send-test", false, `Send one entry with the label doctor="1" to each endpoint of a loki.write`)
	misused(cmd, 2)
	return cmd
}

func (f *doctorFlags) examine(ctx context.Context, out, progress io.Writer, path string) error {
	of, err := loadOrgs(ctx, &f.run, path)
	if err != nil {
		return exitError{err, 2}
	}
	orgs, err := patients(of)
	if err != nil {
		return exitError{err, 2}
	}
	told := &progressing{out: progress, at: map[string]string{}, all: len(orgs)}
	stop := told.start()
	reports := doctor.Run(ctx, orgs, doctor.Options{SendTest: f.sendTest, Begin: told.begin})
	stop()
	if f.json {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(reports)
	} else {
		err = printReports(out, reports)
	}
	failed := 0
	for i := range reports {
		if reports[i].Failed() {
			failed++
		}
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return exitError{errors.New("interrupted: not all was looked at"), 2}
	case failed > 0:
		return fmt.Errorf("checks failed for %d of %d orgs", failed, len(reports))
	}
	return nil
}

// patients are the orgs of a configuration.
func patients(orgs []loadedOrg) (all []doctor.Org, err error) {
	var of *oktaSource // whose sinks these are: an endpoint has one client, however many orgs
	var push []doctor.Push
	var others []string
	for _, o := range orgs {
		if of != o.source {
			if push, others, err = sinksOf(o.source); err != nil {
				return nil, err
			}
			of = o.source
		}
		one := doctor.Org{Component: o.source.id, Name: o.Name, Err: o.Err, Push: push, Others: others}
		if o.Err == nil {
			if err := patient(&one, &o); err != nil {
				return nil, fmt.Errorf("%s: %w", o.source.id, err)
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// sinksOf are the endpoints that entries of a component are sent to, and what else they go to.
func sinksOf(s *oktaSource) (push []doctor.Push, others []string, err error) {
	for _, sink := range s.sinks {
		if sink.write == nil {
			others = append(others, sink.id)
			continue
		}
		for i := range sink.write.Endpoints {
			p, err := pushOf(sink.id, &sink.write.Endpoints[i])
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", sink.id, err)
			}
			push = append(push, p)
		}
	}
	return push, others, nil
}

// doctorBudgets are shared by entries of one org, as in run.
var doctorBudgets oktaapi.Budgets

// patient tells of an org what a component would read it with.
func patient(one *doctor.Org, o *loadedOrg) error {
	a, s := &o.Args, o.source
	one.URL, one.HTTP, one.Auth, one.Formatter = o.URL, o.HTTP, o.Credential, o.Formatter
	one.UserAgent, one.Budget = Name+"/"+build.Version+" doctor", doctorBudgets.For(o.URL.Host)
	one.Filter, one.Query, one.PageSize, one.Timeout = a.Filter, a.Query, a.PageSize, a.RequestTimeout
	one.Share, one.PollInterval, one.InitialLookback, one.OutOfOrder = a.RateLimitShare, a.PollInterval, a.InitialLookback, a.OutOfOrderWindow
	one.DataPath = s.dataPath
	if s.args.Options.EventHook != nil {
		cfg, err := s.args.Options.EventHook.HTTP.Config(s.args.Options.EventHook.Header)
		if err == nil {
			_, err = okta.HookSecrets(s.args.Options.EventHook.Secrets)
		}
		if t := cfg.TLS; err == nil && t != nil {
			for _, name := range []string{t.CertFile, t.KeyFile} {
				if _, missing := os.Stat(name); name != "" && missing != nil {
					err = missing
				}
			}
		}
		one.Hook = &doctor.Hook{Addr: cfg.Addr, Err: err}
	}
	if o.Roles != nil {
		one.Roles = &doctor.Roles{Ask: o.Roles, Remedy: o.Remedy}
	}
	if k := o.Actors; k.Ask != nil {
		one.Actors = &doctor.Actors{Ask: k.Ask, Profile: k.Profile, Groups: k.Groups, Remedy: k.Remedy}
	}
	if r := a.Options.Reconcile; r != nil {
		u, hc, err := r.Connection()
		if err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
		one.Loki = &doctor.Query{URL: u, HTTP: hc, Tenant: r.TenantID, Selector: o.Selector,
			IngestersWithin: r.QueryIngestersWithin, MaxAge: r.RejectOldSamplesMaxAge}
		if b := r.HTTPClientConfig.BasicAuth; b != nil {
			one.Loki.User = b.Username
		}
	}
	return nil
}

// pushOf is an endpoint of a loki.write.
func pushOf(id string, e *write.EndpointOptions) (p doctor.Push, err error) {
	p = doctor.Push{Component: id, Tenant: e.TenantID, Header: http.Header{}}
	if p.URL, err = url.Parse(e.URL); err != nil {
		return p, errors.New("the url of an endpoint is not one")
	}
	for name, value := range e.Headers {
		p.Header.Set(name, value)
	}
	if tenant := p.Header.Get("X-Scope-OrgID"); p.Tenant == "" {
		p.Tenant = tenant
	}
	if e.HTTPClientConfig != nil && e.HTTPClientConfig.BasicAuth != nil {
		p.User = e.HTTPClientConfig.BasicAuth.Username
	}
	p.HTTP, err = reconcile.NewClient(*e.HTTPClientConfig.Convert(), "loki.write")
	return p, err
}

// printReports prints a table for each org, and the estimate below it.
func printReports(out io.Writer, reports []doctor.Report) error {
	for i := range reports {
		r := &reports[i]
		fmt.Fprintf(out, "%s, %s\n", r.Org, r.Component)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, c := range r.Checks {
			fmt.Fprintf(table, "  %s\t%s\t%s\n", c.Status, c.Name, c.Seen)
			if c.Remedy != "" {
				fmt.Fprintf(table, "  \t\t-> %s\n", c.Remedy)
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
		switch e := r.Estimate; {
		case e == nil:
			fmt.Fprintln(out, "  a day: not estimated, as the log was not sampled")
		case e.Sampled == 0:
			fmt.Fprintln(out, "  a day: not estimated, as there was no event in any quarter of an hour that was sampled")
		default:
			fmt.Fprintf(out, "  a day: about %.0f events, %.1f MB; %d sampled, %d of them over 256 KB\n", e.EventsPerDay, e.BytesPerDay/1e6,
				e.Sampled, e.Large)
			for _, t := range e.Types {
				fmt.Fprintf(out, "    %s: %.0f events, %.1f MB\n", t.EventType, t.EventsPerDay, t.BytesPerDay/1e6)
			}
		}
		fmt.Fprintf(out, "  requests to the System Log: %d\n\n", r.Requests)
	}
	return nil
}

// progressing says what is waited for.
type progressing struct {
	out io.Writer
	all int

	mu   sync.Mutex
	at   map[string]string // org -> the check that it is at
	done int
}

func (p *progressing) begin(org, check string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if check == "" {
		delete(p.at, org)
		p.done++
		return
	}
	p.at[org] = check
}

// start tells from now on, until the function that it returns is called.
func (p *progressing) start() (stop func()) {
	return tellingEvery(toldEvery, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		var some []string
		for org, check := range p.at {
			if some = append(some, org+" ("+check+")"); len(some) == 3 {
				break
			}
		}
		fmt.Fprintf(p.out, "looked at %d of %d orgs, at %s\n", p.done, p.all, strings.Join(some, ", "))
	})
}
