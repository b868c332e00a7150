package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	defaultListen = "127.0.0.1:12345" // upstream Alloy's
	demoBacklog   = 120
	runBacklog    = 5
)

// options is a valid request: parse refuses everything else.
type options struct {
	demo bool

	oktaURL, oktaToken string // both empty: simulate an org
	lokiURL            string // base URL of the user's own Loki, "" for none
	listen             string // of alloy-okta's HTTP server, and so of the UI
	dataDir            string // where a real org's cursor is kept, in a folder for each org

	rate    string // of the simulated org: "1/s"
	backlog int    // events that the simulated org already has

	lifetime time.Duration // 0: until stopped
	once     bool          // demo only: end when the result was printed
	hooks    bool          // demo only: poll rarely, and let event hooks wake the poller

	alloyBin, oktasimBin, lokiBin string
}

func (o options) simulated() bool { return o.oktaURL == "" }

// parse reads the command line and the environment. Errors are sentences for the terminal. It returns flag.ErrHelp after it printed
// the help that was asked for.
func parse(args []string, env func(string) string, stderr io.Writer) (options, error) {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: quickstart run|demo [flags]\n\nFrom the environment: OKTA_URL, OKTA_API_TOKEN, LOKI_URL, DEMO_SECONDS.\n\n")
		flags.PrintDefaults()
	}
	opts := options{demo: len(args) > 0 && args[0] == "demo"}
	backlog := runBacklog
	if opts.demo {
		backlog = demoBacklog
	}
	flags.StringVar(&opts.listen, "listen", defaultListen, "address of the UI; if it is taken, another port is used")
	flags.StringVar(&opts.dataDir, "data", "data", "folder for the cursor of a real org")
	flags.StringVar(&opts.rate, "rate", "1/s", "how many events per second the simulated org logs")
	flags.IntVar(&opts.backlog, "backlog", backlog, "how many events the simulated org has logged in the last 30 minutes")
	flags.DurationVar(&opts.lifetime, "lifetime", 0, "end after this time, such as 30s (0: at Ctrl-C)")
	flags.BoolVar(&opts.once, "once", false, "demo: end when the result has been printed")
	flags.BoolVar(&opts.hooks, "hooks", false, "demo: poll every five minutes, and at once when the simulated org sends an event hook")
	if len(args) == 0 {
		return options{}, errors.New("usage: quickstart run|demo [flags]; --help lists the flags")
	}
	switch args[0] {
	case "run", "demo":
	case "-h", "--help", "help":
		flags.Usage()
		return options{}, flag.ErrHelp
	default:
		return options{}, fmt.Errorf("unknown command %q; usage: quickstart run|demo [flags]", args[0])
	}
	if err := flags.Parse(args[1:]); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q; --help lists the flags", flags.Arg(0))
	}
	err := opts.check()
	if err != nil {
		return options{}, err
	}
	if opts.demo && opts.lifetime == 0 {
		if opts.lifetime, err = lifetimeFrom(env("DEMO_SECONDS")); err != nil {
			return options{}, err
		}
	}
	if opts.oktaURL, opts.oktaToken, err = oktaFrom(env); err != nil {
		return options{}, err
	}
	if opts.lokiURL, err = lokiFrom(env("LOKI_URL")); err != nil {
		return options{}, err
	}
	if opts.hooks && !opts.simulated() {
		return options{}, errHooks
	}
	err = opts.findPrograms(env)
	return opts, err
}

var errHooks = errors.New("--hooks is for quickstart demo with a simulated org: Okta could not reach this machine")

// check refuses flags that make no sense.
func (o *options) check() error {
	switch {
	case o.once && !o.demo:
		return errors.New("--once is for quickstart demo; use --lifetime to end quickstart run")
	case o.backlog < 0 || o.lifetime < 0:
		return fmt.Errorf("--backlog (%d) and --lifetime (%v) must not be negative", o.backlog, o.lifetime)
	case o.hooks && !o.demo:
		return errHooks
	}
	return nil
}

// lifetimeFrom returns the time that a number of seconds says, 0 for none.
func lifetimeFrom(seconds string) (time.Duration, error) {
	if seconds == "" {
		return 0, nil
	}
	lifetime, err := time.ParseDuration(seconds + "s")
	if err != nil || lifetime <= 0 {
		return 0, fmt.Errorf("DEMO_SECONDS is %q: a number of seconds is expected, such as 60", seconds)
	}
	return lifetime, nil
}

// findPrograms sets the paths of the programs that the request needs.
func (o *options) findPrograms(env func(string) string) (err error) {
	o.alloyBin, err = program(env, "ALLOY_OKTA_BIN", "alloy-okta")
	if err == nil && o.simulated() {
		o.oktasimBin, err = program(env, "OKTASIM_BIN", "oktasim")
	}
	if err == nil && o.demo {
		o.lokiBin, err = program(env, "LOKI_BIN", "loki")
	}
	return err
}

// oktaFrom returns the org to read, empty for a simulated one. The URL itself is for loki.source.okta to judge, which does it
// better; the token is never part of an error.
func oktaFrom(env func(string) string) (orgURL, token string, err error) {
	orgURL, token = strings.TrimSpace(env("OKTA_URL")), strings.TrimSpace(env("OKTA_API_TOKEN"))
	switch {
	case orgURL != "" && token == "":
		return "", "", fmt.Errorf("OKTA_URL is set (%s), but OKTA_API_TOKEN is not.\n"+
			"Create a token in Okta's Admin Console (Security > API > Tokens, as a read-only administrator) and set OKTA_API_TOKEN to it,\n"+
			"or unset OKTA_URL to use a simulated org", orgURL)
	case orgURL == "" && token != "":
		return "", "", errors.New("OKTA_API_TOKEN is set, but OKTA_URL is not.\n" +
			"Set OKTA_URL to your org, such as https://acme.okta.com, or unset OKTA_API_TOKEN to use a simulated org")
	}
	return orgURL, token, nil
}

// lokiFrom returns the base URL of a Loki, for a base URL or a push URL.
func lokiFrom(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	parsed, err := url.Parse(text)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
		return "", fmt.Errorf("LOKI_URL is %q: the address of a Loki is expected, such as http://localhost:3100", text)
	}
	text = strings.TrimRight(text, "/")
	return strings.TrimRight(strings.TrimSuffix(text, "/loki/api/v1/push"), "/"), nil
}

// program returns the absolute path of a program: the one the environment names, or the one in build/.
func program(env func(string) string, variable, name string) (string, error) {
	path := env(variable)
	if path == "" {
		path = filepath.Join("build", name)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", name, err)
	}
	if _, err := os.Stat(path); err != nil {
		target := "make build"
		if name == "loki" {
			target = "make loki"
		}
		return "", fmt.Errorf("%s is missing at %s: build it with `%s`, or set %s", name, path, target, variable)
	}
	return path, nil
}

// orgFolder returns a name for the folder of an org's data: its host, whatever else the URL has.
func orgFolder(orgURL string) string {
	host := orgURL
	if parsed, err := url.Parse(orgURL); err == nil && parsed.Host != "" {
		host = parsed.Host
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(strings.Trim(host, ". ")))
}
