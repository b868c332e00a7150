package event

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// ErrNotPage is what every error of Scan is: the body is not one valid JSON
// array of objects. The request can be repeated; the body has no use.
var ErrNotPage = errors.New("not a page of events")

// A PageError says why a body is not a page. It never quotes the body, which
// may hold personal data. errors.Is(err, ErrNotPage) holds for it.
type PageError struct {
	Reason string // for people: "truncated", "not an array: starts with '<', as HTML does", ...
	Offset int    // byte in the body where reading stopped, 0 to Length
	Length int    // bytes in the body
}

func (e *PageError) Error() string {
	return fmt.Sprintf("%s: %s at byte %d of %d", ErrNotPage, e.Reason, e.Offset, e.Length)
}

// Is makes every PageError an ErrNotPage.
func (e *PageError) Is(target error) bool { return target == ErrNotPage }

// An Event is one event of a page, as Okta sent it, and the few facts every
// event needs. Raw, EventType and Severity share memory with the page's body,
// which must not change while the Event or one of them is in use; UUID does
// not, so that remembering uuids keeps no page alive.
type Event struct {
	Raw       []byte    // the event's bytes, from '{' to '}'
	UUID      string    // "" when missing or not a string
	Published time.Time // UTC; zero when missing or not a time Loki can hold
	EventType string    // "" when missing
	Severity  string    // as Okta spelled it: DEBUG, INFO, WARN, ERROR; "" when missing

	fields  [fieldCount]rawjson.Span // where the top-level members that Okta documents are in Raw
	order   [fieldCount]field        // the fields that are there, in the order of Raw
	count   uint8                    // how many of order are in use
	repeats bool                     // one of them is there more than once
}

// Scan reads a page: the body of a response of GET /api/v1/logs. It checks the
// whole body before it returns anything, so a body that was cut off, that has
// something after the array or that is no JSON at all gives an error (always a
// *PageError, always ErrNotPage) and no events. An empty array gives no events
// and no error. Elements that are not objects are an error too. Members may be
// missing, of other types than documented, or new: see Event for what becomes
// of them. When a member is there twice the last one counts.
//
// Scan reads the body once and copies nothing but the uuids.
func Scan(body []byte) ([]Event, error) { return ScanInto(nil, body) }

// ScanInto is Scan with the memory of an earlier page: the events are put into dst from
// its beginning, which must not be in use any more. A page's events take half a
// megabyte, which is worth keeping for the next.
func ScanInto(dst []Event, body []byte) ([]Event, error) {
	fail := func(i int, reason string) ([]Event, error) {
		if i >= len(body) {
			i, reason = len(body), "truncated"
			if len(body) == 0 {
				reason = "empty body"
			}
		}
		return nil, &PageError{Reason: reason, Offset: i, Length: len(body)}
	}

	i := rawjson.SkipSpace(body, 0)
	if i >= len(body) || body[i] != '[' {
		return fail(i, notArray(body, i))
	}
	events := dst[:0]
	i = rawjson.SkipSpace(body, i+1)
	if i < len(body) && body[i] == ']' {
		i++
	} else {
		for more := true; more; {
			if i < len(body) && body[i] != '{' {
				return fail(i, "an element that is not an object")
			}
			var ev Event
			end := ev.read(body, i, 2)
			if end < 0 {
				return fail(^end, "invalid JSON")
			}
			if cap(events) == 0 {
				// Events of a page are alike: the first tells about how many there are.
				events = make([]Event, 0, min(1000, len(body)/(end-i)+1))
			}
			events = append(events, ev)

			i = rawjson.SkipSpace(body, end)
			switch {
			case i >= len(body):
				return fail(i, "")
			case body[i] == ',':
				i = rawjson.SkipSpace(body, i+1)
			case body[i] == ']':
				i++
				more = false
			default:
				return fail(i, "invalid JSON")
			}
		}
	}
	if i = rawjson.SkipSpace(body, i); i < len(body) {
		return fail(i, "something after the array")
	}
	return events, nil
}

// notArray says what body starts with at i instead of an array.
func notArray(body []byte, i int) string {
	if i >= len(body) {
		return "nothing but white space"
	}
	switch body[i] {
	case '{':
		return "an object where an array was expected"
	case '<':
		return "not an array: starts with '<', as HTML does"
	case 0x1f:
		return "not an array: starts as gzip does"
	default:
		return "not an array"
	}
}

// read reads the event at body[i], which is '{' or out of bounds.
func (ev *Event) read(body []byte, i, depth int) int {
	if i >= len(body) {
		return ^len(body)
	}
	start := i
	i = rawjson.SkipSpace(body, i+1)
	if i < len(body) && body[i] == '}' {
		ev.Raw = body[start : i+1 : i+1]
		return i + 1
	}
	for {
		key, after := i+1, 0
		if after, i = rawjson.Key(body, i); i < 0 {
			return i
		}
		end := rawjson.SkipValue(body, i, depth)
		if end < 0 {
			return end
		}
		if field := fieldSpelled(body[key : after-1]); field != fieldUnknown {
			if ev.fields[field].Found() {
				ev.repeats = true
			} else {
				ev.order[ev.count] = field
				ev.count++
			}
			ev.fields[field] = rawjson.SpanOf(i-start, end-start)
		}
		i = rawjson.SkipSpace(body, end)
		switch {
		case i >= len(body):
			return ^i
		case body[i] == ',':
			i = rawjson.SkipSpace(body, i+1)
		case body[i] == '}':
			ev.Raw = body[start : i+1 : i+1]
			ev.facts()
			return i + 1
		default:
			return ^i
		}
	}
}

// facts fills the facts from the fields.
func (ev *Event) facts() {
	ev.UUID = strings.Clone(ev.text(fieldUUID))
	ev.EventType = ev.text(fieldEventType)
	ev.Severity = ev.text(fieldSeverity)
	ev.Published = parseTime(ev.text(fieldPublished))
}
