package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event/eventtest"
	"github.com/grafana/alloy/okta/internal/redact"
	"github.com/tidwall/gjson"
)

// pages are what benchmarks read: 1,000 events, of every shape we know or 12 KB each, about a thousand people.
func pages(t testing.TB) map[string][]byte {
	t.Helper()
	var small [][]byte
	for _, name := range eventtest.Names(t) {
		event := eventtest.Read(t, name)
		if len(event) > 1000 && len(event) < 4000 {
			small = append(small, event)
		}
	}
	page := func(events ...[]byte) []byte {
		var b bytes.Buffer
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range 1000 {
			b.WriteByte("[,"[min(i, 1)])
			event := someoneElse(rng, events[i%len(events)])
			if u := bytes.Index(event, []byte(`"uuid":"`)); u >= 0 {
				copy(event[u+8:], fmt.Sprintf("%08x", i))
			}
			b.Write(event)
		}
		b.WriteByte(']')
		return b.Bytes()
	}
	return map[string][]byte{"small": page(small...), "large": page(eventtest.Read(t, "large_change_details"))}
}

// someoneElse is an event of testdata/events as it would be about somebody else: another of a thousand people and of as many addresses, in
// a request and session of their own, and about one of sixty applications, whose attributes have names of their own. Events that all name
// the same people flatter redaction, which remembers them.
func someoneElse(rng *rand.Rand, event []byte) []byte {
	first, last := firstNames[rng.IntN(len(firstNames))], lastNames[rng.IntN(len(lastNames))]
	hex := func(digits int) string {
		var b strings.Builder
		for range digits {
			fmt.Fprintf(&b, "%x", rng.IntN(16))
		}
		return b.String()
	}
	pairs := []string{
		"mara.lindqvist", strings.ToLower(first + "." + last), "Mara Lindqvist", first + " " + last, "MARA-MBP", strings.ToUpper(first) + "-MBP",
		"Lindqvist", last, "u1k2mfa7Qw3ErTy", "u" + hex(14), "198.51.100.23", fmt.Sprintf("198.51.%d.%d", rng.IntN(4), rng.IntN(256)),
		"Rotterdam", lastNames[rng.IntN(len(lastNames))] + "stad", "idxKq3vT9bYQ1S2mHc4Zr8wLg", "idx" + hex(22),
		"Payroll", firstNames[rng.IntN(20)], ".field", "." + strings.ToLower(lastNames[rng.IntN(3)]),
	}
	for _, member := range requestMember.FindAllSubmatch(event, -1) {
		pairs = append(pairs, string(member[1]), hex(len(member[1])))
	}
	return []byte(strings.NewReplacer(pairs...).Replace(string(event)))
}

var (
	firstNames = strings.Fields(`Ada Alan Amira Bente Bruno Carla Chidi Dana Diego Elif Emil Farah Goran Hanna Hiro Ines Ivan Jana Jonas Kofi
		Lena Liam Lucia Magnus Maya Milan Nadia Nils Noor Oscar Paula Rana`)
	lastNames = strings.Fields(`Abbott Baker Castro Dahl Eriksen Farouk Garcia Haddad Ibsen Jansen Keller Larsen Moreau Nakamura Okafor
		Petrov Quist Rossi Sato Tanaka Ueda Varga Weber Xavier Yilmaz Zhang Andersen Berg Costa Dubois Engel Fischer`)
	requestMember = regexp.MustCompile(`"(?:requestId|dtHash)":"([0-9a-f]+)"`)
)

// entries is the path under test: a page becomes entries.
func entries(f *Formatter, body []byte, now time.Time) (bytes int, err error) {
	events, err := Scan(body)
	for _, ev := range events {
		bytes += len(f.Entry(ev, now).Line)
	}
	return bytes, err
}

// logEvent is the event as the SDK-based collectors see it, for comparison.
type logEvent struct {
	Actor                 any             `json:"actor"`
	AuthenticationContext any             `json:"authenticationContext"`
	Client                any             `json:"client"`
	DebugContext          any             `json:"debugContext"`
	DisplayMessage        string          `json:"displayMessage"`
	EventType             string          `json:"eventType"`
	LegacyEventType       string          `json:"legacyEventType"`
	Outcome               *logOutcome     `json:"outcome"`
	Published             string          `json:"published"`
	Request               any             `json:"request"`
	SecurityContext       any             `json:"securityContext"`
	Severity              string          `json:"severity"`
	Target                []logTarget     `json:"target"`
	Transaction           any             `json:"transaction"`
	UUID                  string          `json:"uuid"`
	Version               json.RawMessage `json:"version"`
}

