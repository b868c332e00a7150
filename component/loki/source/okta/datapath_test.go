package okta

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/internal/checkpoint"
)

// A process that finds the data path in use reads nothing and says who has it; it reads on from the other's cursor when that has ended.
func TestASecondProcessWaitsForTheDataPath(t *testing.T) {
	host := orgOf(t, 1)
	for name, body := range map[string]string{
		"one org":   fmt.Sprintf("url = \"http://%s\"\napi_token = \"right\"\npoll_interval = \"100ms\"\n", host),
		"many orgs": list(entry("a", host), entry("b", orgOf(t, 0))), // option: orgs
		"a range":   oneRange(host),                                  // option: backfill
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first, err := checkpoint.Acquire(dir)
			require.NoError(t, err)
			args, err := evaluate(t, "forward_to = [receiver]\n"+body)
			require.NoError(t, err)
			s := runsIn(t, dir, args)
			until(t, "it is told", func() bool { return s.CurrentHealth().Health == component.HealthTypeUnhealthy })
			require.Contains(t, s.CurrentHealth().Message, fmt.Sprintf("another process uses %s: pid %d on ", dir, os.Getpid()))
			require.Contains(t, s.CurrentHealth().Message, "--storage.path")
			require.Contains(t, s.everything(t), "waiting for the data path")
			require.NoError(t, s.Update(args), "a reload does not wait")
			require.Empty(t, s.receiver.Chan())
			files, err := os.ReadDir(dir)
			require.NoError(t, err)
			for _, f := range files {
				require.Contains(t, []string{"lock", "lock.holder"}, f.Name(), "the other's")
			}

			first.Release()
			s.take(t)
			require.Equal(t, component.HealthTypeHealthy, s.CurrentHealth().Health)
			_, err = checkpoint.Acquire(dir)
			require.Error(t, err, "it is this one's now")
		})
	}
}

// A data path that cannot be locked is no reason to stop.
func TestADataPathThatCannotBeLockedIsUsedWithAWarning(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lock"), 0o750))
	args, err := evaluate(t, fmt.Sprintf("forward_to = [receiver]\nurl = \"http://%s\"\napi_token = \"right\"\n", orgOf(t, 1)))
	require.NoError(t, err)
	s := runsIn(t, dir, args)
	s.take(t)
	require.Contains(t, s.logs.String(), "the data path cannot be locked")
}
