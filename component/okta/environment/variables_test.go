package environment

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ofOurs are the words of expressions and decoders that no message for a user may have.
var ofOurs = []string{"binop", "json_path", "should be array", "from_yaml", "coalesce", "argument.", "sys.env", "strconv", "%!", "capsule"}

func requireNoneOfOurs(t *testing.T, message string) {
	t.Helper()
	for _, word := range ofOurs {
		require.NotContains(t, message, word)
	}
}

// from returns the values that variables such as "LOG_LEVEL=info" say, beside an org and an empty list of them.
func from(variables ...string) (values, []note, error) {
	set := map[string]string{}
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		set[name] = value
	}
	return read(func(name string) string { return set[name] })
}

func TestVariablesAreTaken(t *testing.T) {
	const loki, logzio = "LOKI_URL=http://loki:3100", "LOGZIO_TOKEN=00shipping"
	for _, c := range []struct {
		variables []string
		want      func(e Exports) any
		is        any
	}{
		// Nothing is set, or nothing is in what is set.
		{nil, func(e Exports) any { return e }, Exports{Destination: "stdout", PollInterval: "10s", InitialLookback: "1h0m0s", RequestTimeout: "1m0s",
			PageSize: 1000, RedactPresets: []string{}, LogLevel: "info"}},
		{[]string{"LOKI_URL= ", "POLL_INTERVAL=", "LOG_LEVEL=", "SANITIZE_USER_IDENTITY=", "PAGE_SIZE=\n"}, destination, "stdout"},
		{[]string{"SANITIZE_USER_IDENTITY="}, masks, false},

		// Booleans.
		{[]string{"SANITIZE_USER_IDENTITY=true"}, masks, true},
		{[]string{"SANITIZE_USER_IDENTITY=TRUE"}, masks, true},
		{[]string{"SANITIZE_USER_IDENTITY=True"}, masks, true},
		{[]string{"SANITIZE_USER_IDENTITY=tRuE"}, masks, true},
		{[]string{"SANITIZE_USER_IDENTITY=t"}, masks, true},
		{[]string{"SANITIZE_USER_IDENTITY=T"}, masks, true},
		{[]string{"SANITIZE_USER_IDENTITY=1"}, masks, true},
		{[]string{"SANITIZE_USER_IDENTITY= true\r"}, masks, true},
		{[]string{"SANITIZE_USER_IDENTITY=false"}, masks, false},
		{[]string{"SANITIZE_USER_IDENTITY=FALSE"}, masks, false},
		{[]string{"SANITIZE_USER_IDENTITY=f"}, masks, false},
		{[]string{"SANITIZE_USER_IDENTITY=0"}, masks, false},

		// Durations and numbers.
		{[]string{"POLL_INTERVAL=1m30s"}, func(e Exports) any { return e.PollInterval }, "1m30s"},
		{[]string{"POLL_INTERVAL=100ms "}, func(e Exports) any { return e.PollInterval }, "100ms"},
		{[]string{"LOOKBACK_INTERVAL=0s"}, func(e Exports) any { return e.InitialLookback }, "0s"},
		{[]string{"LOOKBACK_INTERVAL=2160h"}, func(e Exports) any { return e.InitialLookback }, "2160h0m0s"},
		{[]string{"REQUEST_TIMEOUT=45s"}, func(e Exports) any { return e.RequestTimeout }, "45s"},
		{[]string{"PAGE_SIZE=1"}, func(e Exports) any { return e.PageSize }, 1},
		{[]string{"PAGE_SIZE= 1000"}, func(e Exports) any { return e.PageSize }, 1000},

		// Levels: Alloy's and logrus's.
		{[]string{"LOG_LEVEL=INFO"}, logLevel, "info"},
		{[]string{"LOG_LEVEL=Debug"}, logLevel, "debug"},
		{[]string{"LOG_LEVEL=TRACE"}, logLevel, "debug"},
		{[]string{"LOG_LEVEL=warn"}, logLevel, "warn"},
		{[]string{"LOG_LEVEL=WARNING "}, logLevel, "warn"},
		{[]string{"LOG_LEVEL=panic"}, logLevel, "error"},

		// Loki.
		{[]string{loki}, destination, "loki"},
		{[]string{loki}, lokiAt, "http://loki:3100"},
		{[]string{loki + "/"}, lokiAt, "http://loki:3100"},
		{[]string{loki + "//"}, lokiAt, "http://loki:3100"},
		{[]string{loki + " "}, lokiAt, "http://loki:3100"},
		{[]string{"LOKI_URL= http://loki:3100/\r\n"}, lokiAt, "http://loki:3100"},
		{[]string{loki + "/loki/api/v1/push"}, lokiAt, "http://loki:3100"},
		{[]string{loki + "/loki/api/v1/push/"}, lokiAt, "http://loki:3100"},
		{[]string{loki + "/loki/api/v1/push/ "}, lokiAt, "http://loki:3100"},
		{[]string{loki + "//loki/api/v1/push"}, lokiAt, "http://loki:3100"},
		{[]string{loki + "/loki/api/v1"}, lokiAt, "http://loki:3100"},
		{[]string{loki + "/loki/api/v1/"}, lokiAt, "http://loki:3100"},
		{[]string{"LOKI_URL=https://gateway.example.com/tenants/a/loki/api/v1/push"}, lokiAt, "https://gateway.example.com/tenants/a"},
		{[]string{"LOKI_URL=HTTPS://gateway.example.com"}, lokiAt, "https://gateway.example.com"},

		// Logz.io.
		{[]string{logzio, loki}, destination, "logzio"},
		{[]string{logzio}, func(e Exports) any { return e.PollInterval }, "30s"},
		{[]string{logzio}, func(e Exports) any { return string(e.LogzioToken) }, "00shipping"},
		{[]string{logzio + " "}, func(e Exports) any { return string(e.LogzioToken) }, "00shipping"},
		{[]string{logzio}, endpoint, "https://otlp-listener.logz.io"},
		{[]string{logzio, "LOGZIO_REGION=us"}, endpoint, "https://otlp-listener.logz.io"},
		{[]string{logzio, "LOGZIO_REGION=eu"}, endpoint, "https://otlp-listener-eu.logz.io"},
		{[]string{logzio, "LOGZIO_REGION=EU"}, endpoint, "https://otlp-listener-eu.logz.io"},
		{[]string{logzio, "LOGZIO_REGION= Au "}, endpoint, "https://otlp-listener-au.logz.io"},
		{[]string{logzio, "LOGZIO_LISTENER_HOST=listener-uk.logz.io", "LOGZIO_REGION=eu"}, endpoint, "https://otlp-listener-uk.logz.io"},
		{[]string{logzio, "LOGZIO_LISTENER_HOST=LISTENER.logz.io "}, endpoint, "https://otlp-listener.logz.io"},
		{[]string{logzio, "LOGZIO_LISTENER_HOST=otlp-listener-ca.logz.io"}, endpoint, "https://otlp-listener-ca.logz.io"},
		{[]string{logzio, "LOGZIO_ENDPOINT=http://127.0.0.1:1"}, endpoint, "http://127.0.0.1:1"},

		// What does not count is not looked at.
		{[]string{logzio, "LOKI_URL=loki"}, destination, "logzio"},
		{[]string{loki, "LOGZIO_REGION=mars"}, destination, "loki"},
	} {
		t.Run(strings.Join(c.variables, " "), func(t *testing.T) {
			v, notes, err := from(c.variables...)
			require.NoError(t, err)
			require.Empty(t, notes)
			require.Equal(t, c.is, c.want(v.exports(nil)))
		})
	}
}

