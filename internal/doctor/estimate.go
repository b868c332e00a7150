package doctor

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/limits"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

const (
	samples   = 8 // of a quarter of an hour each, spread over the last day
	quarter   = 15 * time.Minute
	mostTypes = 10
)

// Estimate is how large an org's log is, from a sample of the last day.
type Estimate struct {
	EventsPerDay float64 `json:"events_per_day"`
	BytesPerDay  float64 `json:"bytes_per_day"` // of entries: line and structured metadata
	Sampled      int     `json:"events_sampled"`
	Large        int     `json:"entries_over_256_kb"` // of those sampled
	Types        []Type  `json:"largest_event_types"` // by bytes, at most ten
}

// Type is how much of that one event type is.
type Type struct {
	EventType    string  `json:"event_type"`
	EventsPerDay float64 `json:"events_per_day"`
	BytesPerDay  float64 `json:"bytes_per_day"`
}

// sample reads a page from each of the quarters, at most, and counts what was published in them. A page that ends before its quarter of an
// hour counts for the time that it covers. When a page cannot be read, there is no estimate.
func (v *visit) sample(now time.Time, get func(oktaapi.Cursor) ([]event.Event, error), client *oktaapi.Client) {
	found, byType := &Estimate{}, map[string]*Type{}
	n := samples
	if v.method() == "private_key_jwt+dpop" {
		n-- // an access token took three requests: without a proof, without a nonce, with both
	}
	every := 24 * time.Hour / time.Duration(n)
	for i := range n {
		begin := now.Add(-24*time.Hour + time.Duration(i)*every + every/2 - quarter/2)
		events, err := get(client.StartOf(begin, oktaapi.MaxPageSize))
		if err != nil {
			return
		}
		end := begin.Add(quarter)
		if len(events) > 0 {
			if last := events[len(events)-1].Published; len(events) >= oktaapi.MaxPageSize && last.Before(end) && last.After(begin) {
				end = last
			}
		}
		perDay := float64(24*time.Hour) / float64(end.Sub(begin)) / float64(n)
		for _, e := range events {
			if e.Published.Before(begin) || e.Published.After(end) {
				continue
			}
			size := v.size(e, now)
			t := byType[e.EventType]
			if t == nil {
				t = &Type{EventType: strings.Clone(e.EventType)} // without Clone it would keep the page in memory
				byType[t.EventType] = t
			}
			found.Sampled++
			if size > limits.MaxLine {
				found.Large++
			}
			t.EventsPerDay, t.BytesPerDay = t.EventsPerDay+perDay, t.BytesPerDay+perDay*float64(size)
			found.EventsPerDay, found.BytesPerDay = found.EventsPerDay+perDay, found.BytesPerDay+perDay*float64(size)
		}
	}
	for _, t := range byType {
		found.Types = append(found.Types, *t)
	}
	slices.SortFunc(found.Types, func(a, b Type) int {
		return cmp.Or(cmp.Compare(b.BytesPerDay, a.BytesPerDay), cmp.Compare(a.EventType, b.EventType))
	})
	found.Types = found.Types[:min(len(found.Types), mostTypes)]
	v.found = found
}

// size is how large an event is as an entry.
func (v *visit) size(e event.Event, now time.Time) int {
	if v.Formatter == nil {
		return len(e.Raw)
	}
	entry := v.Formatter.Entry(e, now)
	n := len(entry.Line)
	for _, m := range entry.StructuredMetadata {
		n += len(m.Name) + len(m.Value)
	}
	return n
}
