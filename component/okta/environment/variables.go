package environment

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// values are what the variables say.
type values struct {
	destination                string
	oktaURL, oktaToken, apiKey string
	tenantsFile                string
	poll, lookback, timeout    time.Duration
	pageSize                   int
	sanitize                   bool
	logLevel                   string
	lokiURL                    string
	logzioToken, listener      string
	region, endpoint           string
}

// variable is a row of the table. Space around a value is removed, and an empty value is as none: parse is not called.
type variable struct {
	name    string
	allowed string             // in words
	parse   func(string) error // nil error: allowed
	secret  bool               // the value is not to be shown
	lenient bool               // a value that is not allowed is reported, and is as none
}

// note is a variable that was ignored.
type note struct{ name, value, allowed string }

// errNotAllowed stands for what the table says in words.
var errNotAllowed = errors.New("not allowed")

// nothing are the values for a start that failed.
func nothing() values {
	return values{destination: "stdout", sanitize: true, poll: time.Minute, lookback: time.Hour, timeout: oktaapi.DefaultTimeout,
		pageSize: oktaapi.MaxPageSize, logLevel: "info"}
}

// table lists the variables that are read; v has their defaults.
func (v *values) table() []variable {
	all := []variable{
		// What is wrong with these is checked by the org's component, which reports it.
		{name: "OKTA_URL", parse: text(&v.oktaURL)},
		{name: "OKTA_API_TOKEN", parse: text(&v.oktaToken), secret: true},
		{name: "API_KEY", parse: text(&v.apiKey), secret: true},
		{name: "TENANTS_FILE", parse: text(&v.tenantsFile)},

		{
			name: "LOOKBACK_INTERVAL", parse: duration(&v.lookback, 0, oktaapi.Retention),
			allowed: "a duration from 0s to 2160h, such as 1h or 30m",
		},
		{
			name: "POLL_INTERVAL", parse: duration(&v.poll, okta.MinPollInterval, forever),
			allowed: "a duration of at least 100ms, such as 10s or 1m30s",
		},
		{name: "REQUEST_TIMEOUT", allowed: "a duration above 0s, such as 60s", parse: duration(&v.timeout, 1, forever)},
		{name: "PAGE_SIZE", allowed: "a number from 1 to 1000", parse: number(&v.pageSize, 1, oktaapi.MaxPageSize)},
		{name: "SANITIZE_USER_IDENTITY", allowed: "one of true, t, 1, false, f, 0", parse: boolean(&v.sanitize)},
		{name: "LOG_LEVEL", allowed: "one of debug, info, warn, error", parse: level(&v.logLevel), lenient: true},
	}
	switch v.destination {
	case "loki":
		all = append(all, variable{name: "LOKI_URL", secret: true, parse: lokiURL(&v.lokiURL),
			allowed: "the address of a Loki, such as http://loki:3100, without user, query and quotation marks"})
	case "logzio":
		all = append(all,
			variable{
				name: "LOGZIO_TOKEN", parse: word(&v.logzioToken), secret: true,
				allowed: "the account's shipping token alone, one word without quotation marks",
			},
			variable{
				name: "LOGZIO_LISTENER_HOST", parse: listener(&v.listener),
				allowed: "a host alone, such as listener-eu.logz.io, without https:// and port",
			},
			variable{name: "LOGZIO_REGION", parse: oneOf(&v.region, regions), allowed: "one of " + strings.Join(regions, ", ")},
			variable{name: "LOGZIO_ENDPOINT", parse: text(&v.endpoint)}, // for tests
		)
	}
	return all
}

var regions = []string{"us", "au", "ca", "eu", "uk"}

// read takes the values from the environment. The error has all that is wrong.
func read(getenv func(string) string) (v values, notes []note, err error) {
	get := func(name string) string { return strings.TrimSpace(getenv(name)) }
	v = values{destination: "stdout", tenantsFile: "/etc/alloy-okta/tenants-credentials.yml", poll: 10 * time.Second, lookback: time.Hour,
		timeout: oktaapi.DefaultTimeout, pageSize: oktaapi.MaxPageSize, logLevel: "info", region: "us"}
	switch {
	case get("LOGZIO_TOKEN") != "":
		v.destination, v.poll = "logzio", 30*time.Second // as logzio-okta
	case get("LOKI_URL") != "":
		v.destination = "loki"
	}
	var wrong []error
	for _, one := range v.table() {
		value := get(one.name)
		if value == "" || one.parse(value) == nil {
			continue
		}
		if one.lenient {
			notes = append(notes, note{one.name, value, one.allowed})
			continue
		}
		is := fmt.Sprintf("is %q", value)
		if one.secret {
			is = "cannot be used"
		}
		wrong = append(wrong, fmt.Errorf("%s %s: it must be %s", one.name, is, one.allowed))
	}
	return v, notes, errors.Join(wrong...)
}

