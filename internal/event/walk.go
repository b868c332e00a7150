package event

// Walking reads values that Scan has already checked, so nothing here can fail.

// members goes over the members of the object at s, in order.
type members struct {
	b []byte
	i int // at a name's quote, or at '}'
}

func membersOf(b []byte, s span) members {
	return members{b, skipSpace(b, int(s.start)+1)}
}

// next returns the next member: its name without quotes and its value.
func (m *members) next() (name, value span, ok bool) {
	if m.b[m.i] != '"' {
		return span{}, span{}, false
	}
	end := skipString(m.b, m.i)
	name = spanOf(m.i+1, end-1)
	start := skipSpace(m.b, skipSpace(m.b, end)+1)
	end = skipValue(m.b, start, 0)
	m.i = skipSpace(m.b, end)
	if m.b[m.i] == ',' {
		m.i = skipSpace(m.b, m.i+1)
	}
	return name, spanOf(start, end), true
}

// elements goes over the elements of the array at s, in order.
type elements struct {
	b []byte
	i int // at an element, or at ']'
}

func elementsOf(b []byte, s span) elements {
	return elements{b, skipSpace(b, int(s.start)+1)}
}

func (e *elements) next() (value span, ok bool) {
	if e.b[e.i] == ']' {
		return span{}, false
	}
	start := e.i
	end := skipValue(e.b, start, 0)
	e.i = skipSpace(e.b, end)
	if e.b[e.i] == ',' {
		e.i = skipSpace(e.b, e.i+1)
	}
	return spanOf(start, end), true
}

// is tells whether the raw bytes of a string, without quotes, spell text.
func (s span) is(b []byte, text string) bool {
	raw := s.of(b)
	if string(raw) == text {
		return true
	}
	// An escape makes the spelling longer, never shorter.
	return len(raw) > len(text) && unquote(raw) == text
}

// typeOf returns the text of an object's "type" member, "" when there is none.
func typeOf(b []byte, object span) string {
	if b[object.start] != '{' {
		return ""
	}
	for m := membersOf(b, object); ; {
		name, value, ok := m.next()
		if !ok {
			return ""
		}
		if value.isString(b) && name.is(b, "type") {
			return unquote(value.inner().of(b))
		}
	}
}
