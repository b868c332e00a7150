package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Command says how to start a child. Path and LogFile are required.
type Command struct {
	Name    string    // what people call it: "loki"
	Path    string    // the program
	Args    []string  // its arguments, without the program
	Env     []string  // "KEY=value", in addition to this program's own environment
	Dir     string    // working directory; this program's own when empty
	LogFile string    // receives standard output and standard error, appended
	Output  io.Writer // receives them too; may be nil. Its Write is called by one goroutine
}

// Process is a running (or ended) child. Its methods are safe for concurrent use.
type Process struct {
	command Command
	process *os.Process
	exited  chan struct{}
	err     error // of Wait; set before exited is closed
}

// Start starts the child. It returns as soon as the program runs, not when it is ready: see Ready.
func (c Command) Start() (*Process, error) {
	logFile, err := os.OpenFile(c.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: opening its log: %w", c.Name, err)
	}
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Dir = c.Dir
	cmd.SysProcAttr = childAttributes()
	cmd.WaitDelay = time.Second // for copying the last output of a killed child
	// Without Output the child writes to the file itself, and what it wrote is there even when this program is killed.
	cmd.Stdout = logFile
	if c.Output != nil {
		cmd.Stdout = io.MultiWriter(logFile, c.Output)
	}
	cmd.Stderr = cmd.Stdout // the same writer: one pipe, so lines keep their order

	p := &Process{command: c, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel's parent-death signal is tied to the thread that forked, so that thread stays in this goroutine.
		runtime.LockOSThread()
		defer logFile.Close()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.process = cmd.Process
		started <- nil
		p.err = cmd.Wait()
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Name, err)
	}
	return p, nil
}

// Name returns the name the child was started under.
func (p *Process) Name() string { return p.command.Name }

// PID returns the child's process id.
func (p *Process) PID() int { return p.process.Pid }

// Exited is closed once the child has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Err returns how the child ended: nil for exit code 0 or while it runs.
func (p *Process) Err() error {
	select {
	case <-p.exited:
		return p.err
	default:
		return nil
	}
}

// Signal sends sig to the child. An ended child is not an error.
func (p *Process) Signal(sig os.Signal) error {
	if err := p.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signaling %s: %w", p.Name(), err)
	}
	return nil
}

// Kill ends the child as a power cut would (SIGKILL) and waits until it is gone.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL)
	<-p.exited
}

// Stop asks the child to end (SIGTERM) and waits for it. A child that has not ended after grace is killed, which is an error, as
// is an exit code other than 0. Stopping an ended child returns how it ended.
func (p *Process) Stop(grace time.Duration) error {
	_ = p.Signal(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
		if p.err != nil {
			return fmt.Errorf("stopping %s: %w", p.Name(), p.err)
		}
		return nil
	case <-timer.C:
		p.Kill()
		return fmt.Errorf("stopping %s: still running %v after SIGTERM, killed", p.Name(), grace)
	}
}

// Ready waits until a GET of url is answered with 200. It gives up when ctx ends or the child does; the error then holds the end
// of the child's log.
func (p *Process) Ready(ctx context.Context, url string) error {
	client := &http.Client{Timeout: 5 * time.Second}
	last := "no answer yet"
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", p.Name(), err)
		}
		if resp, err := client.Do(req); err == nil {
			body, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			last = fmt.Sprintf("%s: %s", resp.Status, strings.TrimSpace(string(body)))
		}
		select {
		case <-p.exited:
			return fmt.Errorf("waiting for %s: it ended (%v)\n%s", p.Name(), exitText(p.err), p.Tail(20))
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s at %s: %w (%s)\n%s", p.Name(), url, context.Cause(ctx), last, p.Tail(20))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Log returns everything the child has written so far.
func (p *Process) Log() string {
	content, err := os.ReadFile(p.command.LogFile)
	if err != nil {
		return err.Error()
	}
	return string(content)
}

// Tail returns the last lines of the child's log, under a heading that names the child and the file.
func (p *Process) Tail(lines int) string {
	all := strings.Split(strings.TrimRight(p.Log(), "\n"), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return fmt.Sprintf("--- end of %s's log (%s)\n%s", p.Name(), p.command.LogFile, strings.Join(all, "\n"))
}

func exitText(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}