func (v *values) readFile() (string, error) {
	text, err := os.ReadFile(v.tenantsFile)
	if err != nil {
		return "", fmt.Errorf("TENANTS_FILE cannot be read: %w", err)
	}
	return string(text), nil
}

// orgs are the one in OKTA_URL and those in the text of the file.
func (v *values) orgs(text string) (okta.Orgs, error) {
	listed, err := okta.ReadOrgs(text)
	if err != nil {
		return nil, fmt.Errorf("%s, which TENANTS_FILE names: %w", v.tenantsFile, err)
	}
	if v.oktaURL == "" {
		return listed, nil
	}
	name := "" // the org's host
	if _, _, err := oktaapi.ParseOrg(v.oktaURL); err != nil {
		name = "OKTA_URL"
	}
	var own okta.Orgs
	if err := own.ConvertFrom([]map[string]any{{"name": name, "url": v.oktaURL, "api_token": cmp.Or(v.oktaToken, v.apiKey)}}); err != nil {
		return nil, err
	}
	return append(own, listed...), nil
}

func (v values) exports(orgs okta.Orgs) Exports {
	e := Exports{
		Orgs: orgs, Destination: v.destination,
		PollInterval: v.poll.String(), InitialLookback: v.lookback.String(), RequestTimeout: v.timeout.String(), PageSize: v.pageSize,
		RedactPresets: []string{}, LogLevel: v.logLevel,
		LokiURL: v.lokiURL, LogzioToken: alloytypes.Secret(v.logzioToken), LogzioEndpoint: v.endpoint,
	}
	if v.sanitize {
		e.RedactPresets = []string{"user_identity"}
	}
	if v.destination == "logzio" && v.endpoint == "" {
		host := "listener-" + v.region + ".logz.io"
		if v.region == "us" {
			host = "listener.logz.io"
		}
		host = cmp.Or(v.listener, host)
		e.LogzioEndpoint = "https://otlp-" + strings.TrimPrefix(host, "otlp-")
	}
	return e
}

func text(to *string) func(string) error {
	return func(value string) error {
		*to = value
		return nil
	}
}

const forever = 1<<63 - 1

func duration(to *time.Duration, least, most time.Duration) func(string) error {
	return func(value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < least || d > most {
			return errNotAllowed
		}
		*to = d
		return nil
	}
}

func number(to *int, least, most int) func(string) error {
	return func(value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return errNotAllowed
		}
		*to = n
		return nil
	}
}

// boolean takes what flags of Go programs take, in upper or lower case, as okta-logs-collector does.
func boolean(to *bool) func(string) error {
	return func(value string) (err error) {
		*to, err = strconv.ParseBool(strings.ToLower(value))
		return err
	}
}

func oneOf(to *string, allowed []string) func(string) error {
	return func(value string) error {
		value = strings.ToLower(value)
		if !slices.Contains(allowed, value) {
			return errNotAllowed
		}
		*to = value
		return nil
	}
}

// level takes the names that logrus has for levels, as okta-logs-collector does.
func level(to *string) func(string) error {
	alloys := map[string]string{
		"trace": "debug", "debug": "debug", "info": "info", "warning": "warn", "warn": "warn",
		"error": "error", "fatal": "error", "panic": "error",
	}
	return func(value string) error {
		level, known := alloys[strings.ToLower(value)]
		if !known {
			return errNotAllowed
		}
		*to = level
		return nil
	}
}

// lokiURL takes Loki's address, and removes the path of its API.
func lokiURL(to *string) func(string) error {
	return func(value string) error {
		u, err := url.Parse(value)
		switch {
		case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
			return errNotAllowed
		case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "", strings.ContainsAny(value, "\"'`"):
			return errNotAllowed
		}
		path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/push")
		u.Path = strings.TrimRight(strings.TrimSuffix(path, "/loki/api/v1"), "/")
		*to = u.String()
		return nil
	}
}

var (
	oneWord  = regexp.MustCompile(`^[!-~]+$`)
	hostOnly = regexp.MustCompile(`(?i)^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
)

func word(to *string) func(string) error {
	return func(value string) error {
		if !oneWord.MatchString(value) || strings.ContainsAny(value, "\"'`") {
			return errNotAllowed
		}
		*to = value
		return nil
	}
}

func listener(to *string) func(string) error {
	return func(value string) error {
		if !hostOnly.MatchString(value) {
			return errNotAllowed
		}
		*to = strings.ToLower(value)
		return nil
	}
}

// oneLine is an error without line feeds, which a log line would have escaped.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
