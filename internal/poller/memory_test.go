package poller

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// More repeats than the set holds pass: the set is bounded, and says how far it goes.
func TestTheSetOfUUIDsIsBoundedAndForgetsTheOldestFirst(t *testing.T) {
	var s seen
	for i := range remembered + 10 {
		s.add(fmt.Sprint(i))
		s.add(fmt.Sprint(i)) // twice makes no difference
		s.add("")
	}
	require.Len(t, s.index, remembered)
	require.Len(t, s.ring, remembered)
	require.False(t, s.has("9"))
	require.True(t, s.has("10"))
	require.True(t, s.has(fmt.Sprint(remembered+9)))
	require.False(t, s.has(""), "events without uuid are never repeats")
}
