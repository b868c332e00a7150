package fanout

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Both sources compile with consumers in forward_to when receiver.go is what consumer_test.go is, and nothing else changes.
func TestTheMoveToConsumersIsOneFile(t *testing.T) {
	code, err := os.ReadFile("consumer_test.go")
	require.NoError(t, err)
	names := strings.NewReplacer("type consumer =", "type Receiver =", "func consume(", "func hand(", "to consumer,", "to Receiver,")
	moved := names.Replace(string(code))
	dir := t.TempDir()
	file := filepath.Join(dir, "receiver.go")
	require.NoError(t, os.WriteFile(file, []byte(moved), 0o600))
	here, err := os.Getwd()
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "receiver.go"): file}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "../../...")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// That it compiles could be luck: nothing but receiver.go says what a receiver is.
func TestReceiversAreKnownInOneFile(t *testing.T) {
	found := 0
	require.NoError(t, filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.Contains(string(content), "LogsReceiver") || strings.Contains(string(content), ".Chan()") {
			require.Equal(t, "receiver.go", filepath.Base(path))
			found++
		}
		return nil
	}))
	require.Equal(t, 1, found)
}
