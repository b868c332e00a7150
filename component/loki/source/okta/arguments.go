package okta

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grafana/alloy/internal/component/common/config"
	alloy_relabel "github.com/grafana/alloy/internal/component/common/relabel"
	"github.com/grafana/alloy/syntax"
	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/component/loki/source/internal/fanout"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
)

const (
	// MinPollInterval is the least poll_interval.
	MinPollInterval = 100 * time.Millisecond
	// Okta gives up a query after 30s; a shorter timeout of ours hides its answer.
	oktaQueryTimeout = 30 * time.Second
	// Limits of q: Okta, "System Log query", keyword search.
	maxKeywords      = 10
	maxKeywordLength = 40
)

// Arguments configures loki.source.okta. docs/loki.source.okta.md describes each.
type Arguments struct {
	ForwardTo []fanout.Receiver `alloy:"forward_to,attr"`

	// The org: its address and credentials.
	URL           string            `alloy:"url,attr,optional"`
	APIToken      alloytypes.Secret `alloy:"api_token,attr,optional"`
	PrivateKeyJWT *PrivateKeyJWT    `alloy:"private_key_jwt,block,optional"`

	PollInterval     time.Duration `alloy:"poll_interval,attr,optional"`
	InitialLookback  time.Duration `alloy:"initial_lookback,attr,optional"`
	ReplayWindow     time.Duration `alloy:"replay_window,attr,optional"`
	OutOfOrderWindow time.Duration `alloy:"out_of_order_window,attr,optional"`
	PageSize         int           `alloy:"page_size,attr,optional"`
	RequestTimeout   time.Duration `alloy:"request_timeout,attr,optional"`
	Filter           string        `alloy:"filter,attr,optional"`
	Query            string        `alloy:"query,attr,optional"`
	RateLimitShare   float64       `alloy:"rate_limit_share,attr,optional"`

	LineFormat         string              `alloy:"line_format,attr,optional"`
	Labels             map[string]string   `alloy:"labels,attr,optional"`
	RelabelRules       alloy_relabel.Rules `alloy:"relabel_rules,attr,optional"`
	StructuredMetadata map[string]string   `alloy:"structured_metadata,attr,optional"`

	Client Client `alloy:"client,block,optional"`

	Options Options `alloy:",squash"`

	moreTokens []string // tried in turn when APIToken is refused
}

// PrivateKeyJWT authorizes as an Okta service app.
type PrivateKeyJWT struct {
	ClientID       string            `alloy:"client_id,attr"`
	PrivateKey     alloytypes.Secret `alloy:"private_key,attr,optional"`
	PrivateKeyFile string            `alloy:"private_key_file,attr,optional"`
	KeyID          string            `alloy:"key_id,attr,optional"`
	Scopes         []string          `alloy:"scopes,attr,optional"`
	DPoP           string            `alloy:"dpop,attr,optional"`

	mayHaveNoKey bool // a wrong key file refuses no configuration
}

// SetToDefault implements syntax.Defaulter.
func (p *PrivateKeyJWT) SetToDefault() {
	*p = PrivateKeyJWT{Scopes: []string{auth.DefaultScope}, DPoP: string(auth.DPoPAuto)}
}

// Client is how to connect, for the log and the token endpoint alike.
type Client struct {
	ProxyConfig *config.ProxyConfig `alloy:",squash"`
	TLSConfig   config.TLSConfig    `alloy:"tls_config,block,optional"`
}

// Validate implements syntax.Validator. A squashed struct's own Validate does not run by itself.
func (c *Client) Validate() error { return c.ProxyConfig.Validate() }

// DefaultArguments holds the defaults.
var DefaultArguments = Arguments{
	PollInterval:     10 * time.Second,
	InitialLookback:  time.Hour,
	ReplayWindow:     time.Minute,
	OutOfOrderWindow: limits.OutOfOrder - 10*time.Minute, // Loki refuses what is further behind
	PageSize:         oktaapi.MaxPageSize,
	RequestTimeout:   oktaapi.DefaultTimeout,
	RateLimitShare:   oktaapi.DefaultShare,
	LineFormat:       event.FormatEnvelope,
}

var (
	_ syntax.Defaulter = (*Arguments)(nil)
	_ syntax.Validator = (*Arguments)(nil)
)

