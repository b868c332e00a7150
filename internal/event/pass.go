package event

import "slices"

// A pass is the redaction of one event. It is used again for others, for its
// memory.
//
// First the rules are applied, which gives edits and the secrets behind them.
// Then what is left of the event is searched for the secrets. Only tokens of
// JSON that a cheap filter pointed at are looked at in full, so the search
// costs little when there is nothing to find.
type pass struct {
	redactor *redactor

	raw      []byte
	members  []member // top level, in order
	secrets  []*secret
	edits    []edit   // in order
	mentions []edit   // in order
	marks    []uint32 // places to look at, in order
	mark     int      // the first of them that is still ahead
	filter   filter
	text     decoded
	found    []interval
	out      []byte
}

// A member is a top-level member of the event. Its name is a zero span when the
// field says it.
type member struct {
	field field
	name  span
	value span
}

// An edit replaces bytes of the event.
type edit struct {
	span
	with string
}

// redact returns the event without what the rules redact. The result's Raw is
// good until the pass is used again. An event that has nothing to redact is
// returned as it is.
func (p *pass) redact(ev Event) Event {
	p.raw = ev.Raw
	p.secrets, p.edits, p.mentions = p.secrets[:0], p.edits[:0], p.mentions[:0]

	p.list(&ev)
	p.applyRules()
	if len(p.edits) == 0 {
		return ev
	}
	p.findMentions()
	p.mergeEdits()
	return p.edited(ev)
}

// list lists the top-level members in order.
func (p *pass) list(ev *Event) {
	p.members = p.members[:0]
	if ev.extra || p.redactor.dropTop {
		for m := membersOf(ev.Raw, spanOf(0, len(ev.Raw))); ; {
			name, value, ok := m.next()
			if !ok {
				return
			}
			p.members = append(p.members, member{fieldNamed(unquote(name.of(ev.Raw))), name, value})
		}
	}
	for _, f := range ev.order[:ev.count] {
		p.members = append(p.members, member{field: f, value: ev.fields[f]})
	}
}

// applyRules makes the edits that the rules ask for.
func (p *pass) applyRules() {
	top := p.redactor.rules
	if p.redactor.dropTop {
		p.apply(spanOf(0, len(p.raw)), []*rule{top})
		return
	}
	for _, m := range p.members {
		if m.field != fieldUnknown {
			if r := p.redactor.byField[m.field]; r != nil {
				p.apply(m.value, []*rule{r})
			}
			continue
		}
		for _, n := range top.named {
			if n.field == fieldUnknown && m.name.is(p.raw, n.name) {
				p.apply(m.value, []*rule{n.rule})
			}
		}
	}
}

// know adds a secret to those that the event is searched for.
func (p *pass) know(s *secret) {
	if s.spelled != nil && !slices.Contains(p.secrets, s) {
		p.secrets = append(p.secrets, s)
	}
}

// drop takes bytes out. Ranges at the end of a container reach back over the
// commas, and so over ranges that were taken out before.
func (p *pass) drop(gone span) {
	for len(p.edits) > 0 && p.edits[len(p.edits)-1].start >= gone.start {
		p.edits = p.edits[:len(p.edits)-1]
	}
	if n := len(p.edits); n > 0 && p.edits[n-1].end >= gone.start && p.edits[n-1].with == "" {
		p.edits[n-1].end = gone.end
		return
	}
	p.edits = append(p.edits, edit{gone, ""})
}

// mergeEdits puts the mentions among the edits. They do not overlap.
func (p *pass) mergeEdits() {
	if len(p.mentions) == 0 {
		return
	}
	p.edits = append(p.edits, p.mentions...)
	slices.SortFunc(p.edits, func(a, b edit) int { return int(a.start) - int(b.start) })
}

// edited returns the event with the edits made.
func (p *pass) edited(ev Event) Event {
	out, edits, at := p.out[:0], p.edits, uint32(0)
	// now makes the edits that end before a place and returns where the place is now.
	now := func(place uint32) uint32 {
		for len(edits) > 0 && edits[0].end <= place {
			out = append(append(out, p.raw[at:edits[0].start]...), edits[0].with...)
			at, edits = edits[0].end, edits[1:]
		}
		return uint32(len(out)) + place - at
	}
	clear(ev.fields[:])
	for _, m := range p.members {
		start := now(m.value.start)
		takenOut := len(edits) > 0 && edits[0].start < m.value.start
		if m.field != fieldUnknown && !takenOut {
			ev.fields[m.field] = span{start, now(m.value.end)}
		}
	}
	now(uint32(len(p.raw)))
	p.out = append(out, p.raw[at:]...)

	ev.Raw = p.out
	ev.EventType = ev.text(fieldEventType)
	ev.Severity = ev.text(fieldSeverity)
	return ev
}
