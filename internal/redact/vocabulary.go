package redact

import (
	_ "embed"
	"strings"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// What the search for redacted values knows of member names below the top level.
const (
	nameUnknown  = iota // may itself hold a value: searched
	namePlain           // of Okta's schema: left alone
	nameConstant        // its value is one of Okta's own words: left alone, too
	nameFree            // holds a map that Okta calls no data contract
)

// The names that say the same whatever people are called: see members.txt.
var (
	knownNames   = knownByName()
	topNames     = set(names["top"], names["topConstant"])
	topConstants = set(names["topConstant"])
)

func knownByName() map[string]uint8 {
	known := map[string]uint8{}
	for class, is := range map[string]uint8{"plain": namePlain, "constant": nameConstant, "freeMap": nameFree} {
		for _, name := range names[class] {
			known[name] = is
		}
	}
	return known
}

func set(lists ...[]string) map[string]bool {
	m := map[string]bool{}
	for _, list := range lists {
		for _, name := range list {
			m[name] = true
		}
	}
	return m
}

// knownName tells what is known of a member name.
func knownName(b []byte, name rawjson.Span) uint8 {
	return knownNames[rawjson.Unquote(name.Of(b))]
}

//go:embed reasons.txt
var reasonsFile string

// reasons are what Okta writes into outcome.reason by itself, as spelled in events.
var reasons = reasonsOf(reasonsFile)

func reasonsOf(file string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(file) {
		if !strings.HasPrefix(line, "#") {
			all[strings.TrimSuffix(line, "\n")] = true
		}
	}
	return all
}
