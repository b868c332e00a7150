// option: redact

package event

import (
	"bytes"
	"encoding/json"
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
	c.ActorRoles, c.TargetRoles = plainRoles(c.ActorRoles), plainRoles(c.TargetRoles)
	c.Profile = f.redactedProfile(c)
	return f.entry(ev, c, now)
}

// redactedProfile is what redaction leaves of the actor's profile: it is judged as if the event had it, as actor.profile. It is a text of
// its own, so that no word of a profile is searched for in the event, whose line must not depend on what is known.
func (f *Formatter) redactedProfile(c Context) []string {
	values := c.profile(f)
	if len(values) == 0 {
		return nil
	}
	left := make([]string, len(values))
	text := append([]byte(nil), profileBegin...)
	var places []rawjson.Span
	for i, value := range values {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '"'), f.profile[i].attribute...), `":`...)
		start := uint32(len(text))
		text = appendQuoted(text, value)
		places = append(places, rawjson.Span{Start: start, End: uint32(len(text))})
	}
	text = append(text, profileEnd...)
	pass := f.redactor.Begin()
	defer pass.End()
	text = pass.Redact(text, places)
	for i, place := range places {
		if place.Found() {
			left[i] = rawjson.Unquote(bytes.Clone(place.Inner().Of(text)))
		}
	}
	return left
}

const (
	profileBegin = `{"actor":{"type":"User","profile":{`
	profileEnd   = `}}}`
)

// appendQuoted appends a text as JSON.
func appendQuoted(to []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil { // a string always can be written
		quoted = []byte(`""`)
	}
	return append(to, quoted...)
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
