package reconcile

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/limits"
)

const crowd = 500

func orgName(i int) string { return fmt.Sprintf("org%d.okta.com", i) }

// orgsOf are n orgs that ask one Server, with selectors as they are by default.
func orgsOf(t *testing.T, h http.Handler, n int) (orgs []*Loki) {
	s := serverOf(t, h)
	for i := range n {
		orgs = append(orgs, s.Loki(Config{Selector: fmt.Sprintf(`{job="x",org=%q}`, orgName(i)), Ingesters: limits.QueryIngesters}))
	}
	return orgs
}

// allOf runs f for n orgs at once, a while apart, and returns how long it took.
func allOf(n int, apart time.Duration, f func(i int)) time.Duration {
	begin := time.Now()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			time.Sleep(time.Duration(i) * apart)
			f(i)
		})
	}
	all.Wait()
	return time.Since(begin)
}

// perMinute is the most requests in any minute.
func (f *fakeLoki) perMinute() (most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, from := range f.at {
		n := 0
		for _, at := range f.at[i:] {
			if at.Sub(from) < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func takes(d time.Duration) func(*http.Request) time.Duration {
	return func(*http.Request) time.Duration { return d }
}

// One search serves all that begin within a second, however many they are. It costs an empty Loki a query and some looks into its index.
func TestManyOrgsAreSearchedForTogether(t *testing.T) {
	ages := map[int]time.Duration{3: time.Second, 4: 2 * time.Hour, 30: 20 * time.Hour, 31: 50 * time.Hour, 300: 80 * 24 * time.Hour,
		301: 100 * 24 * time.Hour}
	for name, tc := range map[string]struct {
		noIndex  bool
		ages     map[int]time.Duration
		requests int
	}{
		"an empty Loki":              {false, nil, 80},
		"an empty Loki, no index":    {true, nil, 140},
		"some orgs are there":        {false, ages, 100},
		"some are there, no index":   {true, ages, 150},
		"all were there a while ago": {false, agesOfAll(30 * time.Minute), 30},
		"all were there days ago":    {false, agesOfAll(10 * 24 * time.Hour), 100},
	} {
		t.Run(name, inTime(func(t *testing.T) {
			f := &fakeLoki{noIndex: tc.noIndex, takes: takes(50 * time.Millisecond)}
			now := time.Now()
			for i, age := range tc.ages {
				f.entries = append(f.entries, entry{now.Add(-age), "uuid", orgName(i)}, entry{now.Add(-age - time.Minute), "uuid", orgName(i)})
			}
			slices.SortFunc(f.entries, func(a, b entry) int { return a.at.Compare(b.at) })
			orgs := orgsOf(t, f, crowd)
			took := allOf(crowd, 20*time.Millisecond, func(i int) {
				newest, err := orgs[i].Newest(t.Context(), 90*24*time.Hour)
				require.NoError(t, err)
				if age, ok := tc.ages[i]; ok && age < 90*24*time.Hour {
					require.Equal(t, now.Add(-age).UnixNano(), newest.UnixNano(), i)
				} else {
					require.Zero(t, newest, i)
				}
			})
			require.Less(t, took, 15*time.Second)
			require.LessOrEqual(t, len(f.at), tc.requests)
			t.Log(len(f.at), "requests", took)
		}))
	}
}

func agesOfAll(about time.Duration) map[int]time.Duration {
	ages := map[int]time.Duration{}
	for i := range crowd {
		ages[i] = about + time.Duration(i)*time.Second
	}
	return ages
}

// What is asked about an event now and then, of each of many orgs, is asked together.
func TestConfirmationsOfManyOrgsAreJoined(t *testing.T) {
	inTime(func(t *testing.T) {
		f := &fakeLoki{takes: takes(30 * time.Millisecond)}
		orgs := orgsOf(t, f, crowd)
		allOf(crowd, 20*time.Millisecond, func(i int) {
			for n := range 30 {
				there := Event{UUID: fmt.Sprintf("%d-%d", i, n), Time: time.Now().Add(-5 * time.Second)}
				gone := Event{UUID: fmt.Sprintf("gone-%d-%d", i, n), Time: time.Now().Add(-4 * time.Second)}
				elsewhere := Event{UUID: fmt.Sprintf("else-%d-%d", i, n), Time: time.Now().Add(-4 * time.Second)}
				f.mu.Lock()
				f.entries = append(f.entries, entry{there.Time, `{"uuid":"` + there.UUID + `"}`, orgName(i)},
					entry{elsewhere.Time, `{"uuid":"` + elsewhere.UUID + `"}`, orgName((i + 1) % crowd)})
				if len(f.entries) > 2500 { // the fake reads all of them
					f.entries = slices.Clone(f.entries[500:])
				}
				f.mu.Unlock()
				begin := time.Now()
				found, err := orgs[i].Find(orgs[i].Unhurried(t.Context()), []Event{there, gone, elsewhere})
				require.NoError(t, err)
				require.Equal(t, map[string]bool{there.UUID: true}, found)
				require.Less(t, time.Since(begin), 2*time.Second)
				time.Sleep(20 * time.Second)
			}
		})
		t.Log(f.perMinute(), "requests a minute at most")
		require.LessOrEqual(t, f.perMinute(), 120)
	})(t)
}

// Who is alone waits for nobody.
func TestOneOrgIsNotKeptWaiting(t *testing.T) {
	inTime(func(t *testing.T) {
		f := &fakeLoki{takes: takes(200 * time.Millisecond)}
		l := orgsOf(t, f, 1)[0]
		begin := time.Now()
		for range 100 {
			_, err := l.Find(t.Context(), []Event{{UUID: "a", Time: time.Now()}})
			require.NoError(t, err)
		}
		require.Less(t, time.Since(begin), 21*time.Second)
	})(t)
}

// A Loki that is asked too much is left alone for as long as it says, by all.
func TestARefusalOfTooManyRequestsIsWaitedOutByAll(t *testing.T) {
	const wait = 40 * time.Second
	for name, tc := range map[string]struct {
		status int
		after  func() string
	}{
		"429, seconds": {429, func() string { return strconv.Itoa(int(wait / time.Second)) }},
		"429, a date":  {429, func() string { return time.Now().Add(wait).UTC().Format(http.TimeFormat) }},
		"503, seconds": {503, func() string { return strconv.Itoa(int(wait / time.Second)) }},
	} {
		t.Run(name, inTime(func(t *testing.T) {
			f := &fakeLoki{takes: takes(10 * time.Millisecond)}
			first := time.Time{}
			f.fail = func(w http.ResponseWriter) bool {
				if first.IsZero() {
					first = time.Now()
				}
				if time.Since(first) >= wait-time.Second {
					return false
				}
				w.Header().Set("Retry-After", tc.after())
				http.Error(w, "too many outstanding requests", tc.status)
				return true
			}
			orgs := orgsOf(t, f, crowd)
			took := allOf(crowd, 20*time.Millisecond, func(i int) {
				_, err := orgs[i].Newest(t.Context(), 90*24*time.Hour)
				require.NoError(t, err)
				_, err = orgs[i].Find(t.Context(), []Event{{UUID: "a", Time: time.Now()}})
				require.NoError(t, err)
			})
			require.Less(t, took, wait+20*time.Second)
			for _, at := range f.at {
				require.True(t, at.Sub(first) < 20*time.Millisecond || at.Sub(first) >= wait-time.Second, at.Sub(first))
			}
			require.LessOrEqual(t, len(f.at), 250)
		}))
	}
}

// Without a time in the refusal, the wait doubles up to a minute.
func TestALokiThatGoesOnRefusingIsAskedEverMoreRarely(t *testing.T) {
	inTime(func(t *testing.T) {
		f := &fakeLoki{fail: func(w http.ResponseWriter) bool { http.Error(w, "rate limit", http.StatusTooManyRequests); return true }}
		orgs := orgsOf(t, f, crowd)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		allOf(crowd, 20*time.Millisecond, func(i int) {
			for ctx.Err() == nil {
				_, err := orgs[i].Find(ctx, []Event{{UUID: "a", Time: time.Now()}})
				require.Error(t, err)
				time.Sleep(time.Second)
			}
		})
		require.LessOrEqual(t, len(f.at), 60*atOnce+50)
	})(t)
}

// Somebody between here and Loki may take a selector of one org and no other.
func TestWhatIsJoinedMayBeRefused(t *testing.T) {
	for name, status := range map[string]int{"400": 400, "403": 403, "413": 413, "500": 500} {
		t.Run(name, inTime(func(t *testing.T) {
			f := &fakeLoki{takes: takes(10 * time.Millisecond)}
			f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.Form.Get("query"), "=~") {
					return false
				}
				http.Error(w, "no", status)
				return true
			}
			now := time.Now()
			for i := range crowd {
				f.entries = append(f.entries, entry{now, fmt.Sprintf(`{"uuid":"u%d"}`, i), orgName(i)})
			}
			orgs := orgsOf(t, f, crowd)
			took := allOf(crowd, 0, func(i int) {
				found, err := orgs[i].Find(orgs[i].Unhurried(t.Context()), []Event{{UUID: fmt.Sprint("u", i), Time: now}})
				require.NoError(t, err)
				require.Len(t, found, 1)
				newest, err := orgs[i].Newest(t.Context(), 90*24*time.Hour)
				require.NoError(t, err)
				require.Equal(t, now.UnixNano(), newest.UnixNano())
			})
			t.Log(len(f.at), "requests", took)
			require.Less(t, took, 30*time.Second)
			require.Less(t, len(f.at), 3*crowd)
		}))
	}
}

// A moment's trouble with two that are joined does not keep all apart for good.
func TestWhatWasRefusedOnceIsJoinedAgain(t *testing.T) {
	inTime(func(t *testing.T) {
		f, refused := &fakeLoki{}, 0
		f.refuse = func(w http.ResponseWriter, r *http.Request) bool {
			if refused > 0 || !strings.Contains(r.Form.Get("query"), "=~") {
				return false
			}
			refused++
			http.Error(w, "no", 500)
			return true
		}
		orgs := orgsOf(t, f, 20)
		ask := func(n int) {
			allOf(n, 0, func(i int) {
				_, err := orgs[i].Find(orgs[i].Unhurried(t.Context()), []Event{{UUID: "a", Time: time.Now()}})
				require.NoError(t, err)
			})
		}
		ask(1) // what comes within its gap is joined
		ask(2)
		require.Equal(t, 1, refused)
		require.EqualValues(t, 1, orgs[0].server.joined.get())
		for range 100 {
			ask(20)
		}
		require.EqualValues(t, mostJoined, orgs[0].server.joined.get())
	})(t)
}

// What Loki refuses whoever asks is told to all, and costs little.
func TestAWrongCredentialIsToldToAllAtOnce(t *testing.T) {
	inTime(func(t *testing.T) {
		f := &fakeLoki{takes: takes(time.Second), fail: func(w http.ResponseWriter) bool { http.Error(w, "no", http.StatusUnauthorized); return true }}
		orgs := orgsOf(t, f, 100)
		allOf(100, 0, func(i int) {
			_, err := orgs[i].Find(orgs[i].Unhurried(t.Context()), []Event{{UUID: "a", Time: time.Now()}})
			require.ErrorIs(t, err, ErrRefused)
		})
		require.LessOrEqual(t, len(f.at), 4, "the first of all, the others, and one or two of them alone before they hear")
		require.EqualValues(t, mostJoined, orgs[0].server.joined.get())
	})(t)
}

// Of many orgs one has so much in the range that its answer is read for an hour.
func TestALoudOrgDoesNotHoldUpTheOthers(t *testing.T) {
	inTime(func(t *testing.T) {
		now := time.Now()
		f := &fakeLoki{takes: takes(2 * time.Second)}
		for i := range 60_000 {
			f.entries = append(f.entries, entry{now.Add(time.Duration(i) * time.Microsecond), "uuid", orgName(7)})
		}
		for i := range 50 {
			f.entries = append(f.entries, entry{now.Add(time.Second), fmt.Sprintf(`{"uuid":"u%d"}`, i), orgName(i)})
		}
		slices.SortStableFunc(f.entries, func(a, b entry) int { return a.at.Compare(b.at) })
		orgs := orgsOf(t, f, 50)
		allOf(50, 0, func(i int) {
			begin := time.Now()
			events := []Event{{UUID: fmt.Sprint("u", i), Time: now.Add(time.Second)}, {UUID: "gone", Time: now}}
			found, err := orgs[i].Find(orgs[i].Unhurried(t.Context()), events)
			require.NoError(t, err)
			require.Len(t, found, 1)
			if i == 7 {
				require.Greater(t, time.Since(begin), 20*time.Second)
			} else {
				require.Less(t, time.Since(begin), 7*time.Second)
			}
		})
	})(t)
}

// An org whose range is long, or that Loki answers slowly, is asked about beside the others.
func TestASlowOrgDoesNotHoldUpTheOthers(t *testing.T) {
	inTime(func(t *testing.T) {
		f := &fakeLoki{takes: func(r *http.Request) time.Duration {
			start, _ := strconv.ParseInt(r.Form.Get("start"), 10, 64)
			end, _ := strconv.ParseInt(r.Form.Get("end"), 10, 64)
			if time.Duration(end-start) > 10*time.Minute {
				return 25 * time.Second
			}
			return 20 * time.Millisecond
		}}
		orgs := orgsOf(t, f, crowd)
		allOf(crowd, 10*time.Millisecond, func(i int) {
			events := []Event{{UUID: "a", Time: time.Now()}}
			if i < 4 { // a page of an event an hour, over three days
				for h := range 72 {
					events = append(events, Event{UUID: fmt.Sprint("b", h), Time: time.Now().Add(-time.Duration(h) * time.Hour)})
				}
			}
			begin := time.Now()
			_, err := orgs[i].Find(orgs[i].Unhurried(t.Context()), events)
			require.NoError(t, err)
			if i >= 4 {
				require.Less(t, time.Since(begin), 3*time.Second)
			}
		})
		require.LessOrEqual(t, len(f.at), 50)
	})(t)
}

// A stop ends every wait at once, and what nobody wants to know is not asked.
func TestAStopEndsEveryWaitForLoki(t *testing.T) {
	inTime(func(t *testing.T) {
		hangs := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		orgs := orgsOf(t, hangs, crowd)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		took := allOf(crowd, 0, func(i int) {
			_, err := orgs[i].Newest(ctx, 0)
			require.ErrorIs(t, err, context.Canceled)
			_, err = orgs[i].Find(ctx, []Event{{UUID: "a", Time: time.Now()}})
			require.ErrorIs(t, err, context.Canceled)
		})
		require.Equal(t, 5*time.Second, took)

		f := &fakeLoki{}
		l := orgsOf(t, f, 1)[0]
		_, err := l.Find(ctx, []Event{{UUID: "a", Time: time.Now()}})
		require.ErrorIs(t, err, context.Canceled)
		synctest.Wait()
		require.Empty(t, f.at)
		_, err = l.Find(t.Context(), []Event{{UUID: "a", Time: time.Now()}})
		require.NoError(t, err)
	})(t)
}

// One that stops does not take the answer from the others.
func TestAStopOfOneOrgIsNothingToTheOthers(t *testing.T) {
	inTime(func(t *testing.T) {
		f := &fakeLoki{takes: takes(10 * time.Second)}
		orgs := orgsOf(t, f, 20)
		allOf(20, 0, func(i int) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+100*i)*time.Second)
			defer cancel()
			_, err := orgs[i].Newest(ctx, 0)
			if i == 0 {
				require.ErrorIs(t, err, context.DeadlineExceeded)
			} else {
				require.NoError(t, err)
			}
		})
	})(t)
}

