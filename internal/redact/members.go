package redact

import (
	_ "embed"
	"strings"
)

//go:embed members.txt
var membersFile string

// names are the names in members.txt, by class.
var names = namesByClass(membersFile)

func namesByClass(file string) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(file) {
		if class, of, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
			all[class] = append(all[class], strings.Fields(of)...)
		}
	}
	return all
}

// What becomes of the classes of members.txt that a preset does not redact as a whole. A later one counts where a name has two.
var classes = []struct {
	name             string
	is               class
	documented, free bool // where it is known
}{
	{"word", word, true, true},
	{"schema", keep, true, false},
	{"harmless", keep, false, true},
	{"place", keep, true, true},
	{"open", open, true, true},
	{"party", holder, true, true},
	{"partyName", name, true, true},
	{"freeMap", freeMap, true, true},
	{personal, word, true, true},
}
