package poller_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

func TestAnIdleFeedAsksTheServerAgainOncePerInterval(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		c := on(t, org)
		c.runFor(time.Hour)
		require.Len(t, org.Requests(), 3600/10+1, "one at the start and one an interval")
		for _, gap := range gaps(org) {
			require.Equal(t, interval, gap)
		}
		require.Empty(t, c.sink.lines())
		require.Len(t, c.logs.lines(), 1, "a quiet hour is not worth a line: %s", c.logs.lines())
	})
}

func TestABacklogIsDrainedPageAfterPage(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 5500)...)
		c := on(t, org)
		begin := time.Now()
		r := c.run()
		pass(0)
		require.Len(t, org.Requests(), 6)
		require.Zero(t, time.Since(begin), "no interval between full pages")
		c.requireEachOnce()
		r.stop()
	})
}

func TestAShortPageIsNotFollowedByAnEmptyOne(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 999)...)
		c := on(t, org)
		r := c.run()
		pass(interval - 1)
		require.Len(t, org.Requests(), 1)
		c.requireEachOnce()
		pass(1)
		require.Len(t, org.Requests(), 2)
		r.stop()
	})
}

func TestAnEmptyPageThatMovesTheCursorIsAdoptedAndSaved(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{AdvanceEmpty: true}
		c := on(t, org)
		r := c.run()
		pass(0)
		first := c.savedCursor()
		require.Contains(t, first, "after=")
		pass(time.Minute)
		require.NotEqual(t, first, c.savedCursor())
		require.Len(t, org.Requests(), 7, "a new cursor on an empty page is no reason to hurry")
		org.Append(evs("e", 3)...)
		pass(interval)
		r.stop()
		c.requireEachOnce()
	})
}

func TestAMissingNextLinkKeepsTheCursorAndWarnsOnce(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 3)...)
		c := on(t, org)
		r := c.run()
		pass(0)
		saved := c.savedCursor()
		org.Set(func(o *oktasim.Org) { o.Intercept = oktasim.Always(org.NoNext()) })
		org.Append(evs("b", 3)...)
		pass(10 * time.Minute)
		require.Equal(t, saved, c.savedCursor())
		require.Equal(t, 1, c.logs.count("a page names no usable next link"))
		require.Len(t, org.Requests(), 61)
		c.requireEachOnce() // the same page again and again, each event once

		org.Set(func(o *oktasim.Org) { o.Intercept = nil })
		org.Append(evs("c", 3)...)
		pass(interval)
		require.NotEqual(t, saved, c.savedCursor())
		r.stop()
		c.requireEachOnce()
	})
}

func TestAFeedWithoutAnyNextLinkIsStillReadToItsEnd(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Set(func(o *oktasim.Org) { o.Intercept = oktasim.Always(org.NoNext()) })
		c := on(t, org)
		c.client.PageSize = 10
		for i := range 35 {
			org.AppendAt(time.Now().Add(time.Duration(i)*time.Second), ev(fmt.Sprint("e", i), time.Now().Add(time.Duration(i)*time.Second)))
		}
		c.runFor(5 * time.Minute)
		c.requireEachOnce()
		require.Less(t, len(org.Requests()), 31+5, "full pages at once, then at the pace of the interval")
		require.Equal(t, 1, c.logs.count("a page names no usable next link"))
	})
}

func TestEveryFormOfLinkHeaderIsFollowedToTheLetter(t *testing.T) {
	for _, style := range []oktasim.LinkStyle{oktasim.LinkSeparate, oktasim.LinkJoined, oktasim.LinkNextFirst, oktasim.LinkUnquoted,
		oktasim.LinkParams, oktasim.LinkPunctuation} {
		t.Run(fmt.Sprint(style), func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{LinkStyle: style}
				org.Append(evs("e", 45)...)
				c := on(t, org)
				c.client.PageSize = 10
				c.client.Filter = `eventType eq "user.session.start" and not (severity eq "a,b;c")`
				c.runFor(0)
				c.requireEachOnce()
				require.Len(t, org.Requests(), 5)
			})
		})
	}
}

// Custom domains, gateways and proxies that end TLS: a burst larger than a page is read on, and nothing goes elsewhere.
func TestANextLinkToAnotherAddressIsFollowedOnUrl(t *testing.T) {
	for name, tc := range map[string]struct {
		base string // that the org believes to have
		told bool
	}{
		"another host":        {"http://collector.attacker.invalid", true},
		"a lookalike":         {"http://localhost.attacker.invalid", true},
		"a custom domain":     {"https://login.acme.example", true},
		"the console":         {"http://acme-admin.okta.com", true},
		"TLS ends before it":  {"https://localhost", true},
		"another port":        {"http://localhost:8443", true},
		"its port":            {"http://localhost:80", false},
		"in capitals":         {"HTTP://LOCALHOST", false},
		"with user info":      {"http://okta.com:x@localhost", true},
		"not even a web page": {"ftp://localhost", true},
	} {
		t.Run(name, func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{PublicURL: tc.base, RateLimit: -1}
				org.Append(evs("e", 45)...)
				c := on(t, org)
				c.client.PageSize = 10
				r := c.run()
				pass(time.Second)
				c.requireEachOnce()
				require.NoError(t, c.status.Snapshot().Wrong[poller.Stuck].Err)
				pass(time.Minute)
				r.stop()
				require.Zero(t, c.logs.count("a page names no usable next link"))
				require.Equal(t, tc.told, c.logs.count("next links name another address than url") == 1, "%s", c.logs.lines())
				for _, r := range org.Requests() {
					require.Equal(t, "localhost", r.Host)
				}
				require.Contains(t, c.savedCursor(), "http://localhost/api/v1/logs?")
			})
		})
	}
}

