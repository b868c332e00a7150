//go:build !race

package hook

import (
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTenThousandConnectionsAreHeldToTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		defer st.run(t)()
		conns := make([]net.Conn, 10_000)
		for i := range conns {
			var err error
			conns[i], err = st.pipe.dial(t.Context(), "", "")
			require.NoError(t, err)
		}
		synctest.Wait()
		open := 0
		for _, c := range conns {
			if c.SetReadDeadline(time.Now().Add(time.Hour)) == nil { // a pipe whose other end is closed refuses
				open++
			}
		}
		require.Equal(t, DefaultConnLimit, open)
		require.Equal(t, http.StatusNoContent, st.post(t))
	})
}

func TestFourHundredHooksASecondForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		defer st.run(t)()
		client := &http.Client{Transport: &http.Transport{DialContext: st.pipe.dial}}
		defer client.CloseIdleConnections()
		for range 60 {
			for i := range 400 {
				r, err := http.NewRequestWithContext(t.Context(), "POST", "http://h/okta/acme", strings.NewReader(body))
				require.NoError(t, err)
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", secret)
				want := http.StatusNoContent
				if i%2 == 0 {
					r.Header.Set("Authorization", "a forged one")
					want = http.StatusUnauthorized
				}
				resp, err := client.Do(r)
				require.NoError(t, err)
				_ = resp.Body.Close()
				require.Equal(t, want, resp.StatusCode)
			}
			time.Sleep(time.Second)
		}
		require.Len(t, st.received(), 12_000)
		require.LessOrEqual(t, strings.Count(st.log.String(), "\n"), 4)
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// With the secret one can make each connection hold a body, without it nothing: what is refused is not read.
func TestMemoryIsBoundedByTheConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		defer st.run(t)()
		send := func(secret string) {
			conn, err := st.pipe.dial(t.Context(), "", "")
			require.NoError(t, err)
			go func() {
				_, _ = io.WriteString(conn, "POST /okta/acme HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n"+
					"Authorization: "+secret+"\r\n\r\n")
				for range 1023 { // all but the last piece
					if _, err := io.WriteString(conn, strings.Repeat(" ", 1024)); err != nil {
						return
					}
				}
				_, _ = io.ReadAll(conn)
			}()
		}
		before := heap()
		for range 1000 {
			send("not the secret of the hook")
		}
		synctest.Wait()
		require.Less(t, int64(heap()-before), int64(16<<20))
		time.Sleep(time.Minute)
		for range 1000 {
			send(secret)
		}
		synctest.Wait()
		require.Less(t, int64(heap()-before), int64(DefaultConnLimit*3*MaxBody))
		time.Sleep(time.Minute)
		require.Empty(t, st.received())
		require.Equal(t, http.StatusNoContent, st.post(t))
	})
}
