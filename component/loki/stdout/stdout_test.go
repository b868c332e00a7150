package stdout

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/grafana/loki/pkg/push"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
)

// full takes room bytes, then fails once and has room again.
type full struct {
	bytes.Buffer
	room int
}

func (f *full) Write(p []byte) (int, error) {
	if len(p) <= f.room || f.room < 0 {
		return f.Buffer.Write(p)
	}
	n, _ := f.Buffer.Write(p[:f.room])
	f.room = -1
	return n, errors.New("no space left on device")
}

// run sends lines to a component that writes to out, and returns what it logged.
func run(t *testing.T, out *full, lines ...string) string {
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		var exports Exports
		c := newComponent(component.Options{
			Logger:        slog.New(slog.NewTextHandler(&log, nil)),
			OnStateChange: func(e component.Exports) { exports = e.(Exports) },
		}, out)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		for _, line := range lines {
			exports.Receiver.Chan() <- loki.Entry{Entry: push.Entry{Line: line}}
		}
		exports.Receiver.Chan() <- loki.Entry{} // taken when the one before is written
		stop()
		require.NoError(t, <-done)
	})
	return log.String()
}

func TestLinesAreWrittenAsTheyAre(t *testing.T) {
	out := full{room: -1}
	require.Empty(t, run(t, &out, `{"a":"ü"}`, "b"))
	require.Equal(t, "{\"a\":\"ü\"}\nb\n\n", out.String())
}

func TestAFailedWriteGoesOnWhereItStopped(t *testing.T) {
	out := full{room: 3}
	require.Contains(t, run(t, &out, "first", "second"), "no space left on device")
	require.Equal(t, "first\nsecond\n\n", out.String())
}
