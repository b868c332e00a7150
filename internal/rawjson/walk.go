package rawjson

// Walking reads values that Scan has already checked, so nothing here can fail.

// Members goes over the members of the object at s, in order.
type Members struct {
	b []byte
	i int // at a name's quote, or at '}'
}

// MembersOf walks the members of the object at s, which must be one.
func MembersOf(b []byte, s Span) Members {
	return Members{b, SkipSpace(b, int(s.Start)+1)}
}

// Next returns the next member: its name without quotes and its value.
func (m *Members) Next() (name, value Span, ok bool) {
	if m.b[m.i] != '"' {
		return Span{}, Span{}, false
	}
	end := SkipString(m.b, m.i)
	name = SpanOf(m.i+1, end-1)
	start := SkipSpace(m.b, SkipSpace(m.b, end)+1)
	end = SkipValue(m.b, start, 0)
	m.i = After(m.b, end)
	return name, SpanOf(start, end), true
}

// Find returns where the value of a member begins in the object at b[i], which must be one. What is behind it is not looked at.
func Find(b []byte, i int, member string) (value int, ok bool) {
	for i = SkipSpace(b, i+1); b[i] == '"'; {
		name := i + 1
		i, value = Key(b, i)
		if SpanOf(name, i-1).Is(b, member) {
			return value, true
		}
		i = After(b, SkipValue(b, value, 0))
	}
	return 0, false
}

// After returns where the next member or element begins, or the object or array ends, when one of its values ends before b[i].
func After(b []byte, i int) int {
	if i = SkipSpace(b, i); b[i] == ',' {
		i = SkipSpace(b, i+1)
	}
	return i
}

// End returns where the object ends, when Next has returned no member.
func (m *Members) End() int { return m.i + 1 }

// Elements goes over the elements of the array at s, in order.
type Elements struct {
	b []byte
	i int // at an element, or at ']'
}

// ElementsOf walks the elements of the array at s, which must be one.
func ElementsOf(b []byte, s Span) Elements {
	return Elements{b, SkipSpace(b, int(s.Start)+1)}
}

// At returns where the next element begins.
func (e *Elements) At() int { return e.i }

// Done tells whether no element is left; otherwise one begins at e.b[e.i].
func (e *Elements) Done() bool { return e.b[e.i] == ']' }

// Next skips an element and returns where it was.
func (e *Elements) Next() Span {
	start := e.i
	end := SkipValue(e.b, start, 0)
	e.SkipTo(end)
	return SpanOf(start, end)
}

// SkipTo skips the element that ends at end.
func (e *Elements) SkipTo(end int) {
	e.i = After(e.b, end)
}
