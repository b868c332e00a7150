package event

import (
	"slices"
	"sort"
)

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
	edits    []edit // in order
	mentions []edit // in order
	marks    []uint32
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
	for f, value := range ev.fields {
		if value.found() {
			p.members = append(p.members, member{field: field(f), value: value})
		}
	}
	slices.SortFunc(p.members, func(a, b member) int { return int(a.value.start) - int(b.value.start) })
}

// applyRules makes the edits that the rules ask for.
func (p *pass) applyRules() {
	top := p.redactor.rules
	if p.redactor.dropTop {
		p.apply(spanOf(0, len(p.raw)), []*rule{top})
		return
	}
	var space [8]*rule
	for _, m := range p.members {
		rules := space[:0]
		for _, n := range top.named {
			if m.field != fieldUnknown && fieldNamed(n.name) == m.field ||
				m.field == fieldUnknown && m.name.is(p.raw, n.name) {
				rules = append(rules, n.rule)
			}
		}
		if len(rules) > 0 {
			p.apply(m.value, rules)
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
	sort.Sort(inOrder(p.edits))
}

type inOrder []edit

func (e inOrder) Len() int           { return len(e) }
func (e inOrder) Less(i, j int) bool { return e[i].start < e[j].start }
func (e inOrder) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

// edited returns the event with the edits made.
func (p *pass) edited(ev Event) Event {
	out := p.out[:0]
	at := uint32(0)
	for _, e := range p.edits {
		out = append(append(out, p.raw[at:e.start]...), e.with...)
		at = e.end
	}
	p.out = append(out, p.raw[at:]...)

	for f, v := range ev.fields {
		if v.found() {
			ev.fields[f] = p.moved(v)
		}
	}
	ev.Raw = p.out
	ev.EventType = ev.text(fieldEventType)
	ev.Severity = ev.text(fieldSeverity)
	return ev
}

// moved returns where a value is after the edits; a zero span when it is gone.
func (p *pass) moved(v span) span {
	start, end := v.start, v.end
	for _, e := range p.edits {
		if e.start >= v.end {
			break
		}
		grown := uint32(len(e.with)) - (e.end - e.start) // may wrap around; sums do not
		switch {
		case e.end <= v.start:
			start, end = start+grown, end+grown
		case e.with == "" && e.start <= v.start && e.end >= v.end:
			return span{}
		default:
			end += grown
		}
	}
	return span{start, end}
}
