package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// environment returns a look-up in which the programs exist, changed by more ("KEY=value").
func environment(t *testing.T, more ...string) func(string) string {
	t.Helper()
	values := map[string]string{"ALLOY_OKTA_BIN": os.Args[0], "OKTASIM_BIN": os.Args[0], "LOKI_BIN": os.Args[0]}
	for _, pair := range more {
		key, value, _ := strings.Cut(pair, "=")
		values[key] = value
	}
	return func(key string) string { return values[key] }
}

func TestParseAcceptsWhatAStrangerTypes(t *testing.T) {
	cases := map[string]struct {
		args []string
		env  []string
		want func(o *options)
	}{
		"run":  {args: []string{"run"}, want: func(o *options) {}},
		"demo": {args: []string{"demo"}, want: func(o *options) { o.demo, o.backlog = true, demoBacklog }},
		"a real org": {
			args: []string{"run"}, env: []string{"OKTA_URL= https://acme.okta.com ", "OKTA_API_TOKEN=00abc\n"},
			want: func(o *options) { o.oktaURL, o.oktaToken = "https://acme.okta.com", "00abc" },
		},
		"a loki": {
			args: []string{"run"}, env: []string{"LOKI_URL=http://localhost:3100/"},
			want: func(o *options) { o.lokiURL = "http://localhost:3100" },
		},
		"a loki by its push address": {
			args: []string{"run"}, env: []string{"LOKI_URL=https://logs.example.com/tenant/loki/api/v1/push"},
			want: func(o *options) { o.lokiURL = "https://logs.example.com/tenant" },
		},
		"a demo that ends": {
			args: []string{"demo"}, env: []string{"DEMO_SECONDS=1.5"},
			want: func(o *options) { o.demo, o.backlog, o.lifetime = true, demoBacklog, 1500*time.Millisecond },
		},
		"flags": {
			args: []string{"demo", "--once", "--rate=9/s", "--backlog=7", "--listen=127.0.0.1:1", "--lifetime=1m"},
			want: func(o *options) {
				o.demo, o.once, o.rate, o.backlog, o.listen, o.lifetime = true, true, "9/s", 7, "127.0.0.1:1", time.Minute
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := parse(tc.args, environment(t, tc.env...), io.Discard)
			require.NoError(t, err)
			want := options{listen: defaultListen, dataDir: "data", rate: "1/s", backlog: runBacklog}
			tc.want(&want)
			got.alloyBin, got.oktasimBin, got.lokiBin = "", "", ""
			require.Equal(t, want, got)
		})
	}
}

func TestParseRefusesInWordsThatHelp(t *testing.T) {
	cases := map[string]struct {
		args []string
		env  []string
		want string
	}{
		"nothing":                {nil, nil, "usage: quickstart run|demo"},
		"an unknown command":     {[]string{"walk"}, nil, `unknown command "walk"; usage: quickstart run|demo`},
		"too much":               {[]string{"run", "fast"}, nil, `unexpected argument "fast"`},
		"once without the demo":  {[]string{"run", "--once"}, nil, "--once is for quickstart demo"},
		"hooks without the demo": {[]string{"run", "--hooks"}, nil, "--hooks is for quickstart demo with a simulated org"},
		"hooks of a real org":    {[]string{"demo", "--hooks"}, []string{"OKTA_URL=https://acme.okta.com", "OKTA_API_TOKEN=t"}, "--hooks is for quickstart demo with a simulated org"},
		"a negative backlog":     {[]string{"run", "--backlog=-1"}, nil, "must not be negative"},
		"an org without a token": {
			[]string{"run"}, []string{"OKTA_URL=https://acme.okta.com"}, "OKTA_URL is set (https://acme.okta.com), but OKTA_API_TOKEN is not",
		},
		"a token without an org": {[]string{"run"}, []string{"OKTA_API_TOKEN=00secret"}, "OKTA_API_TOKEN is set, but OKTA_URL is not"},
		"a loki without scheme": {[]string{"run"}, []string{"LOKI_URL=localhost:3100"},
			`LOKI_URL is "localhost:3100": the address of a Loki is expected`},
		"seconds that are none": {[]string{"demo"}, []string{"DEMO_SECONDS=soon"}, `DEMO_SECONDS is "soon": a number of seconds is expected`},
		"seconds below zero":    {[]string{"demo"}, []string{"DEMO_SECONDS=-3"}, `DEMO_SECONDS is "-3"`},
		"alloy-okta not built": {[]string{"run"}, []string{"ALLOY_OKTA_BIN=/nowhere/a"},
			"alloy-okta is missing at /nowhere/a: build it with `make build`"},
		"loki not built": {[]string{"demo"}, []string{"LOKI_BIN=/nowhere/l"}, "loki is missing at /nowhere/l: build it with `make loki`"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parse(tc.args, environment(t, tc.env...), io.Discard)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "00secret")
		})
	}
}

func TestParsePrintsHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"run", "--help"}} {
		var printed strings.Builder
		_, err := parse(args, environment(t), &printed)
		require.ErrorIs(t, err, flag.ErrHelp)
		require.Contains(t, printed.String(), "OKTA_API_TOKEN")
		require.Contains(t, printed.String(), "-lifetime")
	}
}

func TestProgramsAreLookedForInBuild(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("build", 0o700))
	require.NoError(t, os.WriteFile(filepath.Join("build", "oktasim"), nil, 0o700))
	path, err := program(func(string) string { return "" }, "OKTASIM_BIN", "oktasim")
	require.NoError(t, err)
	require.True(t, filepath.IsAbs(path))
	require.FileExists(t, path)
}

func TestOrgFolderIsAPlainName(t *testing.T) {
	for orgURL, want := range map[string]string{
		"https://Acme.okta.com":          "acme.okta.com",
		"https://acme.okta.com/api/v1/":  "acme.okta.com",
		"http://127.0.0.1:8080":          "127.0.0.1_8080",
		"acme.okta.com":                  "acme.okta.com",
		"../../etc":                      "_.._etc",
		"https://user:pass@acme.example": "acme.example",
	} {
		require.Equal(t, want, orgFolder(orgURL), orgURL)
	}
}

func TestGlanceShowsEntriesWarningsAndErrors(t *testing.T) {
	long := strings.Repeat("é", glanceColumns+1)
	log := `ts=1 level=info msg="starting"
ts=2 level=info component_path=/ component_id=loki.echo.terminal receiver=x entry="{\"a\":1}" labels={}
ts=3 level=warn msg="slow"
ts=4 level=info component_path=/ component_id=loki.echo.terminal receiver=x entry=` + long + `
panic: no cheese
ts=5 level=error msg="bad"
`
	want := `entry "{\"a\":1}" labels={}
ts=3 level=warn msg="slow"
entry ` + long[:2*glanceColumns] + `…
panic: no cheese
ts=5 level=error msg="bad"
`
	for size := 1; size < 60; size += 7 {
		var shown strings.Builder
		g := &glance{out: &shown}
		for rest := log; rest != ""; {
			n := min(size, len(rest))
			written, err := g.Write([]byte(rest[:n]))
			require.NoError(t, err)
			require.Equal(t, n, written)
			rest = rest[n:]
		}
		require.Equal(t, want, shown.String(), "in writes of %d bytes", size)
	}
}
