package oktasim

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPipeWorksInABubbleAndLeavesNothingBehind(t *testing.T) {
	start := time.Now()
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
		o := &Org{}
		pipe := o.Pipe()
		defer pipe.Close()
		client := pipe.Client()
		get := func() int {
			r, err := http.NewRequest(http.MethodGet, pipe.URL+"/api/v1/logs?limit=1000", nil)
			require.NoError(t, err)
			r.Header.Set("Authorization", "SSWS x")
			resp, err := client.Do(r)
			require.NoError(t, err)
			defer func() { require.NoError(t, resp.Body.Close()) }()
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, resp.StatusCode)
			return len(body)
		}
		require.Equal(t, 2, get())
		time.Sleep(time.Hour)
		o.Generate(1000, time.Hour)
		require.Greater(t, get(), 1_000_000, "a page that does not fit any buffer")
		require.Len(t, o.Requests(), 2)
		require.Equal(t, time.Hour, o.Requests()[1].Time.Sub(o.Requests()[0].Time))
	})
	require.Less(t, time.Since(start), time.Hour)
}

func TestAClosedPipeRefusesConnections(t *testing.T) {
	pipe := (&Org{}).Pipe()
	pipe.Close()
	pipe.Close() // twice is fine
	_, err := pipe.Client().Get(pipe.URL)
	require.ErrorContains(t, err, "use of closed network connection")
	_, err = pipe.DialContext(context.Background(), "tcp", "x:1")
	require.Error(t, err)
}

func TestACallerWhoGivesUpFreesTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{Delay: time.Hour}
		pipe := o.Pipe()
		defer pipe.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, pipe.URL+"/api/v1/logs", nil)
		require.NoError(t, err)
		_, err = pipe.Client().Do(r)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		require.Equal(t, map[int]int{0: 1}, o.Responses())
	})
}
