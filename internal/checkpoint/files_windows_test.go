package checkpoint

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What Go opens cannot be replaced before it is closed, and busyTimeout is enough for those who only read it.
func TestAFileThatIsReadIsReplacedAfterwards(t *testing.T) {
	dir, j := filled(t, 1)
	f, err := os.Open(j.path)
	require.NoError(t, err)
	err = (system{}).rename(j.path, filepath.Join(dir, "x"))
	require.True(t, (system{}).busy(err), "%v", err)
	time.AfterFunc(100*time.Millisecond, func() { _ = f.Close() })
	require.NoError(t, j.Append(mark(1, t0.Add(time.Second))))
	again, notes, err := Open(dir, testScope, time.Minute)
	require.NoError(t, err)
	require.Empty(t, notes)
	require.Equal(t, j.marks, again.marks)
}
