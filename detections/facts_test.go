package detections

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
)

// TestFactsOfPublicPacks takes testdata/facts.txt: what the public packs of detections for Okta look for, written as events after the
// conditions of their rules and the shape of their samples, and what is next to it and must stay silent.
func TestFactsOfPublicPacks(t *testing.T) {
	t.Parallel()
	facts := readFacts(t)
	all := append(rules(t), sigmaRules(t)...)
	raised := map[string][]string{} // names of rules by fact
	var pushed []event.Entry
	for _, fact := range facts {
		f, err := event.New(event.Options{Org: fact.name})
		require.NoError(t, err)
		pushed = append(pushed, entries(t, f, fact.events)...)
	}
	for _, rule := range all {
		for _, alert := range alerts(t, rule, event.FormatEnvelope, pushed, 0) {
			raised[alert["org"]] = append(raised[alert["org"]], rule.Name)
		}
	}
	names := map[string]bool{}
	for _, rule := range all {
		names[rule.Name] = true
	}
	var missed, wrong []string
	for _, fact := range facts {
		for _, name := range append(fact.any, fact.none...) {
			require.Truef(t, names[name], "%s: no rule is called %s", fact.name, name)
		}
		is := func(name string) bool { return slices.Contains(raised[fact.name], name) }
		if len(fact.any) > 0 && !slices.ContainsFunc(fact.any, is) {
			missed = append(missed, fmt.Sprintf("%s: %v raised in place of %v", fact.name, raised[fact.name], fact.any))
		}
		if slices.ContainsFunc(fact.none, is) {
			wrong = append(wrong, fmt.Sprintf("%s: %v", fact.name, raised[fact.name]))
		}
	}
	require.Emptyf(t, missed, "%d missed:\n%s", len(missed), strings.Join(missed, "\n"))
	require.Emptyf(t, wrong, "%d false alerts:\n%s", len(wrong), strings.Join(wrong, "\n"))
}

// A fact is a paragraph of facts.txt.
type fact struct {
	name      string
	any, none []string // rules of which one must be raised; which must not be
	events    []byte   // one a line
}

// readFacts reads facts.txt. A paragraph is a name, "fires" or "silent" with names of rules, and lines such as
//
//	10x30s | user.session.start | actor=user%d | result=FAILURE | debug.factor=push
//
// for ten events, thirty seconds apart, with the members that differ from those of a usual sign-in; %d counts from 1. A line begins where
// the one before ended; @10m is ten minutes after the paragraph's beginning.
func readFacts(t *testing.T) (facts []fact) {
	t.Helper()
	content, err := os.ReadFile("testdata/facts.txt")
	require.NoError(t, err)
	n := 0
	for paragraph := range strings.SplitSeq(strings.TrimSpace(string(content)), "\n\n") {
		var f fact
		var out bytes.Buffer
		at := time.Duration(0)
		for line := range strings.SplitSeq(paragraph, "\n") {
			word, rest, _ := strings.Cut(line, " ")
			switch {
			case strings.HasPrefix(line, "#"):
			case f.name == "":
				f.name = line
			case word == "fires":
				f.any = strings.Fields(rest)
			case word == "silent":
				f.none = strings.Fields(rest)
			default:
				parts := strings.Split(line, " | ")
				times, apart := 1, parts[0]
				if count, rest, ok := strings.Cut(parts[0], "x"); ok {
					times, err = strconv.Atoi(count)
					require.NoError(t, err, line)
					apart = rest
				}
				if from, ok := strings.CutPrefix(apart, "@"); ok {
					at, err = time.ParseDuration(from)
					require.NoError(t, err, line)
					apart = "0s"
				}
				step, err := time.ParseDuration(apart)
				require.NoError(t, err, line)
				for i := range times {
					n++
					out.Write(written(t, parts[1], parts[2:], at, i+1, n))
					at += step
				}
			}
		}
		if out.Len() > 0 {
			f.events = out.Bytes()
			require.NotEmpty(t, append(f.any, f.none...), f.name)
			facts = append(facts, f)
		}
	}
	return facts
}

