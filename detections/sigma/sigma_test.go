package sigma

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/loki/v3/pkg/logql/syntax"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/redact"
)

// forms are the ways to store events and to write the rules. Whatever the form, the same rules match the same events.
var forms = map[string]struct {
	options event.Options
	query   func(t *testing.T, rule string) string
}{
	"envelope, okta-envelope.yml": {
		query: func(t *testing.T, rule string) string { return query(t, rule, "envelope") },
	},
	"envelope, loki_okta_system_log alone and not case sensitive": {
		query: func(t *testing.T, rule string) string { return stock(query(t, rule, "envelope")) },
	},
	"event, okta-raw.yml": {
		options: event.Options{LineFormat: event.FormatEvent},
		query:   func(t *testing.T, rule string) string { return query(t, rule, "raw") },
	},
	"labels of okta-logs-collector, okta-logs-collector.yml": {
		options: event.Options{
			Labels:             map[string]string{"job": "okta-logs-collector"},
			RelabelRules:       []*relabel.Config{copied("__okta_event_type", "eventType"), copied("__okta_severity", "level")},
			StructuredMetadata: targetMetadata(),
		},
		query: func(t *testing.T, rule string) string { return labeled(query(t, rule, "envelope")) },
	},
}

func copied(source model.LabelName, target string) *relabel.Config {
	rule := relabel.DefaultRelabelConfig
	rule.SourceLabels, rule.TargetLabel = model.LabelNames{source}, target
	return &rule
}

func targetMetadata() map[string]string {
	all := event.DefaultStructuredMetadata()
	maps.DeleteFunc(all, func(name, _ string) bool { return !strings.HasPrefix(name, "event_target_") })
	return all
}

func rules(t *testing.T) (names []string) {
	t.Helper()
	folders, err := filepath.Glob("rules/*")
	require.NoError(t, err)
	require.Len(t, folders, 24, "Sigma has 24 public rules for Okta")
	for _, folder := range folders {
		names = append(names, filepath.Base(folder))
	}
	return names
}

func query(t *testing.T, rule, form string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("rules", rule, form+".logql"))
	require.NoError(t, err)
	return string(b)
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	return bytes.TrimSpace(b)
}

var (
	selector   = regexp.MustCompile("(?m)^{job=`loki.source.okta`}")
	equality   = regexp.MustCompile("=`([^`]*)`")
	eventTypes = regexp.MustCompile("event_eventType=`([^`]*)`")
)

// stock is the query without a pipeline of ours and without case_sensitive=true: every stream, every value a regular expression.
func stock(query string) string {
	query = selector.ReplaceAllString(query, `{job=~".+"}`)
	return equality.ReplaceAllStringFunc(query, func(s string) string {
		return "=~`(?i)^" + regexp.QuoteMeta(equality.FindStringSubmatch(s)[1]) + "$`"
	})
}

// labeled is the query with the selector that okta-logs-collector.yml sets.
func labeled(query string) string {
	var types []string
	for _, found := range eventTypes.FindAllStringSubmatch(query, -1) {
		types = append(types, found[1])
	}
	streams := "{job=`okta-logs-collector`}"
	switch len(types) {
	case 0:
	case 1:
		streams = "{job=`okta-logs-collector`,eventType=`" + types[0] + "`}"
	default:
		for i, name := range types {
			types[i] = regexp.QuoteMeta(name)
		}
		streams = "{job=`okta-logs-collector`,eventType=~`" + strings.Join(types, "|") + "`}"
	}
	return selector.ReplaceAllLiteralString(query, streams)
}

// matches returns the rules that find the event, in the order of their names.
func matches(t *testing.T, queries map[string]*logQuery, f *event.Formatter, raw []byte) []string {
	t.Helper()
	events, err := event.Scan(slices.Concat([]byte("["), raw, []byte("]")))
	require.NoError(t, err)
	require.Len(t, events, 1)
	entry := f.Entry(events[0], time.Date(2026, 8, 21, 12, 0, 0, 0, time.UTC))
	found := []string{}
	for name, q := range queries {
		if q.matches(entry) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

func TestEachRuleFindsItsOwnEventAndNoOther(t *testing.T) {
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			queries := map[string]*logQuery{}
			for _, rule := range rules(t) {
				queries[rule] = parse(t, form.query(t, rule))
			}
			f := formatter(t, form.options)
			for _, rule := range rules(t) {
				require.Equal(t, []string{rule}, matches(t, queries, f, read(t, filepath.Join("rules", rule, "event.json"))))
			}
		})
	}
}