func destination(e Exports) any { return e.Destination }
func masks(e Exports) any       { return slices.Equal(e.RedactPresets, []string{"user_identity"}) }
func logLevel(e Exports) any    { return e.LogLevel }
func lokiAt(e Exports) any      { return e.LokiURL }
func endpoint(e Exports) any    { return e.LogzioEndpoint }

func TestVariablesAreRefusedWithTheirNameAndWhatIsAllowed(t *testing.T) {
	const logzio = "LOGZIO_TOKEN=00shipping"
	for _, c := range []struct {
		variables []string
		want      string
	}{
		{[]string{"SANITIZE_USER_IDENTITY=yes"}, `SANITIZE_USER_IDENTITY is "yes": it must be one of true, t, 1, false, f, 0`},
		{[]string{"SANITIZE_USER_IDENTITY=on"}, `SANITIZE_USER_IDENTITY is "on": it must be`},
		{[]string{"SANITIZE_USER_IDENTITY=y"}, `SANITIZE_USER_IDENTITY is "y": it must be`},
		{[]string{"SANITIZE_USER_IDENTITY=no"}, `SANITIZE_USER_IDENTITY is "no": it must be`},
		{[]string{"SANITIZE_USER_IDENTITY=off"}, `SANITIZE_USER_IDENTITY is "off": it must be`},
		{[]string{"SANITIZE_USER_IDENTITY=2"}, `SANITIZE_USER_IDENTITY is "2": it must be`},
		{[]string{"SANITIZE_USER_IDENTITY=enabled"}, `SANITIZE_USER_IDENTITY is "enabled": it must be`},
		{[]string{`SANITIZE_USER_IDENTITY="true"`}, `SANITIZE_USER_IDENTITY is "\"true\"": it must be`},
		{[]string{"POLL_INTERVAL=10"}, `POLL_INTERVAL is "10": it must be a duration of at least 100ms, such as 10s or 1m30s`},
		{[]string{"POLL_INTERVAL=1 m"}, `POLL_INTERVAL is "1 m": it must be`},
		{[]string{"POLL_INTERVAL=1ms"}, `POLL_INTERVAL is "1ms": it must be`},
		{[]string{"POLL_INTERVAL=-10s"}, `POLL_INTERVAL is "-10s": it must be`},
		{[]string{"POLL_INTERVAL=soon"}, `POLL_INTERVAL is "soon": it must be`},
		{[]string{"POLL_INTERVAL=9999999h"}, `POLL_INTERVAL is "9999999h": it must be`},
		{[]string{"LOOKBACK_INTERVAL=1d"}, `LOOKBACK_INTERVAL is "1d": it must be a duration from 0s to 2160h`},
		{[]string{"LOOKBACK_INTERVAL=2161h"}, `LOOKBACK_INTERVAL is "2161h": it must be`},
		{[]string{"LOOKBACK_INTERVAL=-1h"}, `LOOKBACK_INTERVAL is "-1h": it must be`},
		{[]string{"REQUEST_TIMEOUT=0s"}, `REQUEST_TIMEOUT is "0s": it must be a duration above 0s`},
		{[]string{"REQUEST_TIMEOUT=60"}, `REQUEST_TIMEOUT is "60": it must be`},
		{[]string{"PAGE_SIZE=0"}, `PAGE_SIZE is "0": it must be a number from 1 to 1000`},
		{[]string{"PAGE_SIZE=1001"}, `PAGE_SIZE is "1001": it must be`},
		{[]string{"PAGE_SIZE=1e3"}, `PAGE_SIZE is "1e3": it must be`},
		{[]string{"PAGE_SIZE=many"}, `PAGE_SIZE is "many": it must be`},
		{[]string{"LOKI_URL=loki:3100"}, "LOKI_URL cannot be used: it must be the address of a Loki, such as http://loki:3100"},
		{[]string{"LOKI_URL=loki"}, "LOKI_URL cannot be used"},
		{[]string{"LOKI_URL=http://"}, "LOKI_URL cannot be used"},
		{[]string{"LOKI_URL=http://:3100"}, "LOKI_URL cannot be used"},
		{[]string{"LOKI_URL=http://loki:3100/?"}, "without user, query"},
		{[]string{"LOKI_URL=tcp://loki:3100"}, "LOKI_URL cannot be used"},
		{[]string{`LOKI_URL="http://loki:3100"`}, "without user, query and quotation marks"},
		{[]string{`LOKI_URL=http://loki:3100"`}, "LOKI_URL cannot be used"},
		{[]string{"LOKI_URL=http://me:hunter2@loki:3100"}, "without user, query"},
		{[]string{"LOKI_URL=http://loki:3100/?tenant=hunter2"}, "without user, query"},
		{[]string{"LOGZIO_TOKEN=\"hunter2\""}, "LOGZIO_TOKEN cannot be used: it must be the account's shipping token alone"},
		{[]string{"LOGZIO_TOKEN=00 hunter2"}, "LOGZIO_TOKEN cannot be used"},
		{[]string{logzio, "LOGZIO_REGION=eu-central-1"}, `LOGZIO_REGION is "eu-central-1": it must be one of us, au, ca, eu, uk`},
		{[]string{logzio, "LOGZIO_REGION=mars"}, `LOGZIO_REGION is "mars": it must be one of us, au, ca, eu, uk`},
		{[]string{logzio, "LOGZIO_LISTENER_HOST=https://listener-eu.logz.io"},
			`LOGZIO_LISTENER_HOST is "https://listener-eu.logz.io": it must be a host alone, such as listener-eu.logz.io`},
		{[]string{logzio, "LOGZIO_LISTENER_HOST=listener-eu.logz.io:8071"}, `LOGZIO_LISTENER_HOST is "listener-eu.logz.io:8071": it must be`},
		{[]string{logzio, "LOGZIO_LISTENER_HOST=listener-eu.logz.io/"}, `LOGZIO_LISTENER_HOST is "listener-eu.logz.io/": it must be`},
		{[]string{logzio, "LOGZIO_LISTENER_HOST=eu"}, `LOGZIO_LISTENER_HOST is "eu": it must be`},
		{[]string{"POLL_INTERVAL=often", "PAGE_SIZE=big"},
			"POLL_INTERVAL is \"often\": it must be a duration of at least 100ms, such as 10s or 1m30s\nPAGE_SIZE"},
	} {
		t.Run(strings.Join(c.variables, " "), func(t *testing.T) {
			_, notes, err := from(c.variables...)
			require.ErrorContains(t, err, c.want)
			require.Empty(t, notes)
			require.NotContains(t, err.Error(), "hunter2")
			requireNoneOfOurs(t, err.Error())
		})
	}
}

