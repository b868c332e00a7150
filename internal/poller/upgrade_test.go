// option: reconcile

//go:build !race

package poller

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
)

// former are checkpoints as former versions wrote them; testdata/checkpoints/README.md says how they came about.
const former = "../../testdata/checkpoints"

// happen logs n events of a prefix now.
func (s *site) happen(prefix string, n int) {
	for i := range n {
		s.org.Append(fmt.Appendf(nil, `{"uuid":"%s%d","published":%q,"severity":"INFO"}`, prefix, i,
			time.Now().UTC().Format("2006-01-02T15:04:05.000Z")))
	}
}

// upgrade lets happen what had happened when the file was left, and five minutes more, in which nothing runs.
func (s *site) upgrade(file string) {
	s.happen("a", 20)
	time.Sleep(5 * time.Second)
	for i := range 30 {
		s.happen(fmt.Sprintf("b%d-", i), 1)
		time.Sleep(10 * time.Second)
	}
	time.Sleep(time.Second)
	s.happen("c", 5)
	time.Sleep(4500 * time.Millisecond)
	s.leave(file)
	for i := range 30 {
		s.happen(fmt.Sprintf("d%d-", i), 1)
		time.Sleep(10 * time.Second)
	}
}

// leave puts a file of a former version where today's looks for it.
func (s *site) leave(file string) {
	data, err := os.ReadFile(filepath.Join(former, file))
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, checkpoint.FileName(s.pipe.URL)), data, 0o600))
}

// requireReplaced checks that today's program wrote the file that was there, and left nothing beside it.
func (s *site) requireReplaced(file string) {
	names, err := filepath.Glob(filepath.Join(s.dir, "*"))
	require.NoError(s.t, err)
	require.Equal(s.t, []string{filepath.Join(s.dir, checkpoint.FileName(s.pipe.URL))}, names)
	had, err := os.ReadFile(filepath.Join(former, file))
	require.NoError(s.t, err)
	has, err := os.ReadFile(names[0])
	require.NoError(s.t, err)
	require.NotEqual(s.t, string(had), string(has))
}

func TestAnUpgradeWithReconcileIsExactlyOnce(t *testing.T) {
	for _, file := range []string{"1-marks.json", "2-pending.json", "3-selectors.json", "4-newest.json"} {
		for name, c := range map[string]struct {
			landed int           // of the five events that were under way
			lands  bool          // the rest of them does so seconds after the start
			blind  bool          // the selector finds nothing for a quarter of an hour
			hides  time.Duration // Loki hides what is older
		}{
			"nothing of the last page landed": {},
			"a part landed":                   {landed: 3},
			"all landed":                      {landed: 5},
			"the rest lands after the start":  {landed: 3, lands: true},
			"nothing is found":                {landed: 5, blind: true},
			"Loki hides what is old":          {landed: 5, hides: 150 * time.Minute},
		} {
			for _, filter := range []string{"", `severity eq "INFO"`} { // which the upgrade brings
				t.Run(fmt.Sprint(file, "/", name, "/", filter), func(t *testing.T) {
					in(t, func(t *testing.T, s *site) {
						s.filter = filter
						s.upgrade(file)
						time.Sleep(c.hides)
						land := func(ok func(uuid string) bool) {
							s.uuids(func(_ int, ev event.Event) bool {
								if ok(ev.UUID) {
									s.to.Put(strings.Clone(ev.UUID), model.LabelSet{"job": "test"}, ev.Published)
								}
								return false
							})
						}
						last := []string{"c0", "c1", "c2", "c3", "c4"}
						land(func(uuid string) bool {
							return strings.ContainsAny(uuid[:1], "ab") || slices.Contains(last[:c.landed], uuid)
						})
						s.to.blind(c.blind)
						s.to.hide(c.hides)
						s.run()
						if c.lands {
							time.Sleep(3 * time.Second)
							land(func(uuid string) bool { return slices.Contains(last[c.landed:], uuid) })
						}
						for i := range 90 {
							s.happen(fmt.Sprintf("e%d-", i), 1)
							time.Sleep(10 * time.Second)
						}
						s.to.blind(false)
						time.Sleep(c.hides)
						s.to.hide(0)
						time.Sleep(20 * time.Minute)
						synctest.Wait()
						s.requireExactlyOnce()
						require.Zero(t, s.status.Snapshot().Unconfirmed.Waiting)
						s.requireReplaced(file)
					})
				})
			}
		}
	}
}

// inOrder keeps what is delivered in its order.
type inOrder struct{ uuids []string }

func (k *inOrder) Send(ctx context.Context, e event.Entry) error {
	k.uuids = append(k.uuids, e.Line)
	return ctx.Err()
}

// Without reconcile, what the old process delivered in its last minute comes again, in order, and nothing else does.
func TestAnUpgradeWithoutReconcileIsAtLeastOnce(t *testing.T) {
	for _, c := range []struct {
		file   string
		window time.Duration
		filter string // which the upgrade brings
		first  string
	}{
		{"1-marks.json", time.Minute, "", "b25-0"},                   // behind the mark of 00:04:10
		{"1-marks.json", 0, "", "b25-0"},                             // as the old process had a window
		{"1-marks.json", time.Minute, `severity eq "INFO"`, "b24-0"}, // from the mark's time on
		{"2-pending.json", time.Minute, "", "c0"},                    // what was not confirmed, after reconcile was taken out
		{"4-newest.json", time.Minute, "", "c0"},
	} {
		t.Run(fmt.Sprint(c.file, "/", c.window, c.filter), func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				s.filter = c.filter
				s.upgrade(c.file)
				kept, changed := &inOrder{}, false
				s.sink = kept
				s.configure = func(cfg *Config) {
					cfg.Confirming = Confirming{}
					cfg.Open = func() (*checkpoint.Journal, error) {
						journal, notes, err := checkpoint.Open(s.dir, cfg.Scope, c.window)
						changed = len(notes) > 0
						return journal, err
					}
				}
				s.run()
				time.Sleep(time.Minute)
				synctest.Wait()
				require.Equal(t, c.filter != "", changed)
				var all []string
				s.uuids(func(_ int, ev event.Event) bool { all = append(all, strings.Clone(ev.UUID)); return false })
				at := slices.Index(all, c.first)
				require.Equal(t, all[at:], kept.uuids)
				s.requireReplaced(c.file)
			})
		})
	}
}
