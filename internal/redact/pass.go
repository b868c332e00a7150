package redact

import (
	"slices"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// A Pass is the redaction of one event. It is used again for others, for its memory.
//
// First the rules and the guard are applied, which gives edits and the secrets behind them. Then what is left of the event is searched
// for the secrets. Only tokens of JSON that a cheap filter pointed at are looked at in full, so the search costs little when there is
// nothing to find.
type Pass struct {
	redactor *Redactor

	raw      []byte   // what is walked: the event, or the JSON in one of its strings
	signs    signs    // in raw
	members  []member // top level, in order
	tokens   []token  // what of an event of a known shape mentions are looked for in, in order
	knows    int      // how often know was called
	event    uint64   // counts the events
	recent   *[recents]recent
	space    []member // memory for members
	secrets  []*secret
	edits    []edit   // in order
	mentions []edit   // in order
	marks    []uint32 // places to look at, in order
	mark     int      // the first of them that is still ahead
	filter   filter
	text     decoded
	inner    decoded // what text holds, decoded once more
	found    []interval
	scratch  []byte          // see plain
	texts    []*rawjson.Text // memory for JSON in strings, by depth
	depth    int             // how many strings raw is in
	out      []byte
}

// A member is a top-level member of the event.
type member struct {
	name, value rawjson.Span
}

// An edit replaces bytes of the event.
type edit struct {
	rawjson.Span
	with string
}

// Redact returns the event, which is valid JSON, without what is redacted, and moves the places, spans of values of the event in order,
// to where they are now; one that was taken out is the zero span. What it returns is good until End, or the event itself where nothing
// is redacted.
func (p *Pass) Redact(raw []byte, places []rawjson.Span) []byte {
	p.raw = raw
	p.begin()

	at := place{}
	if p.redactor.guard != nil {
		at.scope = documented
	}
	known := p.redactor.shapes.guard != nil
	if known {
		p.members = p.space[:0]
		known = p.shaped()
	}
	if !known {
		p.begin()
		p.value(0, p.redactor.top, at)
	}
	switch {
	case len(p.edits) == 0 && len(p.secrets) == 0:
		return raw
	case known:
		p.findTokens()
	default:
		p.findMentions()
	}
	p.mergeEdits()
	return p.edited(places)
}

func (p *Pass) begin() {
	p.event++
	p.signs = signs{}
	p.secrets, p.edits, p.mentions, p.tokens, p.members = p.secrets[:0], p.edits[:0], p.mentions[:0], p.tokens[:0], nil
}

// know adds a secret to those that the event is searched for.
func (p *Pass) know(s *secret) {
	p.knows++
	if s.spelled != nil && !slices.Contains(p.secrets, s) {
		p.secrets = append(p.secrets, s)
	}
}

// drop takes bytes out. Ranges at the end of a container reach back over the commas, and so over ranges that were taken out before.
func (p *Pass) drop(gone rawjson.Span) {
	for len(p.edits) > 0 && p.edits[len(p.edits)-1].Start >= gone.Start {
		p.edits = p.edits[:len(p.edits)-1]
	}
	if n := len(p.edits); n > 0 && p.edits[n-1].End >= gone.Start && p.edits[n-1].with == "" {
		p.edits[n-1].End = gone.End
		return
	}
	p.edits = append(p.edits, edit{gone, ""})
}

// mergeEdits puts the mentions among the edits. They do not overlap.
func (p *Pass) mergeEdits() {
	left, more := len(p.edits), len(p.mentions)
	p.edits = append(p.edits, p.mentions...)
	for to := len(p.edits) - 1; more > 0; to-- { // from the end, in place
		if left > 0 && p.edits[left-1].Start > p.mentions[more-1].Start {
			left--
			p.edits[to] = p.edits[left]
		} else {
			more--
			p.edits[to] = p.mentions[more]
		}
	}
}

// edited returns the event with the edits made, and moves the places. One that was taken out becomes the zero span.
func (p *Pass) edited(places []rawjson.Span) []byte {
	out, edits, at := p.out[:0], p.edits, uint32(0)
	// now makes the edits that end before a place and returns where the place is now.
	now := func(place uint32) uint32 {
		for len(edits) > 0 && edits[0].End <= place {
			out = append(append(out, p.raw[at:edits[0].Start]...), edits[0].with...)
			at, edits = edits[0].End, edits[1:]
		}
		return uint32(len(out)) + place - at
	}
	for i, v := range places {
		start := now(v.Start)
		if takenOut := len(edits) > 0 && edits[0].Start < v.Start; takenOut {
			places[i] = rawjson.Span{}
			continue
		}
		places[i] = rawjson.Span{Start: start, End: now(v.End)}
	}
	now(uint32(len(p.raw)))
	p.out = append(out, p.raw[at:]...)
	return p.out
}
