package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// where says where the n entries of an event are. Structured metadata makes no stream, and may name somebody: it is not shown.
func (r *record) where(n int) string {
	if r.mixed {
		return fmt.Sprintf("%d entries", n)
	}
	var sets []map[string]string
	for _, raw := range r.labels {
		set := labelsOf(raw)
		if !slices.ContainsFunc(sets, func(s map[string]string) bool { return maps.Equal(s, set) }) {
			sets = append(sets, set)
		}
	}
	if len(sets) < 2 {
		return fmt.Sprintf("%d entries in one stream", n)
	}
	var streams []string
	for _, set := range sets {
		streams = append(streams, "{"+strings.Join(apart(set, sets), ", ")+"}")
	}
	slices.Sort(streams) // Loki answers in any order
	return fmt.Sprintf("%d entries in %d streams: %s", n, len(sets), strings.Join(streams, " and "))
}

// apart are the labels by which a stream differs from any of the others.
func apart(set map[string]string, all []map[string]string) (parts []string) {
	names := map[string]bool{}
	for _, other := range all {
		for name := range other {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if slices.ContainsFunc(all, func(o map[string]string) bool { return o[name] != set[name] }) {
			parts = append(parts, fmt.Sprintf("%s=%q", name, set[name]))
		}
	}
	return parts
}

func labelsOf(raw string) map[string]string {
	set := map[string]string{}
	gjson.Parse(raw).ForEach(func(name, value gjson.Result) bool {
		if name.String() != "__stream_shard__" { // by which Loki's distributor divides a stream
			set[name.String()] = value.String()
		}
		return true
	})
	return set
}
