package poller_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestAStopBetweenFetchAndDeliveryLosesNothing(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 25)...)
		c := on(t, org)
		c.client.PageSize = 10
		unblock := c.sink.block(10) // the second page is fetched, none of it delivered
		r := c.run()
		pass(time.Minute)
		r.stop()
		unblock()
		c.reboot()
		c.runFor(0)
		c.requireEachOnce()
	})
}

func TestAStopInAPageRepeatsNoMoreThanThatPage(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 25)...)
		c := on(t, org)
		c.client.PageSize = 10
		unblock := c.sink.block(14)
		r := c.run()
		pass(time.Minute)
		r.stop()
		unblock()
		c.reboot()
		c.runFor(0)
		want := append(names("a", 14), names("a", 25)[10:]...)
		require.Equal(t, want, c.sink.uuids())
	})
}

func TestACrashBeforeTheSaveRepeatsThePage(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 10)...)
		c := on(t, org)
		c.client.PageSize = 10
		c.runFor(0)
		before := c.file()
		org.Append(evs("b", 7)...)
		c.runFor(0)
		// The power went before the last page's mark was on disk.
		require.NoError(t, os.WriteFile(filepath.Join(c.dir, checkpoint.FileName(c.pipe.URL)), []byte(before), 0o600))
		c.reboot()
		c.runFor(0)
		require.Equal(t, append(append(names("a", 10), names("b", 7)...), names("b", 7)...), c.sink.uuids())
	})
}

func TestTheSavedCursorStaysUntilItsPageWasDelivered(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 15)...)
		c := on(t, org)
		c.client.PageSize = 10
		org.Intercept = oktasim.Script(nil, org.CutBody(), org.ServerTimeout(), org.TooManyRequests(oktasim.Limit), org.LoginPage())
		r := c.run()
		pass(0)
		saved := c.savedCursor()
		for range 20 {
			pass(time.Second)
			require.Equal(t, saved, c.savedCursor())
		}
		pass(time.Minute)
		require.NotEqual(t, saved, c.savedCursor())
		r.stop()
		c.requireEachOnce()
	})
}

func TestAReloadRepeatsNothingWhateverItInterrupts(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c := on(t, org)
		c.client.PageSize, c.replay = 10, time.Minute
		for i := range 60 {
			org.Append(evs(string(rune('a'+i%26))+string(rune('a'+i/26)), 3)...)
			unblock := c.sink.block(i % 4)
			r := c.run()
			pass(time.Duration(i%3) * 5 * time.Second)
			c.format.Labels = map[string]string{"round": string(rune('a' + i%26))} // labels may change
			r.stop()
			unblock()
		}
		c.runFor(0)
		c.requireEachOnce()
		require.Zero(t, c.counter("replayed_entries_total"))
	})
}

func TestAChangedFilterGoesOnWithoutAGap(t *testing.T) {
	for name, restart := range map[string]bool{"reload": false, "restart": true} {
		t.Run(name, func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{}
				org.Append(evs("a", 5)...)
				c := on(t, org)
				c.runFor(time.Minute)
				org.Append(evs("b", 5)...)
				pass(48 * time.Hour)
				if restart {
					c.reboot()
				}
				c.client.Filter = `severity eq "INFO"`
				c.runFor(0)
				require.Contains(t, org.Requests()[len(org.Requests())-1].URL, "filter=severity")
				want := append(names("a", 5), names("b", 5)...)
				if restart { // a new process does not know the uuids of the last moment
					want = append(append(names("a", 5), names("a", 5)...), names("b", 5)...)
				}
				require.Equal(t, want, c.sink.uuids())
			})
		})
	}
}

func TestAnInterruptedReplayBeginsFromTheSamePlace(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c := on(t, org)
		c.client.PageSize, c.replay = 2, time.Minute
		r := c.run()
		for i := range 30 { // five minutes with an event at each poll
			org.Append(evs(names("e", 30)[i]+"-", 1)...)
			pass(interval)
		}
		r.stop()
		c.requireEachOnce()
		all := len(c.sink.lines())

		c.reboot()
		unblock := c.sink.block(0)
		r = c.run() // the replay begins, and is blocked at its first event
		pass(5 * time.Minute)
		r.stop()
		unblock()
		unblock = c.sink.block(3)
		r = c.run() // a reload: one page of the replay gets through, and is saved
		pass(5 * time.Minute)
		r.stop()
		unblock()
		begun := c.sink.uuids()[all:]
		require.Len(t, begun, 3)

		c.reboot() // and the process dies
		c.runFor(interval)
		again := c.sink.uuids()[all+len(begun):]
		require.Equal(t, c.sink.uuids()[all-len(again):all], again, "up to where the first process was")
		require.Equal(t, begun, again[:3], "from the same place")
	})
}

func TestTwoOrgsInOneFolderKeepTheirOwnCursors(t *testing.T) {
	contract(t, func(t *testing.T) {
		acme, other := &oktasim.Org{}, &oktasim.Org{}
		acme.Append(evs("acme", 5)...)
		other.Append(evs("other", 7)...)
		one, two := on(t, acme), on(t, other)
		two.dir, two.pipe.URL = one.dir, "http://okta.localhost"
		one.runFor(0)
		two.runFor(0)
		one.reboot()
		two.reboot()
		acme.Append(evs("more", 1)...)
		one.runFor(interval)
		two.runFor(interval)
		one.requireEachOnce()
		two.requireEachOnce()
	})
}

func TestACursorOfAnotherOrgInTheFileIsNotFollowed(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 5)...)
		c := on(t, org)
		journal, _, _ := checkpoint.Open(c.dir, checkpoint.Scope{Org: c.pipe.URL, PageSize: oktaapi.MaxPageSize}, 0)
		require.NoError(t, journal.Append(checkpoint.Mark{
			Cursor: "https://evil.example/api/v1/logs?after=1", Published: time.Now().Add(-time.Minute)}))
		c.runFor(0)
		c.requireEachOnce()
		require.Equal(t, 1, c.logs.count("Okta refused the saved cursor", "leads to another host"))
	})
}

// A component that gets its old name back has a file with what was there long ago.
func TestARestartAfterARenameGoesOnWhereItWas(t *testing.T) {
	for _, replay := range []time.Duration{time.Minute, 0} {
		t.Run(replay.String(), func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{Token: token, RateLimit: -1}
				c := on(t, org)
				c.replay = replay
				first := c.dir
				hour := func() {
					for range 12 {
						org.Generate(3, time.Second)
						c.runFor(5 * time.Minute)
					}
				}
				hour()
				c.dir = t.TempDir()
				hour()
				c.dir = first
				c.runFor(5 * time.Minute) // in which nothing is logged
				c.requireEachOnce()
				c.reboot()
				c.runFor(5 * time.Minute)
				if replay > 0 { // what was delivered last comes again
					require.Len(t, c.sink.lines(), len(org.Events())+3)
				} else {
					c.requireEachOnce()
				}
			})
		})
	}
}