func TestANextLinkToAnotherPathIsRefused(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Intercept = oktasim.Script(org.NextURL(func(u *url.URL) { u.Path = "/api/v1/users" }))
		org.Append(evs("e", 3)...)
		c := on(t, org)
		c.runFor(interval)
		require.Equal(t, 1, c.logs.count("a page names no usable next link", "refusing the next link"))
		requests := org.Requests()
		require.Len(t, requests, 2, "the same page, an interval later")
		require.Equal(t, requests[0].URL, requests[1].URL)
		c.requireEachOnce()
	})
}

func TestARelativeNextLinkIsResolvedAgainstItsPage(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Intercept = oktasim.Always(org.NextURL(func(u *url.URL) { u.Scheme, u.Host = "", "" }))
		org.Append(evs("e", 25)...)
		c := on(t, org)
		c.client.PageSize = 10
		c.runFor(0)
		c.requireEachOnce()
		require.Contains(t, c.savedCursor(), "http://localhost/api/v1/logs?")
	})
}

func TestARedirectToAnotherHostGetsNoCredential(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("e", 3)...)
		org.Intercept = oktasim.Script(org.Redirect("http://collector.attacker.invalid/api/v1/logs"), org.Redirect(""))
		c := on(t, org)
		r := c.run()
		pass(0)
		require.Len(t, org.Requests(), 1)
		require.ErrorContains(t, c.status.Snapshot().Wrong[poller.Okta].Err, "refusing a redirect")
		pass(time.Minute)
		r.stop()
		c.requireEachOnce() // the second redirect, to the org itself, was followed
		for _, r := range org.Requests() {
			require.Equal(t, "localhost", r.Host)
		}
	})
}

func TestNothingIsCarriedOverFromOneEventToTheNext(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(
			[]byte(`{"uuid":"full","published":"2000-01-01T00:00:00.000Z","eventType":"a.b","severity":"WARN",`+
				`"outcome":{"result":"DENY"},"target":[{"id":"1","type":"User","alternateId":"u@example.com"}]}`),
			[]byte(`{"uuid":"bare","published":"2000-01-01T00:00:00.000Z"}`))
		c := on(t, org)
		c.client.PageSize = 1 // on two pages
		c.runFor(interval)
		c.requireEachOnce()
		require.Len(t, c.sink.entries[0].StructuredMetadata, 6)
		require.Len(t, c.sink.entries[1].StructuredMetadata, 1) // detected_level, which every entry has
	})
}

func TestABodyThatIsNoPageIsFetchedAgain(t *testing.T) {
	for _, fault := range []string{"broken", "cut", "html", "object", "null", "empty"} {
		t.Run(fault, func(t *testing.T) {
			contract(t, func(t *testing.T) {
				org := &oktasim.Org{}
				org.Append(evs("a", 20)...)
				h, err := org.Fault(fault)
				require.NoError(t, err)
				org.Intercept = oktasim.Script(nil, h, h, h)
				c := on(t, org)
				c.client.PageSize = 10
				r := c.run()
				pass(0)
				saved := c.savedCursor()
				pass(3 * time.Second)
				require.Equal(t, names("a", 10), c.sink.uuids())
				require.Equal(t, saved, c.savedCursor(), "the cursor has not moved")
				pass(10 * time.Second)
				r.stop()
				c.requireEachOnce()
				require.Equal(t, org.Requests()[1].URL, org.Requests()[4].URL, "the same page")
			})
		})
	}
}

func TestABlockedReceiverStopsFetchingAndTheCursorStays(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 45)...)
		c := on(t, org)
		c.client.PageSize = 10
		unblock := c.sink.block(13)
		r := c.run()
		pass(0)
		saved := c.savedCursor()
		pass(24 * time.Hour)
		require.Len(t, org.Requests(), 2, "the page in hand, and nothing past it")
		require.Equal(t, saved, c.savedCursor())
		require.Equal(t, names("a", 13), c.sink.uuids())
		require.Equal(t, 24*time.Hour, time.Since(c.status.Snapshot().Wrong[poller.Receiver].Since))
		unblock()
		pass(0)
		r.stop()
		c.requireEachOnce()
	})
}

func TestRequestsAreThePollingRequestsThatOktaDocuments(t *testing.T) {
	contract(t, func(t *testing.T) {
		org := &oktasim.Org{}
		org.Append(evs("a", 3)...)
		c := on(t, org)
		c.client.Query = "user session"
		begin := time.Now()
		c.runFor(interval)
		first, err := url.Parse(org.Requests()[0].URL)
		require.NoError(t, err)
		require.Equal(t, url.Values{
			"since": {begin.Add(-lookback).UTC().Format("2006-01-02T15:04:05.000Z")}, "sortOrder": {"ASCENDING"}, "limit": {"1000"}, "q": {
				"user session",
			},
		}, first.Query(), "no until")
		for _, r := range org.Requests() {
			require.Equal(t, "alloy-okta/test loki.source.okta", r.UserAgent)
			require.Equal(t, "gzip", r.Encoding)
			require.Equal(t, "SSWS", r.Scheme)
		}
		require.Equal(t, c.savedCursor(), "http://localhost"+org.Requests()[1].URL, "the next link, to the letter")
	})
}