// written is an event, as a line of JSON.
func written(t *testing.T, eventType string, members []string, after time.Duration, i, n int) []byte {
	t.Helper()
	e := map[string]any{
		"uuid": fmt.Sprintf("%08d-0000-11f1-9000-%012d", n, n), "eventType": eventType, "version": "0", "severity": "INFO",
		"published": time.Date(2026, 8, 21, 10, 0, 0, 0, time.UTC).Add(after).Format("2006-01-02T15:04:05.000Z"),
		"actor":     person("mara"), "legacyEventType": nil, "displayMessage": nil, "device": nil, "target": []any{},
		"client": map[string]any{
			"userAgent": map[string]any{"rawUserAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "os": "Mac OS X", "browser": "CHROME"},
			"zone":      "null", "device": "Computer", "id": nil, "ipAddress": "198.51.100.23",
			"geographicalContext": map[string]any{"city": "Rotterdam", "country": "Netherlands"},
		},
		"outcome":               map[string]any{"result": "SUCCESS", "reason": nil},
		"authenticationContext": map[string]any{"externalSessionId": "idx" + fmt.Sprint(n), "issuer": nil, "authenticationStep": 0},
		"securityContext":       map[string]any{"asNumber": 64496, "asOrg": "example transit", "isProxy": false},
		"debugContext":          map[string]any{"debugData": map[string]any{}},
		"transaction":           map[string]any{"id": "tx" + fmt.Sprint(n), "type": "WEB", "detail": map[string]any{}},
		"request":               map[string]any{"ipChain": []any{}},
	}
	short := map[string][]string{
		"result": {"outcome", "result"}, "reason": {"outcome", "reason"}, "ip": {"client", "ipAddress"}, "asn": {"securityContext", "asNumber"},
		"country": {"client", "geographicalContext", "country"}, "os": {"client", "userAgent", "os"}, "tx": {"transaction", "id"},
		"agent": {"client", "userAgent", "rawUserAgent"}, "session": {"authenticationContext", "externalSessionId"},
		"proxy": {"securityContext", "isProxy"}, "issuer": {"authenticationContext", "issuer"},
	}
	for _, member := range members {
		name, text, ok := strings.Cut(strings.ReplaceAll(member, "%d", strconv.Itoa(i)), "=")
		require.True(t, ok, member)
		var value any = text
		if strings.ContainsAny(text[:min(1, len(text))], `{["tfn0123456789`) {
			if json.Unmarshal([]byte(text), &value) != nil {
				value = text
			}
		}
		targets, _ := e["target"].([]any)
		switch kind, path := name, short[name]; {
		case path != nil:
			set(e, value, path...)
		case kind == "actor" && value != nil:
			e["actor"] = person(text)
		case kind == "user":
			e["target"] = append(targets, person(text))
		case kind == "app":
			e["target"] = append(targets, map[string]any{"id": "0oa" + text, "type": "AppInstance", "alternateId": text, "displayName": text})
		case kind == "group":
			e["target"] = append(targets, map[string]any{"id": "00g" + text, "type": "UserGroup", "alternateId": "unknown", "displayName": text})
		case strings.HasPrefix(kind, "debug."):
			debugData(e)[strings.TrimPrefix(kind, "debug.")] = value
		default:
			set(e, value, strings.Split(name, ".")...)
		}
	}
	line, err := json.Marshal(e)
	require.NoError(t, err)
	return append(line, '\n')
}

func person(name string) map[string]any {
	switch name {
	case "okta":
		return map[string]any{"id": "okta.system", "type": "SystemPrincipal", "alternateId": "system@okta.com", "displayName": "Okta System"}
	case "unknown":
		return map[string]any{"id": "unknown", "type": "User", "alternateId": "unknown", "displayName": "unknown"}
	}
	if client, ok := strings.CutPrefix(name, "client:"); ok {
		return map[string]any{"id": "0oa" + client, "type": "PublicClientApp", "alternateId": "0oa" + client, "displayName": client}
	}
	if typed, ok := strings.CutPrefix(name, "typed:"); ok {
		return map[string]any{"id": "unknown", "type": "User", "alternateId": typed, "displayName": "unknown"}
	}
	return map[string]any{"id": "00u" + name, "type": "User", "alternateId": name + "@acme.example", "displayName": name, "detailEntry": nil}
}
