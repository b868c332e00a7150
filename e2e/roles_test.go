package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// With roles, an event that is delivered again has other metadata than before: after a kill nobody's roles are known at first, and they
// change while the feed runs. With reconcile at its defaults each event is in Loki once all the same.
func TestRolesThatChangeDoubleNothing(t *testing.T) {
	t.Parallel()
	kills := 4
	if long() {
		kills = 20
	}
	s := newTrial(t, strings.Replace(reconciled, "\treconcile {", "\tcontext {\n\t\troles = true\n\t}\n\n\treconcile {", 1))
	for range kills {
		s.alloy.launch(t)
		s.pass(t, 8*time.Second)
		s.alloy.Kill()
	}
	s.alloy.start(t)
	s.burst(t)
	all := s.settle(t)
	s.requireDelivered(t, all)
	from, to := all[0].time.Add(-time.Hour), time.Now().Add(time.Minute)
	with, err := s.loki.Reader().Count(t.Context(), selector+` | actor_roles!=""`, from, to)
	require.NoError(t, err)
	without, err := s.loki.Reader().Count(t.Context(), selector+` | actor_roles=""`, from, to)
	require.NoError(t, err)
	require.Positive(t, with)
	require.Positive(t, without)
	t.Logf("%d entries with the roles of their actor, %d without", with, without)
}
