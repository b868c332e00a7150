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

// done tells whether no element is left; otherwise one begins at e.b[e.i].
func (e *elements) done() bool { return e.b[e.i] == ']' }

// next skips an element and returns where it was.
func (e *elements) next() span {
	start := e.i
	end := skipValue(e.b, start, 0)
	e.skipTo(end)
	return spanOf(start, end)
}

// skipTo skips the element that ends at end.
func (e *elements) skipTo(end int) {
	e.i = skipSpace(e.b, end)
	if e.b[e.i] == ',' {
		e.i = skipSpace(e.b, e.i+1)
	}
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

// typeOf returns the text of the first "type" member of the object at b[i], ""
// when there is none or b[i] begins something else.
func typeOf(b []byte, i int) string {
	if b[i] != '{' {
		return ""
	}
	for m := (members{b, skipSpace(b, i+1)}); ; {
		name, value, ok := m.next()
		if !ok {
			return ""
		}
		if value.isString(b) && name.is(b, "type") {
			return unquote(value.inner().of(b))
		}
	}
}

// typesOf returns where the value at b[i] ends, and appends the texts of its
// "type" members to types if it is an object. All count: what must be redacted
// does not hide behind a name that is there twice.
func typesOf(b []byte, i int, types []string) (end int, all []string) {
	if b[i] != '{' {
		return skipValue(b, i, 0), types
	}
	for m := (members{b, skipSpace(b, i+1)}); ; {
		name, value, ok := m.next()
		if !ok {
			return m.i + 1, types
		}
		if value.isString(b) && name.is(b, "type") {
			types = append(types, unquote(value.inner().of(b)))
		}
	}
}
