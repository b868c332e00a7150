package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/testbed"
)

// TestMain lets this test binary play the programs that quickstart starts; it knows them by their arguments. The real ones
// are launched in package e2e.
func TestMain(m *testing.M) {
	arguments := strings.Join(os.Args[1:], " ")
	switch {
	case strings.HasPrefix(arguments, "run --server.http.listen-addr="):
		playAlloy()
	case strings.HasPrefix(arguments, "--listen="):
		serve(argument("--listen="), syscall.SIGTERM)
	default:
		os.Exit(m.Run())
	}
}

// playAlloy says what it was given, serves, and ends as ALLOY_PLAYS says.
func playAlloy() {
	config, _ := os.ReadFile(os.Args[len(os.Args)-1])
	fmt.Printf("config %s to loki %q from %q\n", filepath.Base(os.Args[len(os.Args)-1]), os.Getenv("LOKI_URL"), os.Getenv("OKTA_URL"))
	if !strings.Contains(string(config), "loki.source.okta") || os.Getenv("OKTA_API_TOKEN") == "" {
		os.Exit(7)
	}
	switch os.Getenv("ALLOY_PLAYS") {
	case "crash":
		fmt.Println("Error: no cheese")
		os.Exit(1)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		serve(argument("--server.http.listen-addr="))
	default:
		serve(argument("--server.http.listen-addr="), syscall.SIGTERM)
	}
}

// serve answers 200 until one of the signals comes.
func serve(addr string, until ...os.Signal) {
	ctx, stop := context.Background(), func() {}
	if len(until) > 0 {
		ctx, stop = signal.NotifyContext(ctx, until...)
	}
	defer stop()
	server := &http.Server{Addr: addr, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go server.ListenAndServe()
	<-ctx.Done()
	fmt.Println("ended well")
	os.Exit(0)
}

func argument(prefix string) string {
	for _, arg := range os.Args {
		if value, found := strings.CutPrefix(arg, prefix); found {
			return value
		}
	}
	return ""
}

// screen collects what a launch prints.
type screen struct{ testbed.Log }

func (s *screen) waitFor(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(s.String(), text) }, time.Minute, 5*time.Millisecond, text)
}

// launched runs quickstart with fake programs and returns its screen, how to stop it as with Ctrl-C, how to hurry, and its result.
func launched(t *testing.T, env ...string) (shown *screen, interrupt, hurry func(), result <-chan error) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir()) // a launch that fails keeps its logs
	addr, err := testbed.FreeAddr()
	require.NoError(t, err)
	opts, err := parse([]string{"run", "--listen=" + addr, "--data=" + t.TempDir()}, environment(t, env...), os.Stderr)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	hurried, ended := make(chan struct{}), make(chan error, 1)
	shown = &screen{}
	go func() { ended <- run(ctx, opts, hurried, shown) }()
	return shown, cancel, func() { close(hurried) }, ended
}

func TestWithoutAnOrgOneIsSimulatedAndCtrlCEndsAll(t *testing.T) {
	shown, interrupt, _, result := launched(t)
	shown.waitFor(t, "alloy-okta is running. Its UI: http://127.0.0.1:")
	require.Contains(t, shown.String(), "Starting a simulated org at http://127.0.0.1:")
	require.Contains(t, shown.String(), `config terminal.alloy to loki "" from "http://127.0.0.1:`)
	interrupt()
	require.NoError(t, <-result)
	require.Contains(t, shown.String(), "ended well", "alloy-okta was asked to end")
}

func TestARealOrgIsReadAndItsCursorStays(t *testing.T) {
	shown, interrupt, _, result := launched(t, "OKTA_URL=https://acme.okta.com", "OKTA_API_TOKEN=00secret", "LOKI_URL=http://loki:3100/")
	shown.waitFor(t, "is running")
	interrupt()
	require.NoError(t, <-result)
	require.Contains(t, shown.String(), `config quickstart.alloy to loki "http://loki:3100" from "https://acme.okta.com"`)
	require.Contains(t, shown.String(), filepath.Join("", "acme.okta.com"))
	require.NotContains(t, shown.String(), "simulated org at")
	require.NotContains(t, shown.String(), "00secret")
}

func TestAProgramThatEndsByItselfEndsTheLaunch(t *testing.T) {
	t.Setenv("ALLOY_PLAYS", "crash")
	shown, _, _, result := launched(t)
	err := <-result
	require.ErrorContains(t, err, "alloy-okta: it ended (exit status 1)")
	require.ErrorContains(t, err, "Error: no cheese")
	require.Contains(t, shown.String(), "Logs are in ")
}

func TestASecondCtrlCKillsAtOnce(t *testing.T) {
	t.Setenv("ALLOY_PLAYS", "stubborn")
	shown, interrupt, hurry, result := launched(t)
	shown.waitFor(t, "is running")
	interrupt()
	shown.waitFor(t, "Ctrl-C again stops at once")
	hurry()
	require.ErrorContains(t, <-result, "stopped at once, on request")
}

func TestATakenPortIsReplaced(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer other.Close()
	busy := other.Addr().String()

	opts, err := parse([]string{"run", "--listen=" + busy}, environment(t), os.Stderr)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	shown, result := &screen{}, make(chan error, 1)
	go func() { result <- run(ctx, opts, nil, shown) }()
	shown.waitFor(t, busy+" is taken by another program; the UI is at 127.0.0.1:")
	shown.waitFor(t, "is running")
	cancel()
	require.NoError(t, <-result)
}

func TestALifetimeEndsTheLaunch(t *testing.T) {
	opts, err := parse([]string{"run", "--lifetime=1ns"}, environment(t), os.Stderr)
	require.NoError(t, err)
	require.NoError(t, run(t.Context(), opts, nil, &screen{}))
}

func TestAlertPageShowsTheSevereOnes(t *testing.T) {
	alert := func(name, severity string) testbed.Alert {
		return testbed.Alert{
			Labels:      map[string]string{"alertname": name, "severity": severity, "attack": "T1621"},
			Annotations: map[string]string{"summary": "About " + name},
		}
	}
	bad := alert("OktaBad", "high")
	bad.Annotations["dashboard"], bad.Annotations["runbook_url"] = "/d/okta-investigation?var-user=00u1", "http://127.0.0.1:12345/docs/runbooks.md#oktabad"
	page := alertPage([]testbed.Alert{alert("OktaLow", "low"), bad, bad, alert("OktaSoSo", "medium")})
	require.Equal(t, "\nALERT  high  OktaBad  T1621\n       About OktaBad\n"+
		"       events, in a Grafana with the dashboards: http://localhost:3000/d/okta-investigation?var-user=00u1\n"+
		"       what to do: http://127.0.0.1:12345/docs/runbooks.md#oktabad\n       and 2 of lower severity\n\n", string(page))
}

func TestTheDemoEvaluatesEveryRuleOften(t *testing.T) {
	text := string(demoRules())
	require.Equal(t, strings.Count(text, "\n    rules:\n"), strings.Count(text, "\n    interval: 5s\n"))
	require.Contains(t, text, "\n      - alert: "+scenarioAlert+"\n")
}
