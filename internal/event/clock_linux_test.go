package event

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// threadTime is the processor time that this thread has used.
func threadTime(t testing.TB) time.Duration {
	const thread = 1 // RUSAGE_THREAD of getrusage(2)
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(thread, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
