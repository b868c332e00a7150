//go:build !race

package poller_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

func TestAStartCursorBehindAQuietFilterIsRenewed(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c := on(t, org)
		c.interval = time.Hour
		r := c.run()
		pass(200 * 24 * time.Hour) // nothing matches for longer than since may lie back
		require.NoError(t, c.status.Snapshot().Wrong[poller.Okta].Err)
		require.Zero(t, org.Responses()[http.StatusBadRequest])
		org.Append(evs("e", 3)...)
		pass(time.Hour)
		require.Equal(t, names("e", 3), c.sink.uuids())
		r.stop()
		require.LessOrEqual(t, len(c.logs.lines()), 2, "%s", c.logs.lines())
	})
}

func TestCompressedAndHugePagesAreReadWithinTheBound(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		fat := strings.Repeat("x", 50<<10)
		for i := range 400 { // 20 MB, compressed on the way
			org.Append(fmt.Appendf(nil, `{"uuid":"e%d","published":"2000-01-01T00:00:00.000Z","fat":%q}`, i, fat))
		}
		c := on(t, org)
		c.runFor(0)
		c.requireEachOnce()

		c = on(t, org)
		c.client.MaxBody = 10 << 20
		c.runFor(time.Second) // in parts
		c.requireEachOnce()
	})
}
