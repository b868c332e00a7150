package event

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestScanRefusesWhatIsNotAPage(t *testing.T) {
	for name, tc := range map[string]struct {
		body, want string
	}{
		"empty body":           {"", "not a page of events: empty body at byte 0 of 0"},
		"white space":          {" \n", "not a page of events: truncated at byte 2 of 2"},
		"error object":         {`{"errorCode":"E0000011"}`, "not a page of events: an object where an array was expected at byte 0 of 24"},
		"HTML":                 {"<html></html>", "not a page of events: not an array: starts with '<', as HTML does at byte 0 of 13"},
		"gzip":                 {"\x1f\x8b\x08", "not a page of events: not an array: starts as gzip does at byte 0 of 3"},
		"null":                 {"null", "not a page of events: not an array at byte 0 of 4"},
		"truncated array":      {`[{"uuid":"a"}`, "not a page of events: truncated at byte 13 of 13"},
		"truncated string":     {`[{"uuid":"a`, "not a page of events: truncated at byte 11 of 11"},
		"truncated after [":    {`[`, "not a page of events: truncated at byte 1 of 1"},
		"truncated after ,":    {`[{},`, "not a page of events: truncated at byte 4 of 4"},
		"trailing comma":       {`[{},]`, "not a page of events: an element that is not an object at byte 4 of 5"},
		"second page behind":   {`[{}][{}]`, "not a page of events: something after the array at byte 4 of 8"},
		"garbage behind":       {`[] x`, "not a page of events: something after the array at byte 3 of 4"},
		"number element":       {`[1]`, "not a page of events: an element that is not an object at byte 1 of 3"},
		"null element":         {`[{},null]`, "not a page of events: an element that is not an object at byte 4 of 9"},
		"broken deep inside":   {`[{"a":{"b":[1,{"c":tru}]}}]`, "not a page of events: invalid JSON at byte 22 of 27"},
		"unquoted name":        {`[{a:1}]`, "not a page of events: invalid JSON at byte 2 of 7"},
		"control character":    {"[{\"a\":\"\x01\"}]", "not a page of events: invalid JSON at byte 7 of 11"},
		"bad escape":           {`[{"a":"\x"}]`, "not a page of events: invalid JSON at byte 8 of 12"},
		"missing comma":        {`[{"a":1 "b":2}]`, "not a page of events: invalid JSON at byte 8 of 15"},
		"missing comma, outer": {`[{} {}]`, "not a page of events: invalid JSON at byte 4 of 7"},
		"leading zero":         {`[{"a":01}]`, "not a page of events: invalid JSON at byte 7 of 10"},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := Scan([]byte(tc.body))
			require.EqualError(t, err, tc.want)
			require.ErrorIs(t, err, ErrNotPage)
			var page *PageError
			require.ErrorAs(t, err, &page)
			require.Equal(t, len(tc.body), page.Length)
			require.Nil(t, events)
		})
	}
}

func TestScanAcceptsPages(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want []string
	}{
		"no events":                {`[]`, nil},
		"no events, loose":         {" [ \r\n\t] \n", nil},
		"empty object":             {`[{}]`, []string{`{}`}},
		"white space kept":         {"[ { \"a\" : [ 1 , 2 ] } , {}\n]", []string{`{ "a" : [ 1 , 2 ] }`, `{}`}},
		"bytes that are not UTF-8": {"[{\"a\":\"\xff\"}]", []string{"{\"a\":\"\xff\"}"}},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := Scan([]byte(tc.body))
			require.NoError(t, err)
			var raw []string
			for _, ev := range events {
				raw = append(raw, string(ev.Raw))
			}
			require.Equal(t, tc.want, raw)
		})
	}
}

func TestScanReadsTheFacts(t *testing.T) {
	for name, tc := range map[string]struct {
		event string
		want  Event
	}{
		"all there": {
			`{"uuid":"u1","published":"2026-08-21T10:00:00.123Z","eventType":"user.session.start","severity":"INFO"}`,
			Event{UUID: "u1", Published: time.Date(2026, 8, 21, 10, 0, 0, 123e6, time.UTC), EventType: "user.session.start", Severity: "INFO"},
		},
		"microseconds and offset": {
			`{"published":"2026-08-21T10:00:00.123456+02:00"}`,
			Event{Published: time.Date(2026, 8, 21, 8, 0, 0, 123456e3, time.UTC)},
		},
		"offset without colon": {`{"published":"2013-01-01T12:00:00.000-0700"}`, Event{Published: time.Date(2013, 1, 1, 19, 0, 0, 0,
			time.UTC)}},
		"nothing":                 {`{}`, Event{}},
		"nulls":                   {`{"uuid":null,"published":null,"eventType":null,"severity":null}`, Event{}},
		"other types":             {`{"uuid":1,"published":2,"eventType":[],"severity":{}}`, Event{}},
		"no time":                 {`{"uuid":"u","published":"yesterday"}`, Event{UUID: "u"}},
		"a time Loki cannot hold": {`{"published":"9999-12-31T23:59:59.999Z"}`, Event{}},
		"a surrogate pair, and halves": {`{"uuid":"\ud83d\ude00","eventType":"\ude00\ud83d","severity":"\ud83dx\ud83d\u0041"}`,
			Event{UUID: "😀", EventType: "\ufffd\ufffd", Severity: "\ufffdx\ufffdA"}},
		"short escapes":          {`{"uuid":"\"\\\/\b\f\n\r\t"}`, Event{UUID: "\"\\/\b\f\n\r\t"}},
		"escaped names and text": {`{"uu\u0069d":"\u0075\/1"}`, Event{UUID: "u/1"}},
		"the last of two":        {`{"uuid":"a","uuid":"b"}`, Event{UUID: "b"}},
		"only the top level":     {`{"actor":{"uuid":"x","severity":"WARN"}}`, Event{}},
		"a long unknown name":    {`{"` + strings.Repeat("x", 300) + `":1,"uuid":"u"}`, Event{UUID: "u"}},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := Scan([]byte("[" + tc.event + "]"))
			require.NoError(t, err)
			require.Len(t, events, 1)
			got := events[0]
			require.Equal(t, tc.event, string(got.Raw))
			require.Equal(t, tc.want, Event{UUID: got.UUID, Published: got.Published, EventType: got.EventType, Severity: got.Severity})
		})
	}
}

func TestScanNestsAsDeepAsEncodingJSON(t *testing.T) {
	for _, nest := range []struct{ open, close string }{{"[", "]"}, {`{"a":`, "}"}} {
		deep := func(n int) []byte {
			return []byte(`[{"a":` + strings.Repeat(nest.open, n) + "1" + strings.Repeat(nest.close, n) + "}]")
		}
		for n, valid := range map[int]bool{9998: true, 9999: false} {
			require.Equal(t, valid, json.Valid(deep(n)))
			_, err := Scan(deep(n))
			require.Equal(t, valid, err == nil)
		}
	}
}

func TestUUIDsKeepNoPageAlive(t *testing.T) {
	body := []byte(`[{"uuid":"0123"}]`)
	events, err := Scan(body)
	require.NoError(t, err)
	clear(body)
	require.Equal(t, "0123", events[0].UUID)
}
