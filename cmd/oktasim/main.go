package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit statuses.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// run is the program: it serves until ctx ends and returns the exit status. Help goes to stdout, everything else to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parseOptions(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "oktasim: %v\nRun oktasim --help for all flags.\n", err)
		return exitUsage
	}
	if err := serve(ctx, opts, stderr); err != nil {
		fmt.Fprintf(stderr, "oktasim: %v\n", err)
		return exitFailure
	}
	return exitOK
}

// lastWords is how long requests under way may take once the program is told to end. Faults hang for minutes on purpose.
const lastWords = time.Second

func serve(ctx context.Context, opts options, stderr io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", opts.listen)
	if err != nil {
		return fmt.Errorf("listening on --listen %s: %w", opts.listen, err)
	}
	org := opts.org
	tokenIsNew := org.Token == ""
	if tokenIsNew {
		org.Token = "00" + rand.Text() + rand.Text()[:14] // 42 characters, as Okta's
	}
	if err := org.GenerateWith(opts.backlog, opts.backlogSpan, opts.scenarios...); err != nil {
		return err
	}

	live := &feed{ctx: ctx, org: org}
	live.set(opts.perSecond)
	defer live.stop()

	server := &http.Server{Handler: handler(org, live), ReadHeaderTimeout: 30 * time.Second}
	served := make(chan error, 1)
	introduce(stderr, opts, "http://"+listener.Addr().String(), tokenIsNew)
	go func() { served <- server.Serve(listener) }()
	var hooks sync.WaitGroup
	defer hooks.Wait()
	sending, stopHooks := context.WithCancel(ctx)
	defer stopHooks()
	if opts.hookURI != "" {
		hooks.Go(func() { sendHooks(sending, org, opts, stderr) })
	}

	select {
	case err := <-served:
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close() // what still hangs is a fault somebody asked for
	}
	fmt.Fprintln(stderr, "oktasim: stopped.")
	return nil
}

// introduce tells people all they need to read from this org.
func introduce(w io.Writer, opts options, address string, tokenIsNew bool) {
	url := opts.org.PublicURL
	if url == "" {
		url = address
	}
	fmt.Fprintf(w, "oktasim: an Okta org at %s\n", url)
	if url != address {
		fmt.Fprintf(w, "oktasim: listening on %s\n", address)
	}
	fmt.Fprintf(w, "oktasim: %d events from the last %s, %g per second to come\n", opts.org.Len(), opts.backlogSpan, opts.perSecond)
	token := `sys.env("OKTASIM_TOKEN")`
	switch {
	case tokenIsNew:
		fmt.Fprintf(w, "oktasim: its SSWS token, made up for this run: %s\n", opts.org.Token)
		token = fmt.Sprintf("%q", opts.org.Token)
	case opts.tokenFrom == "--token":
		token = `"<the value of --token>"`
		fallthrough
	default:
		fmt.Fprintf(w, "oktasim: its SSWS token is the one in %s\n", opts.tokenFrom)
	}
	for _, c := range opts.org.Clients {
		fmt.Fprintf(w, "oktasim: service app %s with %d keys\n", c.ID, len(c.Keys.Keys))
	}
	fmt.Fprintf(w, `oktasim: to read it:

loki.source.okta "simulated" {
  url        = %q
  api_token  = %s
  forward_to = [loki.echo.default.receiver]
}

loki.echo "default" { }

`, url, token)
}
