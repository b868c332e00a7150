// option: event_hook

package poller

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A peer, or who knows the secret, must not fill the memory.
func TestLongAnnouncementsAreNotKept(t *testing.T) {
	w := NewWakes()
	w.Announce([]string{strings.Repeat("u", longest+1), "a"}, time.Minute)
	require.Len(t, w.fresh, 1)
	require.Len(t, w.signals(), 1, "it is polled for")
}
