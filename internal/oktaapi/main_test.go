package oktaapi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
)

// TestMain keeps the tests off the network: a client without a transport of its own
// reaches nobody.
func TestMain(m *testing.M) {
	http.DefaultTransport.(*http.Transport).DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		return nil, fmt.Errorf("a test dials %s", addr)
	}
	os.Exit(m.Run())
}
