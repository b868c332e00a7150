package testbed

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain lets this test binary play the children it starts: STACK_ROLE names the part.
func TestMain(m *testing.M) {
	switch os.Getenv("STACK_ROLE") {
	case "":
		os.Exit(m.Run())
	case "server": // serves 200 and ends on SIGTERM
		fmt.Println("serving")
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		go http.ListenAndServe(os.Getenv("STACK_ADDR"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		<-ctx.Done()
		fmt.Println("ended well")
	case "stubborn": // ignores SIGTERM
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		time.Sleep(time.Hour)
	case "broken":
		fmt.Fprintln(os.Stderr, "cannot go on: no cheese")
		os.Exit(3)
	case "parent": // starts a stubborn child and names it
		child, err := Command{
			Name: "grandchild", Path: os.Args[0], Env: []string{"STACK_ROLE=stubborn"}, LogFile: os.Getenv("STACK_LOG"),
		}.Start()
		if err != nil {
			panic(err)
		}
		fmt.Println(child.PID())
		time.Sleep(time.Hour)
	}
}

func role(t *testing.T, name string, env ...string) Command {
	t.Helper()
	return Command{
		Name: name, Path: os.Args[0], Env: append(env, "STACK_ROLE="+name),
		LogFile: filepath.Join(t.TempDir(), name+".log"),
	}
}

func start(t *testing.T, command Command) *Process {
	t.Helper()
	process, err := command.Start()
	require.NoError(t, err)
	t.Cleanup(process.Kill)
	return process
}

func TestAChildBecomesReadyAndEndsCleanly(t *testing.T) {
	addr, err := FreeAddr()
	require.NoError(t, err)
	process := start(t, role(t, "server", "STACK_ADDR="+addr))
	require.NoError(t, process.Ready(t.Context(), "http://"+addr))
	require.False(t, AddrFree(addr), "the address is taken while the child serves on it")

	require.NoError(t, process.Err(), "no error while it runs")
	require.NoError(t, process.Stop(time.Minute))
	require.Equal(t, "serving\nended well\n", process.Log())
	require.True(t, AddrFree(addr))
	require.NoError(t, process.Stop(time.Minute), "stopping again is fine")
}

func TestAChildThatIgnoresSIGTERMIsKilledAndReported(t *testing.T) {
	process := start(t, role(t, "stubborn"))
	waitForLog(t, process, "ready")
	require.ErrorContains(t, process.Stop(time.Millisecond), "stopping stubborn: still running 1ms after SIGTERM, killed")
	require.ErrorContains(t, process.Err(), "signal: killed")
}

func TestReadyGivesUpWhenTheChildEnds(t *testing.T) {
	process := start(t, role(t, "broken"))
	err := process.Ready(t.Context(), "http://127.0.0.1:1/ready")
	require.ErrorContains(t, err, "it ended (exit status 3)")
	require.ErrorContains(t, err, "cannot go on: no cheese", "the error shows the child's last words")
}

func TestReadyGivesUpWhenTheContextEnds(t *testing.T) {
	process := start(t, role(t, "stubborn"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, process.Ready(ctx, "http://127.0.0.1:1/ready"), context.Canceled)
}

func TestAMissingProgramIsNamed(t *testing.T) {
	_, err := Command{Name: "loki", Path: "/nowhere/loki", LogFile: filepath.Join(t.TempDir(), "log")}.Start()
	require.ErrorContains(t, err, "starting loki:")
	require.ErrorContains(t, err, "/nowhere/loki")
}

func TestOutputReceivesWhatTheLogReceives(t *testing.T) {
	var output strings.Builder
	command := role(t, "broken")
	command.Output = &output
	process := start(t, command)
	<-process.Exited()
	require.Equal(t, "cannot go on: no cheese\n", output.String())
	require.Equal(t, output.String(), process.Log())
}

func TestAChildDoesNotOutliveAKilledParent(t *testing.T) {
	log := filepath.Join(t.TempDir(), "grandchild.log")
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "STACK_ROLE=parent", "STACK_LOG="+log)
	stdout, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	grandchild, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	require.True(t, running(grandchild))

	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	require.Eventually(t, func() bool { return !running(grandchild) }, time.Minute, 10*time.Millisecond)
}

// running tells whether a process exists and is no zombie (an orphan's new parent may take its time to reap it).
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func waitForLog(t *testing.T, process *Process, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(process.Log(), text) }, time.Minute, 5*time.Millisecond)
}
