// option: backfill needs reconcile

//go:build !race

package poller

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// A range that a former version had begun goes on where it was, and one that it had finished is not read again.
func TestAnUpgradeGoesOnWithARange(t *testing.T) {
	for _, c := range []struct {
		file   string
		landed int // of the 2,400 events
		reads  bool
	}{
		{"5-range-under-way.json", 1400, true},
		{"5-range-under-way.json", 0, true},
		{"5-range-finished.json", 2400, false},
	} {
		t.Run(fmt.Sprint(c.file, "/", c.landed), func(t *testing.T) {
			in(t, func(t *testing.T, s *site) {
				begin := time.Now()
				for i := range 2500 {
					at := begin.Add(time.Duration(i) * 500 * time.Millisecond)
					uuid := fmt.Sprint("r", i)
					s.org.AppendAt(at, fmt.Appendf(nil, `{"uuid":%q,"published":%q}`, uuid, at.UTC().Format("2006-01-02T15:04:05.000Z")))
				}
				time.Sleep(3 * time.Hour)
				for i := range c.landed {
					s.to.Put(fmt.Sprint("r", i), model.LabelSet{"job": "test"}, begin.Add(time.Duration(i)*500*time.Millisecond))
				}
				s.leave(c.file)
				until := begin.Add(20 * time.Minute)
				s.configure = func(cfg *Config) {
					cfg.Range = &Range{Since: begin, Until: until, Passed: time.Now}
					org, _, err := oktaapi.ParseOrg(s.pipe.URL)
					require.NoError(t, err)
					cfg.Source = oktaapi.New(oktaapi.Config{Org: org, Auth: token{}, HTTP: s.pipe.Client(), Share: 1, PageSize: 1000, Until: until})
				}
				s.run()
				time.Sleep(6 * time.Hour) // Loki hides what is old until its chunk is flushed
				synctest.Wait()
				require.True(t, s.status.Snapshot().Finished)
				_, arrived := s.to.counts()
				require.Equal(t, map[int]int{1: 2400}, arrived)
				require.Equal(t, c.reads, len(s.org.Requests()) > 0)
			})
		})
	}
}
