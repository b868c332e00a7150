package redact

// A table finds the class of a member by name. It is a map for which hashing costs less: a walk asks for some seventy names an event,
// nearly all of which are in it, and they differ in length and in a few bytes.
type table struct {
	slots []slot // as many as a power of two, at most half of them used
}

type slot struct {
	name  string // "" is free
	class class
}

func newTable(classes map[string]class) *table {
	size := 16
	for size < 4*len(classes) {
		size *= 2
	}
	t := &table{make([]slot, size)}
	for name, c := range classes {
		i := t.find(name)
		t.slots[i] = slot{name, c}
	}
	return t
}

// of returns the class of the name, or unknown.
func (t *table) of(name string) class {
	if name == "" {
		return unknown
	}
	return t.slots[t.find(name)].class
}

// find returns the slot that the name has or would get.
func (t *table) find(name string) int {
	n := len(name)
	hash := uint32(n) | uint32(name[0])<<8 | uint32(name[n-1])<<16 | uint32(name[n/2])<<24
	i := int(hash*0x9e3779b1>>12) & (len(t.slots) - 1)
	for t.slots[i].name != "" && t.slots[i].name != name {
		i = (i + 1) & (len(t.slots) - 1)
	}
	return i
}
