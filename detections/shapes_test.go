package detections

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
)

// A shape is another way in which Okta, or a public sample of its log, writes the same thing. Change alters a decoded event. Refused is
// whether what happened in events.jsonl did not happen in the shape, so that a rule about what was done must stay silent.
type shape struct {
	name    string
	change  func(e map[string]any)
	refused bool
}

var shapes = []shape{
	{name: "issuer null", change: func(e map[string]any) { set(e, nil, "authenticationContext", "issuer") }},
	{name: "target null", change: func(e map[string]any) { e["target"] = nil }},
	{name: "target empty", change: func(e map[string]any) { e["target"] = []any{} }},
	{name: "actor null", change: func(e map[string]any) { e["actor"] = nil }},
	{name: "application first", change: applicationFirst},
	{name: "behaviors in logOnlySecurityData, a string", change: func(e map[string]any) { logOnly(e, false) }},
	{name: "behaviors in logOnlySecurityData, an object", change: func(e map[string]any) { logOnly(e, true) }},
	{name: "debugData repeats outcome and reason", change: repeated},
	{name: "factor in lower case", change: func(e map[string]any) { factor(e, strings.ToLower) }},
	{name: "factor in upper case", change: func(e map[string]any) { factor(e, strings.ToUpper) }},
	{name: "unknown as address", change: func(e map[string]any) { set(e, "unknown", "client", "ipAddress") }},
	{name: "one transaction for all", change: func(e map[string]any) { set(e, "WHfw1PuSXq0fs3mN4AAAB7nQ", "transaction", "id") }},
	{name: "failure", refused: true, change: func(e map[string]any) {
		if outcome, ok := e["outcome"].(map[string]any); ok && (outcome["result"] == "SUCCESS" || outcome["result"] == "ALLOW") {
			outcome["result"] = "FAILURE"
		}
	}},
	{name: "by an agent of a directory", change: door("user.authentication.auth_via_AD_agent")},
	{name: "by an agent for LDAP", change: door("user.authentication.auth_via_LDAP_agent")},
	{name: "by RADIUS", change: door("user.authentication.auth_via_radius")},
	{name: "by a password asked second", change: func(e map[string]any) {
		if e["eventType"] == "user.session.start" {
			set(e, "PASSWORD_AS_FACTOR", "debugContext", "debugData", "factor")
		}
		door("user.authentication.auth_via_mfa")(e)
	}},
	{name: "a token without a suffix", change: func(e map[string]any) {
		e["eventType"] = tokenSuffix.ReplaceAllString(e["eventType"].(string), "token.grant")
	}},
	{name: "a token of the org's own server", change: func(e map[string]any) {
		e["eventType"] = strings.Replace(e["eventType"].(string), "oauth2.as.token.grant", "oauth2.token.grant", 1)
	}},
}

var tokenSuffix = regexp.MustCompile(`token\.grant\..*$`)

// door has a sign-in with a password logged as another event type.
func door(eventType string) func(e map[string]any) {
	return func(e map[string]any) {
		if e["eventType"] == "user.session.start" {
			e["eventType"] = eventType
		}
	}
}

// set puts a value at a path whose objects exist.
func set(e map[string]any, value any, path ...string) {
	for _, name := range path[:len(path)-1] {
		next, ok := e[name].(map[string]any)
		if !ok {
			return
		}
		e = next
	}
	e[path[len(path)-1]] = value
}

func debugData(e map[string]any) map[string]any {
	context, _ := e["debugContext"].(map[string]any)
	data, _ := context["debugData"].(map[string]any)
	return data
}

func applicationFirst(e map[string]any) {
	targets, ok := e["target"].([]any)
	if !ok || slices.ContainsFunc(targets, func(t any) bool { return t.(map[string]any)["type"] == "AppInstance" }) {
		return
	}
	e["target"] = append([]any{map[string]any{
		"id": "0oa9first8App7AbC5d7", "type": "AppInstance", "alternateId": "Okta Dashboard", "displayName": "Okta Dashboard",
	}}, targets...)
}

