package poller

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// More repeats than the set holds pass: the set is bounded, and says how far it goes.
func TestTheSetOfUUIDsIsBoundedAndForgetsTheOldestFirst(t *testing.T) {
	var s seen
	for i := range remembered + 10 {
		s.add(fmt.Sprint(i))
		s.add(fmt.Sprint(i)) // twice makes no difference
		s.add("")
	}
	require.LessOrEqual(t, len(s.now)+len(s.before), remembered)
	require.False(t, s.has("9"))
	require.True(t, s.has(fmt.Sprint(remembered/2+10)), "half of them at least")
	require.True(t, s.has(fmt.Sprint(remembered+9)))
	require.False(t, s.has(""), "events without uuid are never repeats")
}

func TestTheSetOfUUIDsIsSizedByTraffic(t *testing.T) {
	var s seen
	date := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	most := 0
	for i := range 3 * 3600 { // one a second
		s.add(fmt.Sprint(i))
		s.passed(date, date)
		date = date.Add(time.Second)
		most = max(most, len(s.now)+len(s.before))
	}
	require.LessOrEqual(t, most, 1+2*int(repeatable/time.Second))
	require.True(t, s.has(fmt.Sprint(3*3600-int(repeatable/time.Second))))
}

// What is read again after a refused cursor is what Okta persisted since the position's time, and that stands still
// while only late events come.
func TestLateEventsMakeNoUUIDForgotten(t *testing.T) {
	var s seen
	published := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	s.add("last")
	s.passed(published, published)
	for i := range 100 {
		s.add(fmt.Sprint("late", i))
		s.passed(published, published.Add(time.Duration(i)*time.Hour))
	}
	require.True(t, s.has("last"))
}

func TestTheSetOfUUIDsAllocatesNothingToAsk(t *testing.T) {
	var s seen
	const uuid = "f3a9a0c2-7f3e-11ee-b962-0242ac120002"
	s.add(uuid)
	require.Zero(t, testing.AllocsPerRun(100, func() { require.True(t, s.has(uuid)) }))
}
