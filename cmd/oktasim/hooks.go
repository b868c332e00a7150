package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// verifyEvery is how often a receiver is asked to verify a hook until it does: it may start later than the org.
const verifyEvery = time.Second

// sendHooks registers a hook and sends until ctx ends.
func sendHooks(ctx context.Context, org *oktasim.Org, opts options, stderr io.Writer) {
	err := org.Hook(ctx, opts.hookURI, opts.hookHeader, opts.hookSecret)
	if err != nil {
		fmt.Fprintf(stderr, "oktasim: the event hook is not verified yet, trying again every %s: %v\n", verifyEvery, err)
	}
	for err != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(verifyEvery):
		}
		err = org.Hook(ctx, opts.hookURI, opts.hookHeader, opts.hookSecret)
	}
	fmt.Fprintf(stderr, "oktasim: event hook verified, sending to %s\n", opts.hookURI)
	_ = org.SendHooks(ctx) // ctx.Err(), always
}
