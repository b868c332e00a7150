package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/testbed"
	"github.com/grafana/alloy/okta/syntax"
)

const (
	readyWithin = 2 * time.Minute // for one program to start; a cold disk takes its time
	// alloy-okta's loki.write empties its queue while it shuts down.
	alloyGrace = limits.DrainTimeout + 10*time.Second
	otherGrace = 10 * time.Second
)

// launch is a stack while it runs.
type launch struct {
	options
	out     io.Writer
	workDir string // temporary; holds logs, configuration, and the data that does not stay

	oktasimURL string
	hookAddr   string // where alloy-okta listens for event hooks; "": nowhere
	hookSecret string
	loki       *testbed.Loki         // the demo's
	alerts     *testbed.Alertmanager // takes its alerts
	children   []*testbed.Process
}

// run starts what opts asks for, and returns when ctx ends (nil), when the demo or the lifetime is over (nil), or when something went
// wrong. All children have ended by then. Closing hurry kills them instead of asking them to end.
func run(ctx context.Context, opts options, hurry <-chan struct{}, out io.Writer) (err error) {
	workDir, err := os.MkdirTemp("", "alloy-okta-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	l := &launch{options: opts, out: out, workDir: workDir}
	defer func() {
		if err != nil {
			fmt.Fprintf(out, "Logs are in %s\n", workDir)
			return
		}
		_ = os.RemoveAll(workDir)
	}()
	if opts.lifetime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opts.lifetime)
		defer cancel()
	}

	err = l.start(ctx)
	started := err == nil
	if started {
		err = l.watch(ctx)
	}
	if ctx.Err() != nil {
		err = nil // being stopped is no failure, at whatever moment
		l.say("Stopping. Ctrl-C again stops at once.")
	}
	// A program that was not up yet may not know how to end well.
	if stopErr := l.stop(hurry); started && err == nil {
		err = stopErr
	}
	return err
}

// start brings up the org, Loki and alloy-okta, in this order, and waits for each.
func (l *launch) start(ctx context.Context) error {
	if l.simulated() {
		if err := l.startOktasim(ctx); err != nil {
			return err
		}
	}
	if l.demo {
		if err := l.startLoki(ctx); err != nil {
			return err
		}
	}
	return l.startAlloy(ctx)
}

func (l *launch) startOktasim(ctx context.Context) error {
	addr, err := testbed.FreeAddr()
	if err != nil {
		return err
	}
	l.oktasimURL, l.oktaURL, l.oktaToken = "http://"+addr, "http://"+addr, rand.Text()
	l.say("Starting a simulated org at %s, with %d events of the last 30 minutes and %s to come.", l.oktasimURL, l.backlog, l.rate)
	if !l.demo {
		l.say("Set OKTA_URL and OKTA_API_TOKEN to read a real one.")
	}
	args := []string{"--listen=" + addr, "--rate=" + l.rate, "--backlog=" + strconv.Itoa(l.backlog), "--backlog-span=30m"}
	if l.demo {
		args = append(args, "--quiet") // until the demo's own attack
	}
	if l.hooks {
		if l.hookAddr, err = testbed.FreeAddr(); err != nil {
			return err
		}
		l.hookSecret = rand.Text()
		args = append(args, "--hook-uri=http://"+l.hookAddr+"/okta/acme")
		l.say("It sends event hooks to http://%s/okta/acme, about 10 s after an event.", l.hookAddr)
	}
	process, err := l.child(testbed.Command{
		Name: "oktasim",
		Path: l.oktasimBin,
		Args: args,
		Env:  []string{"OKTASIM_TOKEN=" + l.oktaToken, "OKTASIM_HOOK_SECRET=" + l.hookSecret},
	})
	if err != nil {
		return err
	}
	return ready(ctx, process, l.oktasimURL+"/_oktasim/stats")
}

func (l *launch) startLoki(ctx context.Context) error {
	if l.lokiURL != "" {
		l.say("The demo brings its own Loki: LOKI_URL is not used.")
	}
	dir := filepath.Join(l.workDir, "loki")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("starting loki: %w", err)
	}
	var err error
	if l.alerts, err = testbed.StartAlertmanager(); err != nil {
		return err
	}
	l.loki = &testbed.Loki{Bin: l.lokiBin, Dir: dir, Rules: demoRules(), Alertmanager: l.alerts.URL}
	l.say("Starting Loki.")
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := l.loki.Start(ctx); err != nil {
		return err
	}
	l.children = append(l.children, l.loki.Process)
	l.lokiURL = l.loki.URL()
	return nil
}

