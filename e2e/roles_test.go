package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	lokipush "github.com/grafana/loki/pkg/push"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// toggle has the org grant a user a role, or take it away, and the user do something.
func (s *trial) toggle(t *testing.T, user string, grant bool) {
	t.Helper()
	kind := "user.account.privilege.revoke"
	if grant {
		kind = "user.account.privilege.grant"
	}
	const root = "00uRoot"
	for _, e := range []struct{ kind, actor, target string }{{kind, root, user}, {"user.session.start", user, root}} {
		s.appendLike(t, 1, 0, func(like string) string {
			return fmt.Sprintf(`{"uuid":%s,"published":%s,"eventType":%q,"actor":{"id":%q,"type":"User"},"outcome":{"result":"SUCCESS"},`+
				`"debugContext":{"debugData":{"privilegeGranted":"Report administrator"}},"target":[{"id":%q,"type":"User"}]}`,
				gjson.Get(like, "uuid").Raw, gjson.Get(like, "published").Raw, e.kind, e.actor, e.target)
		})
	}
}

// With roles, an event that is delivered again has other metadata than before: after a kill nobody's roles are known at first, and they
// change while the feed runs. With reconcile each event is in Loki once all the same: with nothing set that need not be, and with short
// waits, a second receiver and many kills.
func TestRolesThatChangeDoubleNothing(t *testing.T) {
	t.Parallel()
	with := func(config string) string {
		return strings.Replace(config, "\treconcile {", "\tcontext {\n\t\troles = true\n\t}\n\n\treconcile {", 1)
	}
	kills := 4
	if long() {
		kills = 20
	}
	for name, begin := range map[string]func(t *testing.T) *trial{
		"at the defaults":  func(t *testing.T) *trial { return newTrialAlone(t, with(defaults)) },
		"with short waits": func(t *testing.T) *trial { return newTrial(t, with(reconciled)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			const user = "00uToggled"
			for i := range kills {
				s.alloy.launch(t)
				s.pass(t, 4*time.Second)
				s.toggle(t, user, i%2 == 0)
				s.pass(t, 12*time.Second) // longer than a poll
				s.alloy.Kill()
			}
			s.alloy.start(t)
			s.toggle(t, user, true)
			s.burst(t)
			all := s.settle(t)
			s.requireDelivered(t, all)
			from, to := all[0].time.Add(-time.Hour), time.Now().Add(time.Minute)
			count := func(filter string) int {
				t.Helper()
				n, err := s.loki.Reader().Count(t.Context(), selector+filter, from, to)
				require.NoError(t, err)
				return n
			}
			some, none := count(` | actor_roles!=""`), count(` | actor_roles=""`)
			require.Positive(t, some)
			require.Positive(t, none)
			require.Positive(t, count(` |= "\"id\":\"`+user+`\"" | actor_roles="REPORT_ADMIN"`))
			t.Logf("%d entries with the roles of their actor, %d without", some, none)
		})
	}
}

// Loki takes two entries as one only if their metadata is the same, too: what the documents say of context without reconcile.
func TestLokiKeepsAnEntryWithOtherRoles(t *testing.T) {
	t.Parallel()
	loki := startLoki(t)
	now := time.Now().Truncate(time.Millisecond)
	metadata := func(pairs ...string) (all lokipush.LabelsAdapter) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, lokipush.LabelAdapter{Name: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	first := metadata("actor_roles", "ORG_ADMIN")
	for name, c := range map[string]struct {
		again lokipush.LabelsAdapter
		want  int
	}{
		"the same":     {first, 1},
		"not known":    {nil, 2},
		"others":       {metadata("actor_roles", "SUPER_ADMIN"), 2},
		"more":         {metadata("actor_roles", "ORG_ADMIN", "target_roles", "ORG_ADMIN"), 2},
		"late by then": {metadata("actor_roles", "ORG_ADMIN", "context_time", "2026-11-30T12:00:00Z"), 2},
	} {
		labels := fmt.Sprintf(`{job="x", case=%q}`, name)
		for _, m := range []lokipush.LabelsAdapter{first, c.again} {
			code, answer := post(t, loki, lokipush.Stream{Labels: labels, Entries: []lokipush.Entry{
				{Timestamp: now, Line: "an event", StructuredMetadata: m}, {Timestamp: now.Add(time.Second), Line: "the next", StructuredMetadata: m}}})
			require.Equal(t, http.StatusNoContent, code, answer)
		}
		n, err := loki.Reader().Count(t.Context(), labels+` |= "an event"`, now.Add(-time.Minute), now.Add(time.Minute))
		require.NoError(t, err)
		require.Equal(t, c.want, n, name)
		shown, err := loki.Reader().Entries(t.Context(), labels+` |= "an event"`, now.Add(-time.Minute), now.Add(time.Minute))
		require.NoError(t, err)
		require.Len(t, shown, c.want, "what a log query shows: %s", name)
	}
}
