package oktaapi

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fetching is a Fetch of its own client that shares slots with others.
type fetching struct {
	page Page
	err  error
	took time.Duration
	done chan struct{}
}

func fetch(t *testing.T, slots *Slots, h http.HandlerFunc, change ...func(*Config)) *fetching {
	s := serve(t, h, append(change, func(c *Config) { c.Slots = slots })...)
	f := &fetching{done: make(chan struct{})}
	begin := time.Now()
	go func() {
		defer close(f.done)
		f.page, f.err = s.Fetch(t.Context(), s.Start(begin))
		f.took = time.Since(begin)
	}()
	return f
}

func (f *fetching) here() bool {
	synctest.Wait()
	select {
	case <-f.done:
		return f.err == nil
	default:
		return false
	}
}

func page(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") }

// after answers after d, with headers at once or at the end.
func after(d time.Duration, headers bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if headers {
			_, _ = io.WriteString(w, "[")
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-time.After(d):
			_, _ = io.WriteString(w, map[bool]string{true: "]", false: "[]"}[headers])
		case <-r.Context().Done():
		}
	}
}

func TestNoMorePagesAreInMemoryThanThereAreSlots(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slots := NewSlots(3)
		var all []*fetching
		for range 8 {
			all = append(all, fetch(t, slots, page))
			synctest.Wait() // in this order
		}
		for released := range 6 {
			for i, f := range all {
				require.Equal(t, i < released+3, f.here(), "page %d", i)
			}
			require.Equal(t, released < 5, all[released].page.Wanted())
			all[released].page.Release()
			all[released].page.Release() // does nothing
		}
	})
}

func TestAWaitForASlotIsNoTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slots := NewSlots(1)
		first := fetch(t, slots, page)
		require.True(t, first.here())
		second := fetch(t, slots, after(10*time.Second, false), func(c *Config) { c.Timeout = 15 * time.Second })
		time.Sleep(time.Hour)
		require.False(t, second.here())
		first.page.Release()
		require.True(t, second.here())
		second.page.Release()
		// Nor does it make more time for the rest.
		late := fetch(t, slots, after(time.Minute, true), func(c *Config) { c.Timeout = 15 * time.Second })
		<-late.done
		require.ErrorIs(t, late.err, context.DeadlineExceeded)
		require.Equal(t, 15*time.Second, late.took)
	})
}

func TestSlowOrgsDoNotKeepSlotsFromOthers(t *testing.T) {
	for name, headers := range map[string]bool{"late headers": false, "slow bodies": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				slots := NewSlots(8)
				var slow sync.WaitGroup
				for range 50 {
					f := fetch(t, slots, after(50*time.Second, headers))
					slow.Go(func() {
						<-f.done
						assert.NoError(t, f.err)
						f.page.Release()
					})
				}
				for range 100 {
					quick := fetch(t, slots, page)
					<-quick.done
					require.NoError(t, quick.err)
					// Behind those whose bodies are slow once, and never again.
					require.LessOrEqual(t, quick.took, 50/8*slowBody+slowBody)
					quick.page.Release()
				}
				slow.Wait()
				require.Empty(t, slots.taken)
			})
		})
	}
}

func TestAPageThatCannotBeReadKeepsNoSlot(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"not gzip":       answerWith(200, map[string]string{"Content-Encoding": "gzip"}, "[]"),
		"cut":            answerWith(200, map[string]string{"Content-Encoding": "gzip"}, gzipped("[]")[:15]),
		"too large":      answerWith(200, nil, "[                                              ]"),
		"not Okta's":     answerWith(200, nil, "<html>"),
		"an error":       answerWith(500, nil, "{}"),
		"a late body":    after(time.Hour, true),
		"a late headers": after(time.Hour, false),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				slots := NewSlots(1)
				f := fetch(t, slots, h, func(c *Config) { c.MaxBody = 30 })
				<-f.done
				require.Error(t, f.err)
				require.Empty(t, slots.taken)
			})
		})
	}
}

func TestWhoWaitsForASlotCanStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slots := NewSlots(1)
		first := fetch(t, slots, page)
		require.True(t, first.here())
		s := serve(t, page, func(c *Config) { c.Slots = slots })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begin := time.Now()
		_, err := s.Fetch(ctx, s.Start(begin))
		require.Equal(t, ctx.Err(), err)
		require.Equal(t, 3*time.Second, time.Since(begin))
		first.page.Release()
		require.Empty(t, slots.taken)
		require.Zero(t, slots.waiting.Load())
	})
}
