package delivery

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHeadsKnowEachStream(t *testing.T) {
	var h Heads
	require.Zero(t, h.Behind(1, at(0)), "a new stream starts anywhere")
	h.Note(1, at(time.Hour))
	h.Note(1, at(0))
	require.Equal(t, time.Hour, h.Behind(1, at(0)))
	require.Negative(t, h.Behind(1, at(2*time.Hour)))
	require.Zero(t, h.Behind(2, at(0)))
}

func TestHeadsHaveAFloor(t *testing.T) {
	var h Heads
	h.SetFloor(at(time.Hour))
	h.SetFloor(at(0))
	require.Equal(t, time.Hour, h.Behind(1, at(0)), "a previous process may have delivered that")
	h.Note(1, at(2*time.Hour))
	require.Equal(t, 2*time.Hour, h.Behind(1, at(0)))
	require.Equal(t, time.Hour, h.Behind(2, at(0)))
}

func TestHeadsAreBounded(t *testing.T) {
	var h Heads
	for stream := range uint64(2 * maxHeads) {
		h.Note(stream, at(time.Duration(stream)*time.Second))
	}
	require.Len(t, h.newest, maxHeads)
	last := 2*maxHeads - 1
	require.Equal(t, time.Duration(last)*time.Second, h.Behind(uint64(last), at(0)), "those beyond share the newest of all")
	require.Positive(t, h.Behind(3*maxHeads, at(0)))
	h.Note(5, at(100*time.Hour))
	require.Equal(t, 100*time.Hour, h.Behind(5, at(0)))
}
