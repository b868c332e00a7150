// option: reconcile

package poller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
)

// lateLabels keeps the label late of each entry, by uuid.
type lateLabels map[string]model.LabelValue

func (l lateLabels) Send(ctx context.Context, e event.Entry) error {
	l[e.Line] = e.Labels[lateLabel]
	return ctx.Err()
}

func TestEntriesFarBehindGetTheLabelLate(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		late := lateLabels{}
		s.configure = func(cfg *Config) { cfg.Confirm, cfg.Sink = nil, late }
		publish := func(uuid string, ago time.Duration) {
			at := time.Now().Add(-ago).UTC().Format("2006-01-02T15:04:05.000Z")
			s.org.AppendAt(time.Now(), fmt.Appendf(nil, `{"uuid":%q,"published":%q}`, uuid, at))
		}
		publish("first", 20*time.Hour) // nothing is known of its labels: they start anywhere
		publish("live", 0)
		publish("behind", 49*time.Minute)
		publish("far", 70*time.Minute)
		s.run()
		time.Sleep(time.Minute)
		s.stop() // the poller's goroutine writes the map
		require.Equal(t, lateLabels{"first": "", "live": "", "behind": "", "far": "1999-12-31T22"}, late)
		require.InDelta(t, 1, testutil.ToFloat64(s.metrics.late), 0)
		s.process() // the next process knows the newest from the checkpoint
		s.run()
		publish("again", 3*time.Hour)
		time.Sleep(time.Minute)
		s.stop()
		require.Equal(t, model.LabelValue("1999-12-31T21"), late["again"])
	})
}

func TestAnUnreadableCheckpointIsWaitedFor(t *testing.T) {
	in(t, func(t *testing.T, s *site) {
		s.org.Generate(10, time.Minute)
		begin := time.Now()
		s.configure = func(cfg *Config) {
			open := cfg.Open
			cfg.Open = func() (*checkpoint.Journal, error) {
				if time.Since(begin) < 5*time.Minute {
					return nil, errors.New("permission denied")
				}
				return open()
			}
		}
		s.run()
		time.Sleep(4 * time.Minute)
		require.Empty(t, s.org.Requests(), "reading does not start over")
		require.ErrorContains(t, s.status.Snapshot().Wrong[Checkpoint].Err, "permission denied")
		time.Sleep(3 * time.Minute)
		require.NoError(t, s.status.Snapshot().Wrong[Checkpoint].Err)
		s.requireExactlyOnce()
	})
}