func TestALevelThatIsNoneIsToldAndLeavesTheDefault(t *testing.T) {
	for _, level := range []string{"verbose", "3", `"debug"`, "infoo"} {
		v, notes, err := from("LOG_LEVEL=" + level)
		require.NoError(t, err)
		require.Equal(t, []note{{"LOG_LEVEL", level, "one of debug, info, warn, error"}}, notes)
		require.Equal(t, "info", v.logLevel)
	}
}

// The page about the installation has all variables with their defaults, and no others, and so has the head of the configuration.
func TestTheVariablesAreThoseOfTheDocuments(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash("../../../docs/install.md"))
	require.NoError(t, err)
	config, err := os.ReadFile(filepath.FromSlash("../../../deploy/config/config.alloy"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "## What the environment says")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")

	known := map[string]bool{"HTTPS_PROXY": true, "HTTP_PROXY": true, "NO_PROXY": true}
	for _, destination := range []string{"loki", "logzio"} {
		v := values{destination: destination}
		for _, one := range v.table() {
			known[one.name] = one.name != "LOGZIO_ENDPOINT"
		}
	}
	delete(known, "LOGZIO_ENDPOINT")
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[A-Z_]+`.*?) \\|").FindAllStringSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("[A-Z_]{5,}").FindAllString(row[1], -1) {
			listed[name] = true
		}
	}
	require.Equal(t, known, listed)
	for name := range known {
		require.Contains(t, string(config), name)
	}
}
