package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	selector = `{job="loki.source.okta"}`
	// byType counts events by type in the last hour. eventType is read from the line.
	byType = `sum by (eventType) (count_over_time(` + selector + ` | json eventType="event.eventType" [1h]))`
	// latest shows who did what.
	latest = selector + ` | json who="event.actor.alternateId", what="event.eventType", result="event.outcome.result"` +
		` | line_format "{{.who}}  {{.what}}  {{.result}}"`

	queryableWithin = time.Minute
	latestCount     = 5
)

// show waits until events can be queried in the demo's Loki, and prints the queries and their results.
func (l *launch) show(ctx context.Context) error {
	l.say("Waiting until events can be queried in Loki.")
	started := time.Now()
	waited := false
	for count, before := 0, -1; count == 0 || count != before; {
		before = count
		var err error
		if count, err = l.count(ctx); err != nil {
			return err
		}
		if count == 0 && !waited && time.Since(started) > queryableWithin {
			if l.oktasimURL != "" || l.once {
				return fmt.Errorf("no events in Loki after %v", queryableWithin)
			}
			l.say("Okta has no events of the last hour. Sign in to make one; this goes on waiting.")
			waited = true
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}

	now := time.Now()
	samples, err := l.loki.Reader().Instant(ctx, byType, now)
	if err != nil {
		return err
	}
	entries, err := l.loki.Reader().Latest(ctx, latest, latestCount, now.Add(-time.Hour), now)
	if err != nil {
		return err
	}
	var page strings.Builder
	fmt.Fprintf(&page, "\nLogQL:  %s\n\n", byType)
	for _, sample := range samples {
		fmt.Fprintf(&page, "%7.0f  %s\n", sample.Value, sample.Labels["eventType"])
	}
	fmt.Fprintf(&page, "\nLogQL:  %s\n\n", latest)
	for _, entry := range entries {
		fmt.Fprintf(&page, "  %s  %s\n", entry.Time.Format(time.TimeOnly), entry.Line)
	}
	fmt.Fprintf(&page, "\nAsk more:  build/logcli --addr=%s query '%s | json'\n\n", l.loki.URL(), selector)
	_, err = fmt.Fprint(l.out, page.String())
	return err
}

// total says at the end how much was delivered. It is a courtesy: what fails here fails silently.
func (l *launch) total() {
	ctx, cancel := context.WithTimeout(context.Background(), otherGrace)
	defer cancel()
	if count, err := l.count(ctx); err == nil {
		l.say("Loki held %d events. alloy-okta would read what was logged since its last poll at its next start.", count)
	}
}

func (l *launch) count(ctx context.Context) (int, error) {
	now := time.Now()
	return l.loki.Reader().Count(ctx, selector, now.Add(-2*time.Hour), now.Add(time.Minute))
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
