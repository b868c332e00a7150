package event

import (
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// threadTime is the processor time that this thread has used, in nanoseconds; what getrusage(2) tells of it may move in steps that are
// longer than a turn.
func threadTime(t testing.TB) time.Duration {
	const thread = 3 // CLOCK_THREAD_CPUTIME_ID of clock_gettime(2)
	var used syscall.Timespec
	_, _, failed := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, thread, uintptr(unsafe.Pointer(&used)), 0)
	require.Zero(t, failed)
	return time.Duration(used.Nano())
}
