// option: redact

package event

import (
	"fmt"
	"time"

	"github.com/grafana/alloy/okta/internal/rawjson"
	"github.com/grafana/alloy/okta/internal/redact"
)

// newRedactor returns nil without options.
func newRedactor(opts *redact.Options) (*redact.Redactor, error) {
	if opts == nil {
		return nil, nil
	}
	r, err := redact.New(*opts)
	if err != nil {
		return nil, fmt.Errorf("redact: %w", err)
	}
	return r, nil
}

// redacted makes the entry for an event of which values are taken out first.
func (f *Formatter) redacted(ev *Event, c Context, now time.Time) Entry {
	pass := f.redactor.Begin()
	defer pass.End()
	ev.redact(pass)
	c.hide()
	return f.entry(ev, c, now)
}

// redact takes out what is redacted. The event is then good until the pass ends.
func (ev *Event) redact(pass *redact.Pass) {
	if ev.repeats { // where repeated members are is read again
		left := Event{Raw: pass.Redact(ev.Raw, nil)}
		left.read(left.Raw, 0, 1)
		left.UUID, left.Published = ev.UUID, ev.Published
		*ev = left
		return
	}
	var space [fieldCount]rawjson.Span
	fields, places := ev.order[:ev.count], space[:0]
	for _, f := range fields {
		places = append(places, ev.fields[f])
	}
	ev.Raw = pass.Redact(ev.Raw, places)
	for i, f := range fields {
		ev.fields[f] = places[i]
	}
	ev.EventType = ev.text(fieldEventType)
	ev.Severity = ev.text(fieldSeverity)
}
