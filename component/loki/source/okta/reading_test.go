// option: reconcile, orgs

package okta

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component/common/loki"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// Alloy gives components their new arguments one after the other, and at the end stops those that are gone. Whatever comes first, an org
// that goes from one component to another repeats nothing.
func TestAnOrgThatMovesRepeatsNothing(t *testing.T) {
	lokiHost := serving(t, nothing)
	for name, reconcile := range map[string]string{
		"without reconcile": "",
		"with reconcile":    fmt.Sprintf("reconcile {\n url = \"http://%s\"\n resume_overlap = \"0s\"\n}\n", lokiHost),
	} {
		t.Run(name, func(t *testing.T) {
			x, y, z := &oktasim.Org{Token: "right"}, orgOf(t, 2), orgOf(t, 2)
			x.Generate(20, time.Minute)
			host := serving(t, x)
			receiver := loki.NewLogsReceiver()
			of := func(hosts ...string) Arguments {
				var entries []string
				for _, h := range hosts {
					entries = append(entries, entry(h, h))
				}
				args, err := evaluate(t, "forward_to = [receiver]\n"+list(entries...)+reconcile)
				require.NoError(t, err)
				args.ForwardTo = []loki.LogsReceiver{receiver}
				return args
			}
			got := counts{}
			a, _ := started(t, of(y, host))
			b, stop := started(t, of(z))
			got.take(t, receiver, 24)
			logs := func() { x.Generate(5, time.Millisecond); got.take(t, receiver, 5) }

			// It moves; the one that had it learns of it last.
			require.NoError(t, b.Update(of(z, host)))
			time.Sleep(50 * time.Millisecond)
			require.NoError(t, a.Update(of(y)))
			logs()
			// It moves back, and the other one vanishes.
			require.NoError(t, a.Update(of(y, host)))
			time.Sleep(50 * time.Millisecond)
			stop()
			logs()
			// It goes to one that is new, and two swap what they have.
			c, _ := started(t, of(z, host))
			require.NoError(t, a.Update(of(y)))
			logs()
			require.NoError(t, a.Update(of(z, host)))
			require.NoError(t, c.Update(of(y)))
			logs()
			requireNoMore(t, receiver)
			for uuid, n := range got {
				require.Equal(t, 1, n, uuid)
			}
			require.Len(t, got, 24+20)
		})
	}
}
