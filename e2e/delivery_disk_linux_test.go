package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// disk is where alloy-okta keeps its state, and can be full.
type disk interface {
	fill(t *testing.T)
	free(t *testing.T)
}

// smallDisk gives alloy-okta a disk of its own for its state: a small tmpfs or, where mounting is not allowed, a limit on the size
// of the files it may write. Either way its writes fail; the second time with "file too large".
func smallDisk(t *testing.T, alloy *collector) disk {
	t.Helper()
	require.NoError(t, os.MkdirAll(alloy.storage, 0o700))
	err := syscall.Mount("tmpfs", alloy.storage, "tmpfs", 0, "size=512k")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Log("mounting is not allowed here: a limit on file sizes takes the place of a full disk")
		return quota{alloy}
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		alloy.Kill()
		require.NoError(t, syscall.Unmount(alloy.storage, 0))
	})
	return tmpfs{filepath.Join(alloy.storage, "filler")}
}

type tmpfs struct{ filler string }

func (d tmpfs) fill(t *testing.T) {
	file, err := os.Create(d.filler)
	require.NoError(t, err)
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
}

func (d tmpfs) free(t *testing.T) { require.NoError(t, os.Remove(d.filler)) }

// quota is setrlimit(2)'s RLIMIT_FSIZE, of a process that runs already.
type quota struct{ alloy *collector }

func (d quota) fill(t *testing.T) { d.limit(t, 0) }
func (d quota) free(t *testing.T) { d.limit(t, ^uint64(0)) }

func (d quota) limit(t *testing.T, bytes uint64) {
	limit := syscall.Rlimit{Cur: bytes, Max: ^uint64(0)}
	_, _, failed := syscall.Syscall6(syscall.SYS_PRLIMIT64, uintptr(d.alloy.PID()), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)),
		0, 0, 0)
	require.Zero(t, failed, "prlimit")
}

func TestAFullDiskIsToldAndCostsNothing(t *testing.T) {
	t.Parallel()
	s := newTrial(t, reconciled)
	disk := smallDisk(t, s.alloy)
	s.alloy.start(t)
	s.waitForMore(t, confirmed, 0)

	disk.fill(t)
	message := s.alloy.waitForHealth(t, "unhealthy")
	require.Contains(t, message, "the checkpoint cannot be written")
	require.Contains(t, message, s.alloy.storage, "it says where")
	before := s.alloy.requireMetric(t, confirmed)
	s.burst(t)
	s.waitForMore(t, confirmed, before) // it goes on

	s.alloy.Kill()
	s.alloy.start(t)
	disk.fill(t)
	s.pass(t, 3*time.Second)
	s.alloy.waitForHealth(t, "unhealthy")
	disk.free(t)
	s.alloy.waitForHealth(t, "healthy")
	s.pass(t, 3*time.Second)
	s.alloy.Kill()
	s.alloy.start(t)
	all := s.settle(t)
	s.requireDelivered(t, all)
}
