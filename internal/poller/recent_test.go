package poller

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// More repeats than the set holds pass: the set is bounded, and says how far it goes.
func TestTheSetOfUUIDsIsBoundedAndForgetsTheOldestFirst(t *testing.T) {
	var r recent
	for i := range remembered + 10 {
		r.add(fmt.Sprint(i))
		r.add(fmt.Sprint(i)) // twice makes no difference
		r.add("")
	}
	require.LessOrEqual(t, len(r.now)+len(r.before), remembered)
	require.False(t, r.has("9"))
	require.True(t, r.has(fmt.Sprint(remembered/2+10)), "half of them at least")
	require.True(t, r.has(fmt.Sprint(remembered+9)))
	require.False(t, r.has(""), "events without uuid are never repeats")
}

func TestTheSetOfUUIDsIsSizedByTraffic(t *testing.T) {
	var r recent
	date := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	most := 0
	for i := range 3 * 3600 { // one a second
		r.add(fmt.Sprint(i))
		r.passed(date, date)
		date = date.Add(time.Second)
		most = max(most, len(r.now)+len(r.before))
	}
	require.LessOrEqual(t, most, 1+2*int(repeatable/time.Second))
	require.True(t, r.has(fmt.Sprint(3*3600-int(repeatable/time.Second))))
}

// What is read again after a refused cursor is what Okta persisted since the position's time, and that stands still
// while only late events come.
func TestLateEventsMakeNoUUIDForgotten(t *testing.T) {
	var r recent
	published := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	r.add("last")
	r.passed(published, published)
	for i := range 100 {
		r.add(fmt.Sprint("late", i))
		r.passed(published, published.Add(time.Duration(i)*time.Hour))
	}
	require.True(t, r.has("last"))
}

func TestTheSetOfUUIDsAllocatesNothingToAsk(t *testing.T) {
	var r recent
	const uuid = "f3a9a0c2-7f3e-11ee-b962-0242ac120002"
	r.add(uuid)
	require.Zero(t, testing.AllocsPerRun(100, func() { require.True(t, r.has(uuid)) }))
}