func (l *launch) startAlloy(ctx context.Context) error {
	name := "terminal.alloy"
	if l.lokiURL != "" {
		name = "quickstart.alloy"
	}
	if l.hooks {
		name = "event-hook.alloy"
	}
	config, err := syntax.Files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if l.hooks {
		_, port, _ := strings.Cut(l.hookAddr, ":")
		config = bytes.Replace(config, []byte("listen_port    = 8080"), []byte("listen_port    = "+port), 1)
	}
	configFile := filepath.Join(l.workDir, name)
	if err := os.WriteFile(configFile, config, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	storage := filepath.Join(l.workDir, "data-alloy")
	// The demo's Loki forgets, so its cursor must too.
	if l.oktasimURL == "" && !l.demo {
		storage = filepath.Join(l.dataDir, orgFolder(l.oktaURL))
		if err := os.MkdirAll(storage, 0o700); err != nil {
			return fmt.Errorf("making the folder for the cursor: %w", err)
		}
		l.say("The cursor is kept in %s.", storage)
	}
	if !testbed.AddrFree(l.listen) {
		free, err := testbed.FreeAddr()
		if err != nil {
			return err
		}
		l.say("%s is taken by another program; the UI is at %s this time.", l.listen, free)
		l.listen = free
	}
	terminal := l.out
	if l.demo {
		terminal = &glance{out: l.out}
	}
	process, err := l.child(testbed.Command{
		Name:   "alloy-okta",
		Path:   l.alloyBin,
		Args:   []string{"run", "--server.http.listen-addr=" + l.listen, "--storage.path=" + storage, "--disable-reporting", configFile},
		Env:    []string{"OKTA_URL=" + l.oktaURL, "OKTA_API_TOKEN=" + l.oktaToken, "LOKI_URL=" + l.lokiURL, "OKTA_HOOK_SECRET=" + l.hookSecret},
		Output: terminal,
	})
	if err != nil {
		return err
	}
	if err := ready(ctx, process, "http://"+l.listen+"/-/ready"); err != nil {
		return err
	}
	l.say("alloy-okta is running. Its UI: http://%s  Ctrl-C ends everything.", l.listen)
	return nil
}

// watch shows the demo if it was asked for, and waits for ctx to end. A child that ends before is an error.
func (l *launch) watch(ctx context.Context) error {
	// cause distinguishes a child's end from being stopped.
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	for _, child := range l.children {
		go func() {
			select {
			case <-child.Exited():
				fail(fmt.Errorf("%s ended by itself (%w)\n%s", child.Name(), child.Err(), child.Tail(20)))
			case <-running.Done():
			}
		}()
	}
	if l.demo {
		err := l.show(running)
		if err == nil && l.oktasimURL != "" {
			err = l.attack(running)
		}
		if err != nil {
			if running.Err() != nil {
				return context.Cause(running)
			}
			return err
		}
		if l.once {
			return nil
		}
	}
	<-running.Done()
	return context.Cause(running)
}

// stop ends the children, the last started first. alloy-okta is the last, so what it has under way finds Loki and the org there.
func (l *launch) stop(hurry <-chan struct{}) error {
	if l.alerts != nil {
		defer l.alerts.Close()
	}
	stopped := make(chan error, 1)
	go func() {
		var errs []error
		for i := len(l.children) - 1; i >= 0; i-- {
			child := l.children[i]
			grace := otherGrace
			if child.Name() == "alloy-okta" {
				grace = alloyGrace
			}
			errs = append(errs, ended(child, grace))
			if child.Name() == "alloy-okta" && l.demo {
				l.total()
			}
		}
		stopped <- errors.Join(errs...)
	}()
	select {
	case err := <-stopped:
		return err
	case <-hurry:
		for _, child := range l.children {
			child.Kill()
		}
		return errors.New("stopped at once, on request")
	}
}

// ended stops a child, unless it has ended before, which watch has reported.
func ended(child *testbed.Process, grace time.Duration) error {
	select {
	case <-child.Exited():
		return nil
	default:
		return child.Stop(grace)
	}
}

// child starts a program with its log in the work folder.
func (l *launch) child(command testbed.Command) (*testbed.Process, error) {
	command.LogFile = filepath.Join(l.workDir, command.Name+".log")
	process, err := command.Start()
	if err != nil {
		return nil, err
	}
	l.children = append(l.children, process)
	return process, nil
}

func ready(ctx context.Context, process *testbed.Process, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	return process.Ready(ctx, url)
}

// say prints a line of ours, marked so that it stands out among log lines.
func (l *launch) say(format string, args ...any) {
	fmt.Fprintf(l.out, "==> "+format+"\n", args...)
}
