package distribution

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"

	"github.com/fatih/color"
	"github.com/grafana/ckit/peer"
	"github.com/spf13/cobra"

	"github.com/grafana/alloy/internal/runtime/logging"
	"github.com/grafana/alloy/internal/service"
	"github.com/grafana/alloy/internal/util/windowspriority"
	"github.com/grafana/alloy/syntax/diag"
)

// runCommand follows upstream's internal/alloycli/cmd_run.go, the RunCommand and Run functions.
func runCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run [flags] path",
		Short: "Run the pipelines of a configuration",
		Long: `run starts the components that the configuration at path describes and keeps
them running until it receives an interrupt.

path is a file, or a directory whose *.alloy files, without those of its
subdirectories, form one configuration. If it cannot be read or has errors, run
prints them and exits with code 1.

SIGHUP, or a GET or POST request to /-/reload, reads path again. If that fails,
run goes on with what it has and reports the error.

An HTTP server, by default at 127.0.0.1:12345, carries:

  /              the UI; --server.http.ui-path-prefix moves it
  /metrics       metrics of ` + Name + ` and of its components
  /-/ready       200 once the configuration was loaded
  /-/healthy     500 while a component is unhealthy
  /-/reload      reads the configuration again
  /-/support     an archive with what is needed to diagnose a problem
  /debug/pprof   Go's profiles`,
		Args:         aPath(1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runUntil(cmd, &flags, args[0], nil)
		},
	}
	flags.register(cmd.Flags())
	return cmd
}

// runUntil runs a configuration until it is interrupted, or until work, if not nil, returns: then it ends in good order and returns
// what work returned. Components find more services than usual.
func runUntil(cmd *cobra.Command, flags *runFlags, path string, work func(context.Context) error, more ...service.Service) error {
	if path == "" {
		return errors.New("the path of the configuration is empty")
	}
	if err := flags.check(); err != nil {
		return err
	}

	var running sync.WaitGroup
	defer running.Wait() // for the components to stop
	ctx, stop := untilInterrupted(cmd.Context())
	defer stop()

	// A SIGHUP that arrives during the first load is obeyed after it. Upstream subscribes later, and would be killed.
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)

	// Log lines wait in memory until the logging block tells their format.
	l, err := logging.NewDeferred(os.Stderr)
	if err != nil {
		return fmt.Errorf("building logger: %w", err)
	}
	if err := setPriority(l, flags.windowsPriority); err != nil {
		return err
	}
	sl := l.Slog()
	applyMemoryLimit(sl)
	setProfiling(sl)

	d, err := newDaemon(ctx, l, flags, cmd.Flags(), path, more)
	if err != nil {
		return err
	}

	// The runtime starts before the configuration is loaded, so that metrics and profiles can be had while it loads.
	running.Go(func() { d.runtime.Run(ctx) })

	if sources, err := d.load(); err != nil {
		var diags diag.Diagnostics
		if !errors.As(err, &diags) {
			return err
		}
		printDiagnostics(sources, diags)
		return errors.New("could not perform the initial load successfully")
	}

	// A node joins the cluster as a viewer, and takes its share of the work once it has a graph. This also holds for a cluster of one, with
	// clustering off: lookups have no owner before.
	if err := d.cluster.ChangeState(ctx, peer.StateParticipant); err != nil {
		return fmt.Errorf("joining the cluster as a participant after the initial load: %w", err)
	}

	if work != nil {
		return work(ctx)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reloads:
			if _, err := d.load(); err != nil {
				sl.Error("failed to reload config", "err", err)
			} else {
				sl.Info("config reloaded")
			}
		}
	}
}

// untilInterrupted returns a context that ends with the first SIGINT or SIGTERM.
// The second one kills the process, as it would without a handler.
func untilInterrupted(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		if context.Cause(ctx) != context.Canceled { // a signal, not stop
			fmt.Fprintln(os.Stderr, "interrupt received")
		}
		stop()
	})
	return ctx, stop
}

// printDiagnostics shows the errors of a configuration with the lines around them, in Alloy's form.
func printDiagnostics(sources map[string][]byte, diags diag.Diagnostics) {
	p := diag.NewPrinter(diag.PrinterConfig{
		Color:              !color.NoColor,
		ContextLinesBefore: 1,
		ContextLinesAfter:  1,
	})
	_ = p.Fprint(os.Stderr, sources, diags)
	fmt.Fprintln(os.Stderr)
}

// setPriority sets the priority of the process on Windows, the only platform that has the flag.
func setPriority(l *logging.Logger, priority string) error {
	if runtime.GOOS != "windows" || priority == windowspriority.PriorityNormal {
		return nil
	}
	if err := windowspriority.SetPriority(priority); err != nil {
		return fmt.Errorf("setting process priority: %w", err)
	}
	l.Slog().Info("set process priority", "priority", priority)
	return nil
}
