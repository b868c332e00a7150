package poller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/delivery"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// errDenies is an error of a Confirmer that needs an operator.
var errDenies error = denies{}

type denies struct{}

func (denies) Error() string { return "Loki refuses the query" }
func (denies) Refused() bool { return true }

// failure is what a part fails with.
type failure struct {
	kind string
	err  error
}

// Each part's trouble is told when it begins, when it becomes another one, and when it ends, and not in between; and a reload is to it what
// the table says.
func TestATroubleIsToldFromBeginningToEnd(t *testing.T) {
	lost, denied := errors.New("lost"), &oktaapi.Error{Class: oktaapi.Refused, Status: 401}
	foreign := &oktaapi.Error{Class: oktaapi.Transient, Status: 502, Foreign: true}
	for part, c := range [parts]struct {
		lasts         time.Duration // before it is told
		first, second failure
		begin, change string // "": no line of its own
		end           string // "": none
		reload        string
	}{
		Okta: {first: failure{"a", lost}, begin: "lost contact with Okta", second: failure{"b", denied}, change: "no credentials|Okta refuses",
			end: "connection to Okta recovered", reload: "told again"},
		Cursor: {first: failure{"", lost}, begin: "Okta refused the saved cursor", reload: "told again"},
		Checkpoint: {first: failure{Unread, lost}, begin: "the checkpoint cannot be read", second: failure{"", lost},
			change: "the checkpoint cannot be written", end: "the checkpoint is written again", reload: "told again"},
		Queries: {first: failure{"", lost}, begin: "reconcile query failed", second: failure{"refused", errDenies},
			change: "reconcile query failed", end: "reconcile queries succeed again", reload: "forgotten"},
		Arrival: {first: failure{"", ErrNothingArrives}, begin: "deliveries cannot be confirmed", reload: "forgotten"},
		Hold: {lasts: time.Minute, first: failure{string(delivery.Full), nil}, begin: "nothing newer is delivered",
			second: failure{string(delivery.Missing), nil}, end: "delivery continues", reload: "forgotten"},
		Rewind: {lasts: 2 * time.Minute, first: failure{"a", lost}, begin: "lost events cannot be fetched again", second: failure{"b", denied},
			change: "lost events cannot be fetched again", end: "lost events can be fetched again", reload: "forgotten"},
		Receiver: {lasts: time.Minute, begin: "a receiver takes no entries", end: "the receiver takes entries again", reload: "forgotten"},
		Budget: {lasts: 2 * time.Minute, begin: "the rate limit lets no page through", end: "the rate limit lets pages through again",
			reload: "forgotten"},
		Links: {begin: "a page names no usable next link", reload: "told again"},
		Stuck: {first: failure{"", ErrStuck}, begin: "the log cannot be read further", second: failure{oversized, foreign}, reload: "told again"},
		Clock: {begin: "our clock and Okta's differ", end: "our clock and Okta's agree again", reload: "nothing"},
		Roles: {first: failure{"a", lost}, begin: "roles cannot be refreshed", second: failure{GroupRoles, denied},
			change: "members of groups with roles are not known", end: "roles are known again", reload: "told again"},
		Actors: {first: failure{"a", lost}, begin: "profiles cannot be read", second: failure{GroupMembers, denied},
			change: "who is in the named groups is not known", end: "profiles and named groups are known again", reload: "told again"},
		Delivery: {first: failure{"", lost}, begin: "delivery failed", end: "deliveries succeed again", reload: "forgotten"},
	} {
		part := Part(part)
		t.Run(fmt.Sprint(part, " ", c.begin), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var text strings.Builder
				var status Status
				p := New(Config{
					Reporting: Reporting{Status: &status, Logger: log.NewLogfmtLogger(&text)}, Memory: &Memory{}, PollInterval: 10 * time.Second,
				})
				told := func() (lines []string) {
					for line := range strings.Lines(text.String()) {
						if !strings.Contains(line, "level=debug") {
							lines = append(lines, line)
						}
					}
					text.Reset()
					return lines
				}
				requireLine := func(lines []string, want string) {
					t.Helper()
					require.Len(t, lines, 1, "wanted %s", want)
					require.Regexp(t, want, lines[0])
				}
				begin := func() {
					t.Helper()
					if c.lasts > 0 {
						p.fail(part, c.first.kind, c.first.err)
						require.Empty(t, told(), "it may pass")
						time.Sleep(c.lasts)
					}
					p.fail(part, c.first.kind, c.first.err)
					requireLine(told(), c.begin)
				}

				status.begin()
				start := time.Now()
				begin()
				time.Sleep(time.Hour)
				p.fail(part, c.first.kind, c.first.err)
				require.Empty(t, told(), "it is known")
				require.Equal(t, start, status.wrong(part).Since)
				require.Equal(t, c.first.err, status.wrong(part).Err)

				p.fail(part, c.second.kind, c.second.err)
				if c.change != "" {
					requireLine(told(), c.change)
				}
				require.Empty(t, told())
				time.Sleep(time.Minute)
				p.clear(part)
				if c.end != "" {
					lines := told()
					requireLine(lines, c.end)
					lasted := time.Since(start)
					if part == Hold { // of all orgs', it is told since one told it
						lasted -= c.lasts
					}
					require.Contains(t, lines[0], "after="+lasted.String())
				}
				require.Empty(t, told())
				require.Zero(t, status.wrong(part))
				p.clear(part)
				require.Empty(t, told(), "there was none")

				begin()
				p.Troubles.gone(&p.Reporting)
				status.begin() // as each poller does
				if c.reload == "forgotten" {
					require.Zero(t, status.wrong(part))
					p.clear(part)
					require.Empty(t, told(), "of what the new configuration has not met no end is told")
					return
				}
				require.True(t, status.wrong(part).Lasts())
				p.fail(part, c.first.kind, c.first.err)
				if c.reload == "told again" {
					requireLine(told(), c.begin)
					status.begin()
				}
				require.Empty(t, told())
				p.clear(part)
				if c.end != "" {
					requireLine(told(), "again|recovered") // also when the last configuration has not met it
				}
				require.Empty(t, told())
			})
		})
	}
}

