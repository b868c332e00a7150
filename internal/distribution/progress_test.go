package distribution

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A file, such as a job's log, gets a line now and then, and nothing that only a terminal understands.
func TestProgressInAFileIsALineNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, err := os.Create(filepath.Join(t.TempDir(), "log"))
		require.NoError(t, err)
		defer out.Close()
		show, end := progress(out)
		for i, text := range []string{"begun", "more", "still more"} {
			show(float64(i)/4, text)
			time.Sleep(reportedEvery/2 + time.Millisecond)
		}
		end()
		text, err := os.ReadFile(out.Name())
		require.NoError(t, err)
		require.Equal(t, "  0.0 %  begun\n 50.0 %  still more\n", string(text))
	})
}