// One selector may be that of all orgs: one answer serves all.
func TestOneSelectorForAllOrgsIsOneQuery(t *testing.T) {
	inTime(func(t *testing.T) {
		now := time.Now()
		f := &fakeLoki{entries: []entry{{now, `{"uuid":"a"}`, "a"}, {now, `{"uuid":"b"}`, "b"}}}
		s := serverOf(t, f)
		allOf(100, 0, func(int) {
			l := s.Loki(Config{Selector: `{job=~"x|y"}`})
			found, err := l.Find(t.Context(), []Event{{UUID: "a", Time: now}, {UUID: "b", Time: now}, {UUID: "c", Time: now}})
			require.NoError(t, err)
			require.Len(t, found, 2)
		})
		require.LessOrEqual(t, len(f.queries), 2)
	})(t)
}

// An answer is its caller's, who writes to it: nothing is noted in it when the search goes on for others.
func TestAnAnswerIsItsCallersAlone(t *testing.T) {
	inTime(func(t *testing.T) {
		now := time.Now()
		f := &fakeLoki{takes: takes(time.Second)}
		for i := range 100 { // a page, which ends behind all that the first asks for
			f.entries = append(f.entries, entry{now.Add(time.Duration(i) * 15 * time.Millisecond), `{"uuid":"other"}`, ""})
		}
		f.entries = append(f.entries, entry{now.Add(2500 * time.Millisecond), `{"uuid":"a"}`, ""},
			entry{now.Add(3 * time.Second), `{"uuid":"b"}`, ""})
		l := clientOf(t, f)
		l.server.limit = newBound(100, 100)
		_, err := l.Find(t.Context(), []Event{{UUID: "gone", Time: now.Add(-time.Hour)}}) // what comes within its gap is joined
		require.NoError(t, err)
		before := len(f.queries)
		events := []Event{{UUID: "a", Time: now}, {UUID: "b", Time: now.Add(3 * time.Second)}}
		var found [2]map[string]bool
		allOf(2, 0, func(i int) {
			var err error
			found[i], err = l.Find(l.Unhurried(t.Context()), events[i:i+1])
			require.NoError(t, err)
		})
		require.Equal(t, 2, len(f.queries)-before)
		require.Equal(t, [2]map[string]bool{{}, {"b": true}}, found)
	})(t)
}

