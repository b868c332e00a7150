package checkpoint

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain is another process for tests: it takes a folder and holds it until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("CHECKPOINT_TEST_HOLD"); dir != "" {
		if _, err := Acquire(dir); err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Stdout.WriteString("held\n")
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or its parent ends
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// holds starts a process that holds dir, and returns how to kill it.
func holds(t *testing.T, dir string) (kill func(), pid int) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "CHECKPOINT_TEST_HOLD="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	_, err = cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "held\n", line)
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}, cmd.Process.Pid
}

func TestAFolderBelongsToOneProcessUntilItEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	begin := time.Now()
	kill, pid := holds(t, dir)
	_, err := Acquire(dir)
	held := &HeldError{}
	require.ErrorAs(t, err, &held)
	require.Equal(t, pid, held.PID)
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, host, held.Host)
	require.WithinRange(t, held.Since, begin, time.Now())
	require.Contains(t, held.Error(), dir)

	other, err := Acquire(t.TempDir())
	require.NoError(t, err, "another component's")
	other.Release()

	kill() // as kill -9: the files stay, the lock does not
	lock, err := Acquire(dir)
	require.NoError(t, err)
	_, err = Acquire(dir)
	require.ErrorAs(t, err, &held, "by this process, twice")
	require.Equal(t, os.Getpid(), held.PID)
	lock.Release()
	lock, err = Acquire(dir)
	require.NoError(t, err, "again after it was given back")
	lock.Release()
}

// A lock says who holds it as far as is known, and is one all the same.
func TestAHolderThatIsNotKnownHolds(t *testing.T) {
	for _, content := range []string{"", "{", `{"pid":"x"}`, "null"} {
		dir := t.TempDir()
		kill, _ := holds(t, dir)
		require.NoError(t, os.WriteFile(filepath.Join(dir, holderName), []byte(content), 0o600))
		_, err := Acquire(dir)
		held := &HeldError{}
		require.ErrorAs(t, err, &held)
		require.Equal(t, "another process uses "+dir, held.Error())
		kill()
	}
}

// Whether somebody else is there cannot be told: that is for a warning, not for waiting.
func TestAFolderThatCannotBeLockedIsNotHeld(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	lock := filepath.Join(t.TempDir(), lockName)
	require.NoError(t, os.Mkdir(lock, 0o750))
	for name, dir := range map[string]string{"below a file": filepath.Join(file, "folder"), "a folder in the lock's place": filepath.Dir(lock)} {
		_, err := Acquire(dir)
		require.Error(t, err, name)
		held := &HeldError{}
		require.NotErrorAs(t, err, &held, name)
		require.False(t, strings.HasPrefix(err.Error(), "open "), "the path is the caller's to name: %s", err)
	}
}
