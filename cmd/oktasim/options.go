package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// options is the command line, validated.
type options struct {
	listen      string
	org         *oktasim.Org // without events
	tokenFrom   string       // "--token" or "OKTASIM_TOKEN"
	perSecond   float64
	backlog     int
	backlogSpan time.Duration
	scenarios   []string
	hookURI     string
	hookHeader  string
	hookSecret  string
}

const usage = `oktasim simulates an Okta org with a System Log.

Usage: oktasim [flags]

`

// parseOptions reads the flags. Help is printed to stdout and comes back as flag.ErrHelp; every other error names the flag, its value and
// what is allowed.
func parseOptions(args []string, stdout io.Writer) (options, error) {
	o := options{org: &oktasim.Org{}}
	var rate, clientID, clientJWKS string
	var scopes, scenarios string
	var dpop bool
	fs := flag.NewFlagSet("oktasim", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`host:port` to listen on; port 0 picks a free one")
	fs.StringVar(&o.org.PublicURL, "public-url", "", "scheme and host of the org in links and token audience, such as https://acme.okta.com "+
		"(default: as in each request)")
	fs.StringVar(&o.org.Token, "token", "", "SSWS `token` to accept (default: $OKTASIM_TOKEN, else one is made up and printed)")
	fs.Int64Var(&o.org.Seed, "seed", 0, "seed of the generated world; the same seed gives the same people and habits")
	fs.StringVar(&rate, "rate", "5/s", "live `events` per second, minute or hour: 5/s, 300/m, 10/h; 0 for none")
	fs.IntVar(&o.backlog, "backlog", 100_000, "`events` in the log at the start")
	fs.DurationVar(&o.backlogSpan, "backlog-span", 24*time.Hour, "`duration` before the start over which the backlog is spread")
	fs.IntVar(&o.org.RateLimit, "rate-limit", 120, "System Log `requests` per minute that the org allows; -1 for no limit")
	fs.Float64Var(&o.org.PrincipalShare, "principal-share", 1,
		"`share` of --rate-limit that one token or app may use, above 0 and up to 1 (a real org: 0.5)")
	fs.DurationVar(&o.org.Clock, "clock", 0, "`duration` that the org's clock is ahead of this machine's; negative: behind")
	fs.Float64Var(&o.org.LateShare, "late-share", 0, "`share` of live transactions, from 0 to 1, that reach the log up to 10 minutes late")
	fs.IntVar(&o.org.PageCap, "page-cap", 0, "`events` on a page at most, whatever limit says; 0 for no cap")
	fs.DurationVar(&o.org.VisibleEvery, "visible-every", 0, "show events in bulk, once per `duration`; 0 to show them at once")
	fs.BoolVar(&o.org.Quiet, "quiet", false, "generate everyday events only, nothing that should alarm anybody")
	fs.StringVar(&scenarios, "scenario", "",
		"`names` of attacks, separated by commas, that end at the start, in an org that is otherwise --quiet")
	fs.StringVar(&clientID, "client-id", "", "`id` of an OAuth service app; needs --client-jwks")
	fs.StringVar(&clientJWKS, "client-jwks", "",
		"`file` with the public JWK or JWKS of that app; private keys are reduced to their public part")
	fs.StringVar(&scopes, "client-scopes", "okta.logs.read", "`scopes` granted to that app, separated by commas")
	fs.BoolVar(&dpop, "client-dpop", true, "require DPoP of that app, as Okta does of new ones")
	fs.StringVar(&o.hookURI, "hook-uri", "", "`URL` to send event hooks to; plain http to loopback only (default: none are sent)")
	fs.StringVar(&o.hookHeader, "hook-header", "Authorization", "`header` that carries the hook's secret")
	fs.StringVar(&o.hookSecret, "hook-secret", "", "`value` of that header (default: $OKTASIM_HOOK_SECRET)")
	fs.DurationVar(&o.org.Hooks.Delay, "hook-delay", 10*time.Second, "`duration` from an event to the hook that carries it")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, usage)
			fs.SetOutput(stdout)
			fs.PrintDefaults()
			fmt.Fprint(stdout, "\nScenarios, for --scenario and for POST /_oktasim/scenario?name=NAME:\n")
			for _, s := range oktasim.Scenarios() {
				fmt.Fprintf(stdout, "  %-21s  %s\n", s.Name, s.About)
			}
		}
		return o, explain(fs, err)
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: oktasim takes flags only", fs.Arg(0))
	}

	var err error
	if o.perSecond, err = parseRate(rate); err != nil {
		return o, err
	}
	if scenarios != "" {
		o.org.Quiet, o.scenarios = true, strings.Split(scenarios, ",")
	}
	for _, name := range o.scenarios {
		if err := oktasim.CheckScenario(name); err != nil {
			return o, fmt.Errorf("--scenario: %w", err)
		}
	}
	if (clientID == "") != (clientJWKS == "") {
		return o, errors.New("--client-id and --client-jwks go together: give both or neither")
	}
	if err := cmp.Or(o.checkAddresses(), o.checkNumbers()); err != nil {
		return o, err
	}
	if clientID != "" {
		client := oktasim.OAuthClient{ID: clientID, Scopes: strings.Split(scopes, ","), DPoP: dpop}
		if client.Keys, err = readKeys(clientJWKS); err != nil {
			return o, err
		}
		o.org.Clients = append(o.org.Clients, client)
	}

	if o.hookSecret == "" {
		o.hookSecret = os.Getenv("OKTASIM_HOOK_SECRET")
	}
	if o.hookURI != "" && o.hookSecret == "" {
		return o, errors.New("--hook-uri needs a secret: set --hook-secret or OKTASIM_HOOK_SECRET")
	}
	o.tokenFrom = "--token"
	if o.org.Token == "" {
		o.tokenFrom = "OKTASIM_TOKEN"
		o.org.Token = os.Getenv("OKTASIM_TOKEN")
	}
	return o, nil
}

