package reconcile

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// answer is what one query returned.
type answer struct {
	entries     int
	first, last time.Time // earliest and latest entry
	apart       bool      // labels are those of streams
}

// each is told of the entries of one stream: of their time, line, and what else Loki says of them, a JSON object, "" for nothing. The line
// is valid until it returns.
type each func(at time.Time, line, more string)

// parse reads an answer of streams: data.result has objects with the labels in "stream", and with [time, line, ...] in "values" (Loki
// HTTP API, GET /loki/api/v1/query_range). Such an answer is megabytes, and most of what a confirmation costs here: it is gone over once to
// check it, and once to read it.
func parse(body []byte, stream func(labels gjson.Result) each) (answer, error) {
	start := rawjson.SkipSpace(body, 0)
	if end := rawjson.SkipValue(body, start, 0); end < 0 || rawjson.SkipSpace(body, end) < len(body) {
		return answer{}, errors.New("querying Loki: the answer is not JSON; is url Loki's address?")
	}
	kind := ""
	data, ok := member(body, start, "data", '{')
	if ok {
		if at, ok := member(body, data, "resultType", '"'); ok {
			kind = rawjson.Unquote(body[at+1 : rawjson.SkipString(body, at)-1])
		}
	}
	if kind != "streams" {
		return answer{}, fmt.Errorf("querying Loki: the answer has the type %q instead of streams; the selector must select logs", kind)
	}
	r := reading{b: body}
	if at, ok := member(body, data, "encodingFlags", '['); ok {
		r.apart = bytes.Contains(body[at:rawjson.SkipValue(body, at, 0)], []byte(apart))
	}
	if at, ok := rawjson.Find(body, data, "result"); ok && body[at] != 'n' { // null: nothing is there
		if body[at] != '[' {
			return answer{}, errors.New("querying Loki: the result is no list of streams")
		}
		for r.i = rawjson.SkipSpace(body, at+1); body[r.i] != ']'; {
			if err := r.stream(stream); err != nil {
				return r.answer, err
			}
		}
	}
	return r.answer, nil
}

// member returns where the value of a member begins, when there is an object at b[i], and the value begins as it should.
func member(b []byte, i int, name string, begin byte) (int, bool) {
	if b[i] != '{' {
		return 0, false
	}
	i, ok := rawjson.Find(b, i, name)
	return i, ok && b[i] == begin
}

// reading is how far an answer, which is JSON, has been read.
type reading struct {
	answer

	b    []byte
	i    int
	line []byte // memory for one without escapes
}

// stream reads one stream, and goes on to what is behind it.
func (r *reading) stream(stream func(labels gjson.Result) each) error {
	labels, labeled := member(r.b, r.i, "stream", '{')
	values, ok := member(r.b, r.i, "values", '[')
	if !labeled || !ok {
		return errors.New("querying Loki: a stream without labels or values")
	}
	entry := stream(gjson.Parse(rawjson.Alias(r.b[labels:rawjson.SkipValue(r.b, labels, 0)])))
	for r.i = rawjson.SkipSpace(r.b, values+1); r.b[r.i] != ']'; {
		if err := r.entry(entry); err != nil {
			return err
		}
	}
	for r.i = rawjson.After(r.b, r.i+1); r.b[r.i] != '}'; {
		r.skip(rawjson.SkipKey(r.b, r.i))
	}
	r.i = rawjson.After(r.b, r.i+1)
	return nil
}

// entry reads the time and the line of one entry, and goes on to what is behind it.
func (r *reading) entry(entry each) error {
	if r.b[r.i] != '[' {
		return errNoEntry
	}
	r.i = rawjson.SkipSpace(r.b, r.i+1)
	text, ok := r.text()
	if !ok {
		return errNoEntry
	}
	ns, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("querying Loki: reading an entry's time: %w", err)
	}
	line, ok := r.text()
	if !ok {
		return errNoEntry
	}
	at := time.Unix(0, ns)
	if r.entries++; r.entries == 1 || at.Before(r.first) {
		r.first = at
	}
	if at.After(r.last) {
		r.last = at
	}
	r.line = rawjson.AppendUnquoted(r.line[:0], line)
	more := ""
	for r.b[r.i] != ']' {
		begin, end := r.i, rawjson.SkipValue(r.b, r.i, 0)
		if more == "" {
			more = rawjson.Alias(r.b[begin:end])
		}
		r.i = rawjson.After(r.b, end)
	}
	entry(at, rawjson.Alias(r.line), more)
	r.i = rawjson.After(r.b, r.i+1)
	return nil
}

var errNoEntry = errors.New("querying Loki: an entry without time or line")

// text returns what is between the quotes of a string, and goes on to what is behind it.
func (r *reading) text() ([]byte, bool) {
	begin := r.i
	if r.b[begin] != '"' {
		return nil, false
	}
	end := rawjson.SkipString(r.b, begin)
	r.i = rawjson.After(r.b, end)
	return r.b[begin+1 : end-1], true
}

// skip goes on to what is behind the value at i.
func (r *reading) skip(i int) { r.i = rawjson.After(r.b, rawjson.SkipValue(r.b, i, 0)) }
