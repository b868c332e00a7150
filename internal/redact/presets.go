package redact

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Sets of values by name.
const (
	// PresetUserIdentity is who: logins, names and e-mail addresses, and every member that is not known to name nobody.
	PresetUserIdentity = "user_identity"
	// PresetPersonalData is the above, and what tells where a person is and with what: addresses, geography, and user agents. What
	// Okta's catalog of event types marks not personal, such as behaviors, risk and privileges, stays.
	PresetPersonalData = "personal_data"
)

// personal is the class of what names or describes a person.
const personal = "personal"

type preset struct {
	name  string
	whole []string // classes
}

// presets are rows over the classes of members.txt: a preset redacts the members of these as a whole, beside all that has no class.
var presets = []preset{
	{PresetUserIdentity, []string{personal}},
	{PresetPersonalData, []string{personal, "place", "placeType"}},
}

// Presets returns the names of the presets.
func Presets() (names []string) {
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// guardOf returns the guard of the presets, which together redact what each of them does. Without any it is nil.
func guardOf(wanted []string) (*guard, error) {
	var whole []string
	for _, name := range wanted {
		row := slices.IndexFunc(presets, func(p preset) bool { return p.name == name })
		if row < 0 {
			return nil, fmt.Errorf(`preset %q: must be "%s"`, name, strings.Join(Presets(), `" or "`))
		}
		whole = append(whole, presets[row].whole...)
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	slices.Sort(whole)
	whole = slices.Compact(whole)
	made := sync.OnceValue(func() *guard { return newGuard(whole) })
	once, _ := guards.LoadOrStore(strings.Join(whole, " "), made)
	return once.(func() *guard)(), nil
}

// guards are those that were made, by the classes that they redact as a whole.
var guards sync.Map

func newGuard(whole []string) *guard {
	documented, free, things := map[string]class{}, map[string]class{}, map[string]bool{}
	add := func(to map[string]class, names []string, c class) {
		for _, n := range names {
			to[n], to[normalize(n)] = c, c
		}
	}
	for _, row := range classes {
		c := row.is
		if slices.Contains(whole, row.name) {
			c = all
		}
		if row.documented {
			add(documented, names[row.name], c)
		}
		if row.free {
			add(free, names[row.name], c)
		}
	}
	for _, class := range []string{"thingType", "placeType"} {
		for _, n := range names[class] {
			things[normalize(n)] = !slices.Contains(whole, class)
		}
	}
	return &guard{newTable(documented), newTable(free), things, slices.Contains(whole, "place")}
}
