// Package stdout is the component loki.stdout: it writes the line of each entry to standard output, as it is and followed by a line
// feed. The container image uses it to be what grafana/okta-logs-collector was, a program whose output another collector scrapes.
// Upstream's loki.echo writes into Alloy's log instead, each entry as a field of a log message.
package stdout

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/featuregate"
)

func init() {
	component.Register(component.Registration{
		Name:      "loki.stdout",
		Stability: featuregate.StabilityGenerallyAvailable,
		Args:      Arguments{},
		Exports:   Exports{},

		Build: func(opts component.Options, _ component.Arguments) (component.Component, error) {
			return newComponent(opts, os.Stdout), nil
		},
	})
}

// Arguments of loki.stdout: there are none.
type Arguments struct{}

// Exports of loki.stdout.
type Exports struct {
	Receiver loki.LogsReceiver `alloy:"receiver,attr"`
}

// retryInterval is how long a write that failed, on a full disk behind a redirection, waits before it goes on.
const retryInterval = time.Second

// Component writes entries to standard output. Labels and structured metadata are not written.
type Component struct {
	opts     component.Options
	out      io.Writer
	receiver loki.LogsReceiver
}

func newComponent(opts component.Options, out io.Writer) *Component {
	c := &Component{opts: opts, out: out, receiver: loki.NewLogsReceiver(loki.WithComponentID(opts.ID))}
	opts.OnStateChange(Exports{Receiver: c.receiver})
	return c
}

// Run implements component.Component. A reader that is slow, or a write that fails, holds up the sources.
func (c *Component) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case entry := <-c.receiver.Chan():
			c.write(ctx, append([]byte(entry.Line), '\n'))
		}
	}
}

// write goes on where a write that failed has stopped, so that a line is neither cut nor written twice.
func (c *Component) write(ctx context.Context, line []byte) {
	for {
		n, err := c.out.Write(line)
		if err == nil {
			return
		}
		line = line[n:]
		c.opts.Logger.Error("writing to standard output failed, retrying", "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryInterval):
		}
	}
}

// Update implements component.Component.
func (c *Component) Update(component.Arguments) error { return nil }