// What needs an operator is not hidden by what passes: it stands until the part works.
func TestARefusalIsNotHiddenByWhatPasses(t *testing.T) {
	lost := errors.New("lost")
	for part, denied := range map[Part]error{Okta: &oktaapi.Error{Class: oktaapi.Refused, Status: 401}, Queries: errDenies} {
		synctest.Test(t, func(t *testing.T) {
			var status Status
			p := New(Config{Reporting: Reporting{Status: &status, Logger: log.NewNopLogger()}, Memory: &Memory{}})
			p.fail(part, "", lost)
			time.Sleep(time.Minute)
			since := time.Now()
			p.fail(part, "refused", denied)
			time.Sleep(time.Minute)
			p.fail(part, "", lost)
			got := status.wrong(part)
			require.True(t, got.Refused)
			require.Equal(t, denied, got.Err)
			require.Equal(t, since, got.Since, "a refusal's is when that was given first")
			require.Equal(t, 3, got.Tries)

			status.begin() // with other credentials, maybe
			p.fail(part, "", lost)
			require.False(t, status.wrong(part).Refused)
			p.clear(part)
			require.Zero(t, status.wrong(part))
		})
	}
}

// A refusal that was given once, long ago, is not what is wrong: what fails since is.
func TestARefusalGivesWayToWhatFailsSince(t *testing.T) {
	lost := errors.New("lost")
	for part, denied := range map[Part]error{Okta: &oktaapi.Error{Class: oktaapi.Refused, Status: 401}, Queries: errDenies} {
		synctest.Test(t, func(t *testing.T) {
			var status Status
			p := New(Config{Reporting: Reporting{Status: &status, Logger: log.NewNopLogger()}, Memory: &Memory{}})
			begin := time.Now()
			p.fail(part, "", lost)
			time.Sleep(time.Minute)
			for range 5 { // as long as it comes again, it stands
				p.fail(part, "refused", denied)
				time.Sleep(refusalStands - 1)
				p.fail(part, "", lost)
				require.Equal(t, denied, status.wrong(part).Err)
			}
			time.Sleep(time.Nanosecond)
			p.fail(part, "", lost)
			got := status.wrong(part)
			require.False(t, got.Refused)
			require.Equal(t, lost, got.Err)
			require.Equal(t, begin, got.Since, "the part has not worked since")

			again := time.Now()
			p.fail(part, "refused", denied)
			require.True(t, status.wrong(part).Refused)
			require.Equal(t, again, status.wrong(part).Since)
		})
	}
}