// SetToDefault implements syntax.Defaulter.
func (args *Arguments) SetToDefault() { *args = DefaultArguments }

// Validate implements syntax.Validator. It reads no file, uses no network, and changes nothing. A fault of one of several orgs is not an
// error here: only that org is left out, see [Arguments.orgs].
func (args *Arguments) Validate() error {
	if len(args.ForwardTo) == 0 {
		return errors.New("forward_to is empty: it must name at least one receiver, such as loki.write.default.receiver")
	}
	for _, o := range options {
		if err := o.validate(args, ""); err != nil {
			return err
		}
	}
	if args.single() {
		return args.validateOrg()
	}
	return args.validateReading("org.example", nil)
}

// validateOrg checks the arguments for one org.
func (args *Arguments) validateOrg() error {
	org, _, err := oktaapi.ParseOrg(args.URL)
	if err != nil {
		return fmt.Errorf("url: %w", err)
	}
	switch {
	case args.APIToken != "" && args.PrivateKeyJWT != nil:
		return errors.New("api_token and private_key_jwt are both set: exactly one of them is allowed")
	case args.PrivateKeyJWT == nil && args.APIToken == "":
		return errors.New("neither api_token nor private_key_jwt is set: exactly one of them is required, " +
			"and api_token must not be empty (is its environment variable set?)")
	}
	if err := args.validateCredential(org); err != nil {
		return err
	}
	return args.validateReading(org.Host, options)
}

func (args *Arguments) validateCredential(org *url.URL) error {
	if args.PrivateKeyJWT != nil {
		return wrap("private_key_jwt", args.PrivateKeyJWT.options(org).Validate())
	}
	_, err := auth.NewSSWS(string(args.APIToken))
	return err
}

// validateReading checks how an org is read, and asks options about it.
func (args *Arguments) validateReading(host string, ask []option) error {
	if err := args.validateNumbers(); err != nil {
		return err
	}
	if err := validateQuery(args.Query); err != nil {
		return err
	}
	for _, o := range ask {
		if err := o.validate(args, host); err != nil {
			return err
		}
	}
	_, err := event.New(args.eventOptions(host), args.Options.profile()...)
	return err
}

func (args *Arguments) validateNumbers() error {
	switch {
	case args.PollInterval < MinPollInterval:
		return fmt.Errorf("poll_interval is %s: it must be at least %s", args.PollInterval, MinPollInterval)
	case args.InitialLookback < 0 || args.InitialLookback > oktaapi.Retention:
		return fmt.Errorf("initial_lookback is %s: it must be between 0s and %s, as Okta keeps events for 90 days",
			args.InitialLookback, oktaapi.Retention)
	case args.ReplayWindow < 0 || args.ReplayWindow > 24*time.Hour:
		return fmt.Errorf("replay_window is %s: it must be between 0s (off) and 24h", args.ReplayWindow)
	case args.OutOfOrderWindow < 0 || args.OutOfOrderWindow > 0 && args.OutOfOrderWindow < time.Minute:
		return fmt.Errorf("out_of_order_window is %s: it must be 0s (off) or at least 1m, and below half of Loki's max_chunk_age",
			args.OutOfOrderWindow)
	case args.PageSize < 1 || args.PageSize > oktaapi.MaxPageSize:
		return fmt.Errorf("page_size is %d: it must be between 1 and %d", args.PageSize, oktaapi.MaxPageSize)
	case args.RequestTimeout <= 0:
		return fmt.Errorf("request_timeout is %s: it must be above 0s", args.RequestTimeout)
	case !(args.RateLimitShare > 0 && args.RateLimitShare <= 1): // NaN too
		return fmt.Errorf("rate_limit_share is %v: it must be above 0 and at most 1", args.RateLimitShare)
	}
	return nil
}

func validateQuery(q string) error {
	words := strings.Fields(q)
	if len(words) > maxKeywords {
		return fmt.Errorf("query has %d keywords: Okta allows at most %d", len(words), maxKeywords)
	}
	for _, w := range words {
		if n := utf8.RuneCountInString(w); n > maxKeywordLength {
			return fmt.Errorf("query has the keyword %q of %d characters: Okta allows at most %d", w, n, maxKeywordLength)
		}
	}
	return nil
}
