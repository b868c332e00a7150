package okta

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/syntax"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/internal/poller"
)

func TestDebugInfoTellsHowCollectionGoes(t *testing.T) {
	org := &oktasim.Org{Token: "right"}
	org.Generate(3, time.Minute)
	begin := time.Now()
	s := watch(t, org, "")
	for range 3 {
		s.take(t)
	}
	until(t, "a page without events", func() bool { return s.DebugInfo().(debugInfo).PagesForwarded > 1 })
	info := s.DebugInfo().(debugInfo)
	require.Equal(t, s.only().plan.Load().org.String(), info.Org)
	require.Equal(t, "ssws", info.AuthMethod)
	require.Equal(t, "polling", info.State)
	require.EqualValues(t, 3, info.EventsForwarded)
	require.WithinRange(t, info.LastPoll, begin, time.Now())
	require.WithinDuration(t, gjson.GetBytes(org.Events()[2], "published").Time(), info.LastEvent, 0)
	require.NotEmpty(t, info.CheckpointAge)
	require.Equal(t, 120, info.Budget.Limit)
	require.Less(t, *info.Budget.Remaining, 120)
	require.Equal(t, "0s", info.ClockSkew)
	require.InDelta(t, 0.5, info.Budget.Share, 0)
	text, err := syntax.Marshal(&info)
	require.NoError(t, err)
	require.Contains(t, string(text), "remaining ")
	require.Empty(t, info.LastError)
	require.Zero(t, info.More, "of no option")
	require.Nil(t, info.Replay)

	begin = time.Now()
	org.Set(func(o *oktasim.Org) { o.Token = "another" })
	until(t, "the refusal", func() bool { return s.CurrentHealth().Health == component.HealthTypeUnhealthy })
	info = s.DebugInfo().(debugInfo)
	require.Contains(t, info.State, "refused since ")
	require.Contains(t, info.LastError, "E0000011")
	require.NotEmpty(t, info.LastErrorRequestID)
	require.Contains(t, s.CurrentHealth().Message, info.LastErrorRequestID)
	require.WithinRange(t, info.FailingSince, begin, time.Now())
	require.Equal(t, info.FailingSince, s.CurrentHealth().UpdateTime)
}

func TestBeforeAnAnswerNothingIsSaidOfTheLimit(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	s := runs(t, fmt.Sprintf("url = %q\napi_token = \"right\"\n", server.URL))
	until(t, "a failed try", func() bool { return s.DebugInfo().(debugInfo).LastError != "" })
	info := s.DebugInfo().(debugInfo)
	text, err := syntax.Marshal(&info)
	require.NoError(t, err)
	require.NotContains(t, string(text), "remaining")
	require.NotContains(t, string(text), "clock_skew")
	for _, name := range []string{"rate_limit_limit", "rate_limit_remaining", "clock_skew_seconds"} {
		_, ok := value(t, s.registry, name)
		require.False(t, ok, name)
	}
}

func TestMetricsSayWhatKeepsEventsFromComing(t *testing.T) {
	org := &oktasim.Org{Token: "right"}
	org.Generate(1, 0)
	s := watch(t, org, "")
	until(t, "the receiver blocks", func() bool {
		v, _ := value(t, s.registry, "receiver_blocked_seconds")
		return v > 0
	})
	before, _ := value(t, s.registry, "lag_seconds")
	until(t, "the lag grows while a receiver blocks", func() bool {
		v, _ := value(t, s.registry, "lag_seconds")
		return v > before
	})
	until(t, "and so does the time it has blocked", func() bool {
		v, _ := value(t, s.registry, "receiver_blocked_seconds")
		return v > 0.1
	})
	s.take(t)
	until(t, "the receiver took it", func() bool {
		v, _ := value(t, s.registry, "receiver_blocked_seconds")
		lag, _ := value(t, s.registry, "lag_seconds")
		return v == 0 && lag < 5
	})
	v, ok := value(t, s.registry, "refused")
	require.True(t, ok)
	require.Zero(t, v)
	_, ok = value(t, s.registry, "failing_seconds", "reconcile")
	require.False(t, ok, "there is no reconcile block")

	org.Set(func(o *oktasim.Org) { o.Token = "another" })
	until(t, "the refusal", func() bool { v, _ := value(t, s.registry, "refused"); return v == 1 })
	since, _ := value(t, s.registry, "failing_seconds", "okta")
	until(t, "the time it fails grows", func() bool {
		v, _ := value(t, s.registry, "failing_seconds", "okta")
		return v > since
	})
	v, _ = value(t, s.registry, "requests_total", "401")
	require.Positive(t, v)
}

func TestTheWaitForTheBudgetIsCountedWhileItLasts(t *testing.T) {
	org := &oktasim.Org{Token: "right", RateLimit: 4}
	s := watch(t, org, "")
	until(t, "the budget is spent", func() bool {
		v, _ := value(t, s.registry, "rate_limit_wait_seconds_total")
		return v > 0
	})
	first, _ := value(t, s.registry, "rate_limit_wait_seconds_total")
	until(t, "it grows", func() bool {
		v, _ := value(t, s.registry, "rate_limit_wait_seconds_total")
		return v > first+0.05
	})
	require.Contains(t, s.DebugInfo().(debugInfo).State, "waiting for budget until ")
	health := s.CurrentHealth()
	require.Equal(t, component.HealthTypeHealthy, health.Health)
	require.Contains(t, health.Message, "waiting for budget")
}

// Alloy asks for health and debug information under its own locks.
func TestAskingNeverWaitsForThePoller(t *testing.T) {
	org := &oktasim.Org{Token: "right"}
	org.Generate(5, 0)
	s := watch(t, org, "") // nobody takes its entries
	until(t, "the receiver blocks", func() bool { return !s.only().live.status.Snapshot().Wrong[poller.Receiver].Since.IsZero() })
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for range 200 {
			s.CurrentHealth()
			s.DebugInfo()
			_, err := s.registry.Gather()
			if err != nil {
				panic(err)
			}
		}
	}()
	select {
	case <-answered:
	case <-time.After(20 * time.Second):
		require.FailNow(t, "asking waits for the receiver")
	}
}