type logOutcome struct {
	Result string `json:"result"`
	Reason string `json:"reason"`
}

type logTarget struct {
	ID            string `json:"id"`
	Type          string `json:"type"`
	AlternateID   string `json:"alternateId"`
	DisplayName   string `json:"displayName"`
	DetailEntry   any    `json:"detailEntry"`
	ChangeDetails any    `json:"changeDetails"`
}

// structAndBack is the usual way: decode into a struct, encode the struct.
func structAndBack(body []byte) (bytes int, err error) {
	var events []logEvent
	if err := json.Unmarshal(body, &events); err != nil {
		return 0, err
	}
	for _, ev := range events {
		line, err := json.Marshal(map[string]any{"event": ev, "level": "info", "msg": "received event", "time": ev.Published})
		if err != nil {
			return 0, err
		}
		bytes += len(line)
	}
	return bytes, nil
}

// readers are the ways of reading a page that are compared: each checks the
// whole page and finds every event's bytes and facts.
var readers = map[string]func(body []byte) int{
	"scan": func(body []byte) int {
		events, _ := Scan(body)
		return len(events)
	},
	"gjson": func(body []byte) (n int) {
		if !gjson.ValidBytes(body) {
			return 0
		}
		gjson.ParseBytes(body).ForEach(func(_, event gjson.Result) bool {
			var found int
			event.ForEach(func(key, value gjson.Result) bool {
				switch key.Str {
				case "uuid", "published", "eventType", "severity", "outcome", "target":
					found++
				}
				return true
			})
			n++
			return true
		})
		return n
	},
}

// work is what the benchmarks compare, by name. Each returns how much it read.
func work(t testing.TB) map[string]func(body []byte) int {
	t.Helper()
	all := map[string]func(body []byte) int{
		"json.Valid": func(body []byte) int {
			if json.Valid(body) {
				return 1
			}
			return 0
		},
		"struct": func(body []byte) int { n, _ := structAndBack(body); return n },
	}
	for name, opts := range map[string]Options{
		"entries":         {},
		"redact=identity": {Redaction: &redact.Options{Mode: redact.ModeHash, Key: testKey}},                                               // option: redact
		"redact=personal": {Redaction: &redact.Options{Mode: redact.ModeHash, Key: testKey, Presets: []string{redact.PresetPersonalData}}}, // option: redact
		"redact=drop":     {Redaction: &redact.Options{Mode: redact.ModeDrop}},                                                             // option: redact
		"relabel+countries": {RelabelRules: eventTypeLabel, StructuredMetadata: map[string]string{"country": countryCode,
			"eventType": "eventType", "user": "actor.alternateId"}},
	} {
		opts.Org = "acme.okta.com"
		f, err := New(opts)
		require.NoError(t, err)
		all[name] = func(body []byte) int { n, _ := entries(f, body, time.Time{}); return n }
	}
	for name, read := range readers {
		all["read="+name] = read
	}
	return all
}

var eventTypeLabel = []*relabel.Config{{
	Action: relabel.Replace, SourceLabels: model.LabelNames{"__okta_event_type"},
	Regex: relabel.MustNewRegexp("(.+)"), TargetLabel: "event_type", Replacement: "$1",
}}

func BenchmarkPage(b *testing.B) {
	for size, body := range pages(b) {
		for name, f := range work(b) {
			b.Run(size+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if f(body) == 0 {
						b.Fatal("nothing read")
					}
				}
			})
		}
	}
}

// BenchmarkRatio puts each kind of work in relation to json.Valid of the same page, and redaction to the same without. The kinds take
// turns, the time is what the thread used of a processor, and the fastest turn of each counts: so the ratios are steady on a busy machine.
//
// Redaction was to cost 1.6 (user_identity) and 2.0 times (personal_data), and does not: see docs/entries.md > What it costs.
func BenchmarkRatio(b *testing.B) {
	for size, body := range pages(b) {
		b.Run(size, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			all := work(b)
			best := map[string]time.Duration{}
			for b.Loop() {
				for name, f := range all {
					runtime.GC() // of what the others left
					start := threadTime(b)
					if f(body) == 0 {
						b.Fatal("nothing read")
					}
					took := threadTime(b) - start
					if known, ok := best[name]; !ok || took < known {
						best[name] = took
					}
				}
			}
			for name, took := range best {
				b.ReportMetric(took.Seconds()/best["json.Valid"].Seconds(), name+"/valid")
				if strings.HasPrefix(name, "redact=") {
					b.ReportMetric(took.Seconds()/best["entries"].Seconds(), name+"/entries")
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
