package systemlog

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/poller"
	"github.com/grafana/alloy/okta/internal/redact"
)

type (
	// Entry is an event as a line with a time, labels and metadata. Labels may be shared with other entries and must not be changed.
	Entry = event.Entry
	// Format says how events become entries; its zero value gives those of loki.source.okta. Its Org is filled in.
	Format = event.Options
	// Redaction is a Format's Redaction, nil for none: what is taken out of events. Its Mode is "mask" (or ""), "hash", which needs a Key of
	// at least 16 bytes, or "drop". Its Presets are "user_identity", "personal_data" or both, nil for the first; Paths name more values.
	// docs/entries.md says what each takes.
	Redaction = redact.Options
	// ServiceApp authorizes as an Okta service app. Its OrgURL, HTTP and UserAgent are filled in.
	ServiceApp = auth.Options
	// Budgets are the request budgets of orgs. The zero value is ready.
	Budgets = oktaapi.Budgets
)

// Config says what to read, and where to. URL, Dir, Deliver and one of Token and ServiceApp are required.
type Config struct {
	URL        string // of the org: https://acme.okta.com
	Token      string // an API token
	ServiceApp *ServiceApp

	// Dir is the folder of the cursor, which is created when missing. It is for one reader at a time.
	Dir string
	// Deliver takes an entry. It is called by one goroutine, and blocks for as long as it needs to. After an error the entry comes again,
	// with what comes after it: at once when the error is the context's, else after PollInterval. Status has such an error until an entry is
	// taken, and the log has its beginning and its end.
	Deliver func(ctx context.Context, e Entry) error
	Format  Format

	Filter, Query string        // Okta's filter and q; "": all events
	Lookback      time.Duration // where to begin without a cursor, up to 90 days back; 0: 1h
	Replay        time.Duration // what is delivered again at a start, before where the last process stopped; 0: nothing, once a start had 0
	PollInterval  time.Duration // wait after a page that was not full; 0: 10s
	Share         float64       // of the org's rate limit, above 0 and at most 1; 0: 0.5
	Budgets       *Budgets      // shared by readers of a process; nil: one of its own

	HTTP      *http.Client // whose Transport is used; nil: http.DefaultTransport
	UserAgent string       // as Okta's administrators see it; "": alloy-okta
	Logger    log.Logger   // nil: nothing is logged; Status has what is wrong
}

// Reader reads one org. Use it once; Status is safe for concurrent use.
type Reader struct {
	cfg       Config
	org       *url.URL
	auth      oktaapi.Authorizer
	formatter *event.Formatter
	status    poller.Status
}

// New checks the configuration. It reads the file that a service app's key is in, and does no network. Errors name the value and what is
// allowed.
func New(cfg Config) (*Reader, error) {
	r := &Reader{cfg: cfg.withDefaults()}
	if err := r.cfg.validate(); err != nil {
		return nil, err
	}
	var notes []string
	var err error
	if r.org, notes, err = oktaapi.ParseOrg(cfg.URL); err != nil {
		return nil, fmt.Errorf("URL: %w", err)
	}
	for _, note := range notes {
		level.Warn(r.cfg.Logger).Log("msg", "url was normalized", "url", r.org, "note", note)
	}
	if app := r.cfg.ServiceApp; app != nil {
		opts := *app
		opts.OrgURL, opts.HTTP, opts.UserAgent = r.org, r.cfg.HTTP, r.cfg.UserAgent
		r.auth, err = auth.NewPrivateKeyJWT(opts)
	} else {
		r.auth, err = auth.NewSSWS(cfg.Token)
	}
	if err != nil {
		return nil, err
	}
	format := r.cfg.Format
	format.Org = r.org.Host
	if r.formatter, err = event.New(format); err != nil {
		return nil, fmt.Errorf("format: %w", err)
	}
	return r, nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Lookback == 0 {
		cfg.Lookback = time.Hour
	}
	if cfg.PollInterval == 0 {
		cfg.PollInterval = 10 * time.Second
	}
	if cfg.Share == 0 {
		cfg.Share = oktaapi.DefaultShare
	}
	if cfg.Budgets == nil {
		cfg.Budgets = new(Budgets)
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "alloy-okta"
	}
	if cfg.Logger == nil {
		cfg.Logger = log.NewNopLogger()
	}
	return cfg
}

func (cfg Config) validate() error {
	switch {
	case cfg.Deliver == nil:
		return errors.New("no Deliver: it takes the events")
	case cfg.Dir == "":
		return errors.New("no Dir: it is the folder of the cursor")
	case (cfg.Token == "") == (cfg.ServiceApp == nil):
		return errors.New("exactly one of Token and ServiceApp is allowed")
	case cfg.Lookback < 0 || cfg.Lookback > oktaapi.Retention:
		return fmt.Errorf("lookback is %s: it must be between 0s and %s, as Okta keeps events for 90 days", cfg.Lookback, oktaapi.Retention)
	case cfg.Replay < 0:
		return fmt.Errorf("replay is %s: it must be at least 0s", cfg.Replay)
	case cfg.PollInterval < 0:
		return fmt.Errorf("poll interval is %s: it must be above 0s", cfg.PollInterval)
	case !(cfg.Share > 0 && cfg.Share <= 1): // NaN too
		return fmt.Errorf("share is %v: it must be above 0 and at most 1", cfg.Share)
	}
	return nil
}

// Run reads until ctx ends, and returns its error; or at once when another reader has the folder.
func (r *Reader) Run(ctx context.Context) error {
	lock, err := checkpoint.Acquire(r.cfg.Dir)
	if held, is := errors.AsType[*checkpoint.HeldError](err); is {
		return held
	} else if err != nil {
		level.Warn(r.cfg.Logger).Log("msg", "the folder cannot be locked; make sure that no other reader uses it", "path", r.cfg.Dir, "err", err)
	} else {
		defer lock.Release()
	}
	scope := checkpoint.Scope{Org: r.org.String(), Filter: r.cfg.Filter, Query: r.cfg.Query, PageSize: oktaapi.MaxPageSize}
	logger := log.With(r.cfg.Logger, "org", r.org.Host)
	return poller.New(poller.Config{
		Source: oktaapi.New(oktaapi.Config{
			Org: r.org, Auth: r.auth, HTTP: r.cfg.HTTP, PageSize: scope.PageSize, Filter: scope.Filter, Query: scope.Query,
			UserAgent: r.cfg.UserAgent, Budget: r.cfg.Budgets.For(r.org.Host), Share: r.cfg.Share, Waiting: r.status.Waiting,
		}),
		Sink: deliver(r.cfg.Deliver), Format: r.formatter.Entry, Scope: scope,
		Open: func() (*checkpoint.Journal, error) {
			journal, notes, err := checkpoint.Open(r.cfg.Dir, scope, r.cfg.Replay)
			for _, note := range notes {
				level.Warn(logger).Log(append([]any{"msg", note.Message}, note.Fields...)...)
			}
			return journal, err
		},
		Receiver:     func() string { return "Deliver" },
		PollInterval: r.cfg.PollInterval, InitialLookback: r.cfg.Lookback,
		Memory: &poller.Memory{},
		Reporting: poller.Reporting{
			Status: &r.status, Logger: logger, Remedy: func(err error) string { return auth.Remedy(r.auth.Method(), err) },
		},
	}).Run(ctx)
}

// deliver is a function as a poller's sink.
type deliver func(ctx context.Context, e Entry) error

// Send implements poller.Sink.
func (d deliver) Send(ctx context.Context, e Entry) error { return d(ctx, e) }