// checkAddresses says what is wrong with --listen or --public-url.
func (o options) checkAddresses() error {
	if _, port, err := net.SplitHostPort(o.listen); err != nil || !isPort(port) {
		return fmt.Errorf("--listen %q: want host:port, such as 127.0.0.1:8080", o.listen)
	}
	if o.org.PublicURL != "" {
		u, err := url.Parse(o.org.PublicURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" ||
			u.User != nil {

			return fmt.Errorf("--public-url %q: want http:// or https:// and a host, nothing more", o.org.PublicURL)
		}
	}
	return nil
}

// checkNumbers names the first flag whose number or duration is out of range.
func (o options) checkNumbers() error {
	switch {
	case o.backlog < 0:
		return fmt.Errorf("--backlog %d: want 0 or more", o.backlog)
	case o.backlogSpan < 0:
		return fmt.Errorf("--backlog-span %s: want 0s or more", o.backlogSpan)
	case o.org.RateLimit < 1 && o.org.RateLimit != -1:
		return fmt.Errorf("--rate-limit %d: want 1 or more, or -1 for no limit", o.org.RateLimit)
	case !(o.org.PrincipalShare > 0 && o.org.PrincipalShare <= 1): // NaN as well
		return fmt.Errorf("--principal-share %g: want above 0 and up to 1", o.org.PrincipalShare)
	case o.org.PageCap < 0:
		return fmt.Errorf("--page-cap %d: want 0 or more", o.org.PageCap)
	case o.org.VisibleEvery < 0:
		return fmt.Errorf("--visible-every %s: want 0s or more", o.org.VisibleEvery)
	case o.org.Hooks.Delay <= 0:
		return fmt.Errorf("--hook-delay %s: want above 0s", o.org.Hooks.Delay)
	case !(o.org.LateShare >= 0 && o.org.LateShare <= 1):
		return fmt.Errorf("--late-share %g: want 0 to 1", o.org.LateShare)
	}
	return nil
}

// badValue is how package flag words a value it cannot parse.
var badValue = regexp.MustCompile(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-([a-z-]+): `)

// explain says what is allowed where package flag only says "parse error".
func explain(fs *flag.FlagSet, err error) error {
	m := badValue.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	want := ""
	switch fs.Lookup(m[2]).Value.(flag.Getter).Get().(type) {
	case int, int64:
		want = "a whole number"
	case float64:
		want = "a number"
	case time.Duration:
		want = "a duration, such as 30m or 24h"
	case bool:
		want = "true or false"
	}
	return fmt.Errorf("--%s %q: want %s", m[2], m[1], want)
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// parseRate reads "5/s", "300/m", "10/h" or "0" as events per second.
func parseRate(s string) (float64, error) {
	count, unit, hasUnit := strings.Cut(s, "/")
	n, err := strconv.ParseFloat(count, 64)
	seconds, known := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || !(n >= 0 && n <= 1e6) || hasUnit && !known || !hasUnit && n != 0 {
		return 0, fmt.Errorf("--rate %q: want a number per second, minute or hour, such as 5/s, 300/m or 10/h, or 0 for none", s)
	}
	if n == 0 {
		return 0, nil
	}
	return n / seconds, nil
}

// readKeys reads a JWKS, or a single JWK, and keeps the public parts.
func readKeys(path string) (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	raw, err := os.ReadFile(path)
	if err != nil {
		return set, fmt.Errorf("reading --client-jwks: %w", err)
	}
	if err := json.Unmarshal(raw, &set); err != nil || len(set.Keys) == 0 {
		var one jose.JSONWebKey
		if err := json.Unmarshal(raw, &one); err != nil || !one.Valid() {
			return set, fmt.Errorf("--client-jwks %q: want a JWK or a JWKS in JSON, with RSA or EC keys", path)
		}
		set.Keys = []jose.JSONWebKey{one}
	}
	for i, k := range set.Keys {
		if set.Keys[i] = k.Public(); !set.Keys[i].Valid() {
			return set, fmt.Errorf("--client-jwks %q: key %d is not an RSA or EC key", path, i+1)
		}
	}
	return set, nil
}