// ordinary is what the rules find in testdata/events: nothing but this.
var ordinary = map[string][]string{
	"api_token_create":           {"okta_api_token_created"},
	"app_update_change_details":  {"okta_application_modified_or_deleted"},
	"auth_via_mfa_failure":       {"okta_fastpass_phishing_detection"},
	"large_change_details":       {"okta_application_modified_or_deleted"},
	"login_failed_unknown_user":  {"okta_password_in_alternateid_field"},
	"policy_evaluate_sign_on":    {"okta_new_behaviours_admin_console"},
	"session_start_risk":         {"okta_user_session_start_via_anonymised_proxy"},
	"suspicious_activity_report": {"okta_suspicious_activity_enduser_report"},
	"user_create":                {"okta_apt_suspicious_user_creation", "okta_user_created"}, // its name is the one of the breach
}

func TestRulesFindNothingInOrdinaryEvents(t *testing.T) {
	files, err := filepath.Glob("../../testdata/events/*.json")
	require.NoError(t, err)
	require.Greater(t, len(files), len(ordinary))
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			queries := map[string]*logQuery{}
			for _, rule := range rules(t) {
				queries[rule] = parse(t, form.query(t, rule))
			}
			f := formatter(t, form.options)
			for _, file := range files {
				want := ordinary[strings.TrimSuffix(filepath.Base(file), ".json")]
				require.ElementsMatch(t, want, matches(t, queries, f, read(t, file)), file)
			}
		})
	}
}

// TestOneValueDecides changes the one thing in a rule's event that its condition turns on.
func TestOneValueDecides(t *testing.T) {
	for name, c := range map[string]struct{ rule, from, to string }{
		"a proxy, but no admin page":  {"okta_admin_activity_from_proxy_query", `/admin/sso/callback`, `/home/sso/callback`},
		"an admin page, but no proxy": {"okta_admin_activity_from_proxy_query", `"isProxy":true`, `"isProxy":null`},
		"a sign-in, but not through a proxy": {"okta_user_session_start_via_anonymised_proxy", `"isProxy":true,"risk"`,
			`"isProxy":false,"risk"`},
		"a failed factor, but no phishing": {"okta_fastpass_phishing_detection", `FastPass declined phishing attempt`,
			`INVALID_CREDENTIALS`},
		"a login that is an address":        {"okta_password_in_alternateid_field", `Summer2026!`, `summer@acme.example`},
		"a login that is a service account": {"okta_password_in_alternateid_field", `Summer2026!`, `0oa1svc2Acc3AbCd5d7`},
		"impersonation by Okta itself":      {"okta_session_impersonation_granted", `helpdesk@contractor.example`, `system@okta.com`},
		"impersonation by one of ours":      {"okta_session_impersonation_granted", `helpdesk@contractor.example`, `Helpdesk@ACME.example`},
		"another user activated": {"okta_apt_suspicious_user_creation", `"displayName":"svc_network_backup"`,
			`"displayName":"Priya Raman"`},
		"nothing new at the admin console": {"okta_new_behaviours_admin_console", `POSITIVE`, `NEGATIVE`},
		"new behavior, but at another app": {"okta_new_behaviours_admin_console", `"displayName":"Okta Admin Console"`,
			`"displayName":"Okta Dashboard"`},
		"a report, but not of password health":  {"okta_password_health_report_query", `/reports/password-health/`, `/reports/app-usage/`},
		"another message at the same event":     {"okta_user_account_locked_out", `Max sign in attempts exceeded`, `User account locked`},
		"a token, but neither made nor revoked": {"okta_api_token_revoked", `system.api_token.revoke`, `system.api_token.update`},
	} {
		t.Run(name, func(t *testing.T) {
			raw := read(t, filepath.Join("rules", c.rule, "event.json"))
			require.Contains(t, string(raw), c.from)
			changed := bytes.ReplaceAll(raw, []byte(c.from), []byte(c.to))
			for name, form := range forms {
				queries := map[string]*logQuery{c.rule: parse(t, form.query(t, c.rule))}
				require.Empty(t, matches(t, queries, formatter(t, form.options), changed), name)
			}
		})
	}
}

// TestTargetRulesNeedStructuredMetadata is why the default metadata has the keys event_target_*: LogQL's json parser skips arrays.
func TestTargetRulesNeedStructuredMetadata(t *testing.T) {
	for _, form := range []string{event.FormatEnvelope, event.FormatEvent} {
		f := formatter(t, event.Options{LineFormat: form, StructuredMetadata: map[string]string{}})
		var blind []string
		for _, rule := range rules(t) {
			text := query(t, rule, map[string]string{event.FormatEnvelope: "envelope", event.FormatEvent: "raw"}[form])
			if len(matches(t, map[string]*logQuery{rule: parse(t, text)}, f, read(t, filepath.Join("rules", rule, "event.json")))) == 0 {
				blind = append(blind, rule)
			}
		}
		require.Equal(t, []string{"okta_apt_suspicious_user_creation", "okta_new_behaviours_admin_console"}, blind, form)
	}
}

