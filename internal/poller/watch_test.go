package poller_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestABlockedReceiverIsLoggedOnce(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 3)...)
		c := on(t, org)
		unblock := c.sink.block(1)
		r := c.run()
		pass(30 * time.Second)
		require.Zero(t, c.logs.count("a receiver takes no entries"))
		pass(10 * time.Minute)
		require.Equal(t, 1, c.logs.count("a receiver takes no entries"))
		require.Equal(t, 1, c.logs.count("receiver=loki.write.test since=2000-01-01T00:00:00Z"), c.logs.lines())
		unblock()
		pass(time.Minute)
		require.Equal(t, 1, c.logs.count("the receiver takes entries again"))
		r.stop()
		c.requireEachOnce()
	})
}