var behavior = regexp.MustCompile(`(New [A-Za-z-]+|Velocity)=([A-Z_]+)`)

// logOnly moves what Okta thinks of the client to where it is while the org's policy does not use it: as text, as Okta writes it, or as
// the object that collectors make of it.
func logOnly(e map[string]any, object bool) {
	data := debugData(e)
	text, ok := data["behaviors"].(string)
	if !ok {
		return
	}
	delete(data, "behaviors")
	behaviors := map[string]any{}
	for _, found := range behavior.FindAllStringSubmatch(text, -1) {
		behaviors[found[1]] = found[2]
	}
	value := map[string]any{"risk": map[string]any{"level": "LOW"}, "behaviors": behaviors}
	if data["logOnlySecurityData"] = any(value); !object {
		encoded, _ := json.Marshal(value)
		data["logOnlySecurityData"] = string(encoded)
	}
}

func repeated(e map[string]any) {
	outcome, _ := e["outcome"].(map[string]any)
	if data := debugData(e); data != nil && outcome != nil {
		data["loginResult"], data["authResult"] = outcome["reason"], outcome["result"]
	}
}

func factor(e map[string]any, spell func(string) string) {
	if data := debugData(e); data != nil {
		if text, ok := data["factor"].(string); ok {
			data["factor"] = spell(text)
		}
	}
}

// reshaped is the events of a file, one a line, in the shape. Members come in the order of the alphabet, which Okta's do not.
func reshaped(t *testing.T, file string, s shape) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var out bytes.Buffer
	for line := range bytes.Lines(bytes.TrimSpace(content)) {
		var e map[string]any
		require.NoError(t, json.Unmarshal(line, &e))
		s.change(e)
		encoded, err := json.Marshal(e)
		require.NoError(t, err)
		out.Write(append(encoded, '\n'))
	}
	return out.Bytes()
}

// TestRulesHoldInEveryShape has each rule's events in every shape: it fires for the same, and stays silent for the same, unless its member
// shapes says of one that it is otherwise, and why. What says so and is not otherwise fails too.
func TestRulesHoldInEveryShape(t *testing.T) {
	t.Parallel()
	formatters := map[string]*event.Formatter{}
	for _, s := range shapes {
		for _, file := range []string{"fires", "silent"} {
			f, err := event.New(event.Options{Org: s.name + "/" + file})
			require.NoError(t, err)
			formatters[s.name+"/"+file] = f
		}
	}
	var wrong []string
	for _, rule := range rules(t) {
		byOrg := map[string][]event.Entry{}
		for _, s := range shapes {
			for _, file := range []string{"fires", "silent"} {
				org := s.name + "/" + file
				byOrg[org] = entries(t, formatters[org], reshaped(t, filepath.Join("rules", rule.Name, file+".jsonl"), s))
			}
		}
		raised := raisedByOrg(t, rule, event.FormatEnvelope, byOrg)
		for name := range rule.Shapes {
			require.Truef(t, slices.ContainsFunc(shapes, func(s shape) bool { return s.name == name }), "%s: no shape is called %s", rule.Name, name)
		}
		for _, s := range shapes {
			right := len(raised[s.name+"/fires"]) > 0 == !s.refused && len(raised[s.name+"/silent"]) == 0
			if reason, otherwise := rule.Shapes[s.name]; right == otherwise {
				wrong = append(wrong, rule.Name+": "+s.name+": "+reason+" "+verdictText(raised[s.name+"/fires"], raised[s.name+"/silent"]))
			}
		}
	}
	require.Emptyf(t, wrong, "%d:\n%s", len(wrong), strings.Join(wrong, "\n"))
}

func verdictText(fires, silent []map[string]string) string {
	text, _ := json.Marshal([]int{len(fires), len(silent)})
	return "alerts for what fires, and for what is silent: " + string(text)
}