// TestRedactionHidesFromRules is what docs/entries.md warns of: which rules no longer find their event, and which find another.
func TestRedactionHidesFromRules(t *testing.T) {
	docs := string(read(t, "../../docs/entries.md"))
	require.Contains(t, strings.Join(strings.Fields(docs), " "),
		"With either, `okta_password_in_alternateid_field` and `okta_session_impersonation_granted` fire too often")
	for preset, want := range map[string][]string{
		redact.PresetUserIdentity: {"okta_apt_suspicious_user_creation"},
		redact.PresetPersonalData: {"okta_apt_suspicious_user_creation"},
	} {
		f := formatter(t, event.Options{Redaction: &redact.Options{Presets: []string{preset}}})
		var hidden []string
		for _, rule := range rules(t) {
			q := map[string]*logQuery{rule: parse(t, query(t, rule, "envelope"))}
			if len(matches(t, q, f, read(t, filepath.Join("rules", rule, "event.json")))) == 0 {
				hidden = append(hidden, rule)
			}
		}
		require.Equal(t, want, hidden, preset)
		require.Contains(t, docs, "With a preset of [`redact`](#redaction) all work, except `"+strings.Join(hidden, "`, `")+"`, ")

		for rule, c := range map[string]struct{ from, to string }{
			"okta_password_in_alternateid_field": {"Summer2026!", "summer@acme.example"},
			"okta_session_impersonation_granted": {"helpdesk@contractor.example", "helpdesk@acme.example"},
		} {
			innocent := bytes.ReplaceAll(read(t, filepath.Join("rules", rule, "event.json")), []byte(c.from), []byte(c.to))
			q := map[string]*logQuery{rule: parse(t, query(t, rule, "envelope"))}
			require.Empty(t, matches(t, q, formatter(t, event.Options{}), innocent))
			require.Equal(t, []string{rule}, matches(t, q, f, innocent), "it excludes by a value that is redacted")
		}
	}
}

func TestQueriesInTheDocsAreLogQL(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^ *```logql\n(.*?)```").FindAllStringSubmatch(string(read(t, "../../docs/entries.md")), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		_, err := syntax.ParseExpr(block[1])
		require.NoError(t, err, block[1])
	}
}

// listed returns the names in the table row of docs/entries.md that begins with first.
func listed(t *testing.T, docs, first string) (names []string) {
	t.Helper()
	row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(first) + ` \| (.+) \|$`).FindStringSubmatch(docs)
	require.NotNil(t, row, first)
	for name := range strings.SplitSeq(row[1], ", ") {
		names = append(names, strings.Trim(name, "`"))
	}
	return names
}

func TestTheDocsListEveryRule(t *testing.T) {
	docs, levels := string(read(t, "../../docs/entries.md")), map[string][]string{}
	for _, rule := range rules(t) {
		level := regexp.MustCompile(`(?m)^# Level: (.+)$`).FindStringSubmatch(query(t, rule, "raw"))[1]
		levels[level] = append(levels[level], rule)
	}
	for level, want := range levels {
		require.Equal(t, want, listed(t, docs, level))
	}
}

func TestCommentsNameTheFieldsThatAreTested(t *testing.T) {
	fields := regexp.MustCompile(`(?m)^# Fields: (.+)$`)
	facts := regexp.MustCompile(`^# .+\n# Sigma: \S+/(\S+)\.yml, .+\n# Level: (informational|low|medium|high|critical)\n# Fields: .+\n` +
		`# Pipelines: .+\n{`)
	for _, rule := range rules(t) {
		for _, form := range []string{"envelope", "raw"} {
			text := query(t, rule, form)
			require.Regexp(t, facts, text)
			require.Equal(t, rule, facts.FindStringSubmatch(text)[1])
			require.Equal(t, strings.Split(fields.FindStringSubmatch(text)[1], ", "), parse(t, text).fields, rule)
		}
	}
}

func TestPipelinesAreYAMLAndMapNamesToWhatLokiHas(t *testing.T) {
	files, err := filepath.Glob("pipelines/*.yml")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		text := string(read(t, file))
		require.YAMLEq(t, text, text, file)
	}

	metadata := event.DefaultStructuredMetadata()
	mapping := regexp.MustCompile(`(?m)^      ([a-zA-Z.]+): ([a-zA-Z_]+)$`)
	found := mapping.FindAllStringSubmatch(string(read(t, "pipelines/okta-raw.yml")), -1)
	require.NotEmpty(t, found)
	for _, m := range found {
		from, to := m[1], m[2]
		if strings.HasPrefix(from, "target.") {
			require.Contains(t, metadata, to)
			to = strings.TrimPrefix(to, "event_")
		}
		require.Equal(t, strings.ToLower(strings.ReplaceAll(to, "_", ".")), strings.ToLower(from))
	}
}