// Two kinds of one trouble that alternate are told once each, and once more each ten minutes.
func TestKindsThatAlternateDoNotFloodTheLog(t *testing.T) {
	lost := errors.New("lost")
	foreign := &oktaapi.Error{Class: oktaapi.Transient, Status: 502, Foreign: true}
	for name, c := range map[string]struct {
		part Part
		errs []error
		most int // lines an hour
	}{
		"a refused cursor and errors": {Okta, []error{&oktaapi.Error{Class: oktaapi.CursorRefused, Status: 400}, lost}, 6},
		"a proxy and the network":     {Okta, []error{foreign, &oktaapi.Error{Class: oktaapi.Transient}}, 2 * 6},
		"two refusals": {Okta, []error{&oktaapi.Error{Class: oktaapi.Refused, Status: 401, Code: "E1"},
			&oktaapi.Error{Class: oktaapi.Refused, Status: 403, Code: "E2"}}, 2 * 6},
		"a checkpoint": {Checkpoint, []error{lost, lost}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var text strings.Builder
				var status Status
				p := New(Config{
					Reporting: Reporting{Status: &status, Logger: log.NewLogfmtLogger(&text)}, Memory: &Memory{}, PollInterval: 10 * time.Second,
				})
				for i := range 120 {
					err := c.errs[i%2]
					kind := ""
					if c.part == Okta {
						kind = kindOf(err)
					}
					p.fail(c.part, kind, err)
					time.Sleep(30 * time.Second)
				}
				lines := 0
				for line := range strings.Lines(text.String()) {
					if !strings.Contains(line, "level=debug") {
						lines++
					}
				}
				require.Positive(t, lines)
				require.LessOrEqual(t, lines, c.most, text.String())
				p.clear(c.part)
				require.Equal(t, 1, strings.Count(text.String(), "level=info"))
			})
		})
	}
}

// While the budget lets no page through, the log says why, until when, and since when.
func TestTheLogSaysWhatTheBudgetWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		var status Status
		p := New(Config{Reporting: Reporting{Status: &status, Logger: log.NewLogfmtLogger(&text)}, PollInterval: 10 * time.Second})
		status.begin()
		status.Waiting(time.Now().Add(time.Hour), "other clients")
		ctx, cancel := context.WithTimeout(t.Context(), slowedAfter+watchEvery+time.Second)
		defer cancel()
		p.watch(ctx)
		require.Contains(t, text.String(), `reason="other clients" until=2000-01-01T01:00:00Z last_page=2000-01-01T00:00:00Z`)
	})
}

// Two parts say that nothing is being confirmed; one sentence does.
func TestWhyNothingIsConfirmed(t *testing.T) {
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ queries, arrival, want Trouble }{
		"all is well":      {},
		"queries fail":     {queries: Trouble{Since: noon, Err: ErrStuck}, want: Trouble{Since: noon, Err: ErrStuck}},
		"nothing is found": {arrival: Trouble{Since: noon, Err: ErrStuck}, want: Trouble{Since: noon, Err: ErrStuck}},
		"then queries fail": {queries: Trouble{Since: noon.Add(1), Err: ErrStuck}, arrival: Trouble{Since: noon},
			want: Trouble{Since: noon, Err: ErrStuck}},
	} {
		var s Snapshot
		s.Wrong[Queries], s.Wrong[Arrival] = c.queries, c.arrival
		require.Equal(t, c.want, s.Unconfirmable(), name)
	}
}
