package verify

import (
	"hash/maphash"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/reconcile"
)

// record is what is kept of an event until its slice is compared.
type record struct {
	uuid    string
	at      time.Time // published
	kind    string    // eventType
	line    uint64    // hash of the line that the configuration makes of it
	inner   uint64    // of the event in that line
	dropped bool      // by the rules
	altered bool      // in one of its entries
	live    bool      // one of its entries is in a stream of the live log, which was delivered in time
	stream  model.Fingerprint
	copies  int      // entries that hold the event
	hidden  int      // and those that log queries do not show
	labels  []string // of the streams of a doubled event's entries
	mixed   bool     // and of their structured metadata
}

var seed = maphash.MakeSeed()

// The envelope, see package event.
const envelopeBegin = `{"event":`

var envelopeEnd = regexp.MustCompile(`^,"level":"[a-z]+","msg":"received event","time":"[^"]*"\}$`)

// inside returns the event in a line of ours, with an envelope or without, and what follows it.
func inside(line string) (inner, rest string, envelope bool) {
	if !strings.HasPrefix(line, envelopeBegin) {
		return line, "", false
	}
	inner = gjson.Get(line, "event").Raw
	return inner, strings.TrimPrefix(line[len(envelopeBegin):], inner), true
}

func newRecord(ev event.Event, e event.Entry, types map[string]string) *record {
	r := &record{uuid: ev.UUID, at: ev.Published, dropped: e.Labels == nil, stream: e.LabelsKey}
	if types[ev.EventType] == "" { // there are few types; without Clone each would keep a page in memory
		name := strings.Clone(ev.EventType)
		types[name] = name
	}
	r.kind = types[ev.EventType]
	inner, _, _ := inside(e.Line)
	r.line, r.inner = maphash.String(seed, e.Line), maphash.String(seed, inner)
	return r
}

// alters reports whether a line is ours, and not what it should be. Both line formats are right, as the configuration may have had the
// other one.
func (r *record) alters(line string) bool {
	if maphash.String(seed, line) == r.line {
		return false
	}
	inner, rest, envelope := inside(line)
	if maphash.String(seed, inner) == r.inner && (!envelope || envelopeEnd.MatchString(rest)) {
		// The level follows from the event, and the time is its published: both are in the inner event, too.
		return envelope && !strings.HasSuffix(rest, `"`+gjson.Get(inner, "published").String()+`"}`)
	}
	return envelope || gjson.Get(line, "uuid").String() == r.uuid
}

// take notes an entry that holds the event. It keeps nothing of the entry, whose structured metadata has some hundred bytes.
func (r *record) take(e reconcile.Audited) {
	r.copies++
	r.altered = r.altered || r.alters(e.Line)
	r.live = r.live || e.Label("late") == "" && e.Label("backfill") == ""
}

// findings are those about an event that is in Loki.
func (r *record) findings() (all []Finding) {
	f := Finding{UUID: r.uuid, Time: r.at.UTC(), Type: r.kind}
	if n := r.copies + r.hidden; n > 1 {
		f.Kind, f.Detail = Doubled, r.where(n)
		all = append(all, f)
	}
	if r.altered {
		f.Kind, f.Detail = Altered, "the line differs from what the configuration makes of the event"
		all = append(all, f)
	}
	return all
}
