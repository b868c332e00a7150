package oktaapi

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// reader is a client of an org in a test of ranges.
type reader struct {
	share float64
	every time.Duration // between its requests; 0: as many as it may
	sent  int
	late  time.Duration // longest wait
}

// read lets readers of one org run for an hour. Names that contain "range" are ranges.
func read(t *testing.T, limit int, taken func(time.Time) int, readers map[string]*reader) *bucket {
	t.Helper()
	server, b := &bucket{limit: limit}, NewBudget()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var all sync.WaitGroup
	for name, r := range readers {
		all.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				c, err := b.acquire(ctx, name, r.share, name != "range" && name != "another range", nil)
				if err != nil {
					return
				}
				r.sent++
				if time.Since(start) > 4*time.Minute { // before, it is being learned what live clients want
					r.late = max(r.late, time.Since(began))
				}
				time.Sleep(20 * time.Millisecond)
				server.mu.Lock()
				if taken != nil && time.Since(server.start) >= time.Minute { // by the org's other clients, as soon as they may
					server.start, server.used = time.Now(), min(taken(time.Now()), limit-1)
				}
				server.mu.Unlock()
				status, h := server.take()
				b.answered(c, status, h)
				time.Sleep(r.every)
			}
		})
	}
	all.Wait()
	require.Zero(t, server.refused)
	return server
}

func TestARangeIsBehindLivePolling(t *testing.T) {
	const hour = 60
	for name, tc := range map[string]struct {
		limit       int
		live        *reader
		ranges      []float64 // shares
		most        int       // requests of all in a minute
		least, late int       // of all ranges in an hour; seconds that a live request waits
		busy        func(time.Time) int
	}{
		"live takes all of 10":            {10, &reader{share: .5}, []float64{.25}, 5, 20, 62, nil},
		"live takes all of 20":            {20, &reader{share: .5}, []float64{.25}, 10, 20, 62, nil},
		"live takes all of 120":           {120, &reader{share: .5}, []float64{.25}, 60, 20, 62, nil},
		"live takes the only one":         {60, &reader{share: .001}, []float64{.0005}, 1, 19, 125, nil},
		"every 10 s of 10":                {10, &reader{share: .5, every: 10 * time.Second}, []float64{.25}, 5, 20, 24, nil},
		"every 10 s of 20":                {20, &reader{share: .5, every: 10 * time.Second}, []float64{.25}, 10, 2 * hour, 1, nil},
		"every 10 s of 60":                {60, &reader{share: .5, every: 10 * time.Second}, []float64{.25}, 30, 14 * hour, 1, nil},
		"every 10 s of 120":               {120, &reader{share: .5, every: 10 * time.Second}, []float64{.25}, 60, 29 * hour, 1, nil},
		"every 5 min, as with hooks":      {20, &reader{share: .5, every: 5 * time.Minute}, []float64{.45}, 10, 7 * hour, 1, nil},
		"a range with more than live":     {60, &reader{share: .2, every: 10 * time.Second}, []float64{.5}, 30, 21 * hour, 1, nil},
		"a range with as much as a lot":   {60, &reader{share: .5}, []float64{1}, 60, 10 * hour, 62, nil},
		"two ranges":                      {10, &reader{share: .5}, []float64{.25, .25}, 5, 20, 62, nil},
		"no live client, as in a command": {10, nil, []float64{.5}, 5, 4*hour + 50, 0, nil},
		"others leave little of 60": {
			60, &reader{share: .5, every: 20 * time.Second}, []float64{.25}, 30, 19, 41, func(time.Time) int { return 26 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				alone := 0
				readers := map[string]*reader{}
				if tc.live != nil {
					copied := *tc.live
					read(t, tc.limit, tc.busy, map[string]*reader{"live": &copied})
					alone = copied.sent
					readers["live"] = tc.live
				}
				ranged := 0
				for i, share := range tc.ranges {
					readers[[]string{"range", "another range"}[i]] = &reader{share: share}
				}
				server := read(t, tc.limit, tc.busy, readers)
				require.LessOrEqual(t, server.densest(), tc.most)
				for name, r := range readers {
					if name != "live" {
						ranged += r.sent
						require.GreaterOrEqual(t, r.sent, 9, "%s", name)
					}
				}
				require.GreaterOrEqual(t, ranged, tc.least)
				if tc.live != nil {
					require.GreaterOrEqual(t, tc.live.sent, alone-21-tc.most, "a request every three minutes, and the first minute")
					require.LessOrEqual(t, tc.live.late, time.Duration(tc.late)*time.Second)
				}
			})
		})
	}
}

// An event hook is polled for while a range takes what it can.
func TestARangeLeavesRoomForAWakeUp(t *testing.T) {
	for _, share := range []float64{.25, .49} {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, b := &bucket{limit: 60}, NewBudget()
				require.NoError(t, server.request(t.Context(), b, "live", .5, 0, 0))
				ctx, cancel := context.WithCancel(t.Context())
				var reading sync.WaitGroup
				defer reading.Wait()
				defer cancel()
				reading.Go(func() {
					for server.request(ctx, b, "range", share, 20*time.Millisecond, 0) == nil {
					}
				})
				for range 20 {
					time.Sleep(5*time.Minute + 7*time.Second)
					began := time.Now()
					require.NoError(t, server.request(t.Context(), b, "live", .5, 0, 0))
					require.Zero(t, time.Since(began))
				}
			})
		})
	}
}