func TestSelectorsAreJoinedWhereTheyAreAlike(t *testing.T) {
	for _, tc := range []struct {
		a, b, want string // "": they are not joined
	}{
		{`{job="x",org="a"}`, `{job="x",org="b"}`, `{job="x",org=~"a|b"}`},
		{`{job="x",org="a.b:1"}`, `{job="x",org="b"}`, `{job="x",org=~"a\\.b:1|b"}`},
		{`{ job = "x" , org="a" }`, "{job=`x`,org=\"b\"}", `{job="x",org=~"a|b"}`},
		{`{job="x",org="a",team="s"}`, `{job="x",org="b",team="t"}`, `{job="x",org=~"a|b",team=~"s|t"}`},
		{`{job="x",org="a",backfill=""}`, `{job="x",org="b",backfill=""}`, `{job="x",org=~"a|b",backfill=""}`},
		{`{job="x",org="a",b!="1"}`, `{job="x",org="b",b!="1"}`, `{job="x",org=~"a|b",b!="1"}`},
		{`{job="x",org="a\"b|"}`, `{job="x",org="b"}`, `{job="x",org=~"a\"b\\||b"}`},
		{`{job="x",org="a"}`, `{job="y",org="b"}`, `{job=~"x|y",org=~"a|b"}`},
		{`{job="x",org="a",b!="1"}`, `{job="x",org="b",b!="2"}`, ""},
		{`{job="x",org="a"}`, `{job="x"}`, ""},
		{`{job="x",org="a"}`, `{org="b",job="x"}`, ""},
		{`{job=~"x|y"}`, `{job=~"x|z"}`, ""},
		{`{job="x",job="y"}`, `{job="x",job="z"}`, ""},
		{`{job="x",org="a"} |= "z"`, `{job="x",org="b"} |= "z"`, ""},
		{`{job="x",org='a'}`, `{job="x",org='b'}`, ""},
		{`{job="x",org="a"`, `{job="x",org="b"`, ""},
		{``, `{job="x",org="b"}`, ""},
	} {
		a, b := parseSelector(tc.a), parseSelector(tc.b)
		require.Equal(t, tc.want != "", a.shape == b.shape, "%s %s", tc.a, tc.b)
		require.Equal(t, tc.a, join([]selector{a}), "one alone is left as it is")
		if tc.want != "" {
			require.Equal(t, tc.want, join([]selector{a, b}))
			require.NotEqual(t, a.key, b.key)
		}
	}
}

func TestOneLokiIsSharedAndNoOther(t *testing.T) {
	type key struct {
		URL    string
		Secret *string
	}
	var servers Servers
	of := func(url, secret string) *Server {
		s, err := servers.For(key{url, &secret}, func() (*Server, error) { return serverOf(t, &fakeLoki{}), nil })
		require.NoError(t, err)
		return s
	}
	a := of("a", "1")
	require.Same(t, a, of("a", "1"))
	require.NotSame(t, a, of("a", "2"))
	require.NotSame(t, a, of("b", "1"))
	require.Same(t, a, of("a", "1"))
	_, err := servers.For("bad", func() (*Server, error) { return nil, io.ErrUnexpectedEOF })
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
