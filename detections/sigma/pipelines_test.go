package sigma

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/grafana/alloy/okta/internal/event"
)

// mappings is what a pipeline maps, by field: the labels of which one must match.
func mappings(t *testing.T, name string) map[string][]string {
	t.Helper()
	content, err := os.ReadFile("pipelines/" + name + ".yml")
	require.NoError(t, err)
	var pipeline struct {
		Transformations []struct {
			Type    string
			Mapping map[string]any
		}
	}
	require.NoError(t, yaml.Unmarshal(content, &pipeline))
	all := map[string][]string{}
	for _, transformation := range pipeline.Transformations {
		for field, to := range transformation.Mapping {
			switch to := to.(type) {
			case string:
				all[field] = []string{to}
			case []any:
				for _, label := range to {
					all[field] = append(all[field], label.(string))
				}
			}
		}
	}
	return all
}

// TestPipelinesMapTheSameNames holds the three against each other: those for envelopes leave the prefix event_ to loki_okta_system_log, and
// so may name a label for targets without it, while a field of the event alone has none.
func TestPipelinesMapTheSameNames(t *testing.T) {
	raw, envelope, collector := mappings(t, "okta-raw"), mappings(t, "okta-envelope"), mappings(t, "okta-logs-collector")
	require.Equal(t, envelope, collector)
	require.Greater(t, len(raw), 60)
	require.Equal(t, len(raw), len(envelope))
	metadata := event.DefaultStructuredMetadata()
	for field, labels := range envelope {
		require.Len(t, raw[field], len(labels), field)
		for i, label := range labels {
			if !strings.HasPrefix(field, "target.") {
				require.Equal(t, label, raw[field][i], field)
				require.True(t, strings.EqualFold(field, strings.ReplaceAll(label, "_", ".")), field)
				continue
			}
			require.Equal(t, "event_"+label, raw[field][i], field)
			require.Contains(t, metadata, raw[field][i], field)
		}
	}
	for _, field := range []string{
		"debugcontext.debugdata.factor", "debugcontext.debugdata.dthash", "debugcontext.debugdata.privilegegranted",
		"debugcontext.debugdata.pushonlyresponsetype", "transaction.detail.requestapitokenid", "target.displayname", "client.ipaddress",
	} {
		require.Contains(t, envelope, field)
	}
}

// ownRules are rules as people write them for themselves, as pySigma 1.5 and pySigma-backend-loki 0.13 convert them with case_sensitive=true
// and the pipelines here: for envelopes, and for the event alone.
var ownRules = []struct{ name, envelope, raw, finds, not string }{
	{
		name:     "target.displayName|contains: Admins with target.type: UserGroup",
		envelope: "{job=`loki.source.okta`} | json | event_eventType=`group.user_membership.add` and (event_target_displayName=~`(?i).*Admins.*` or event_target_group_displayName=~`(?i).*Admins.*`) and (event_target_type=`UserGroup` or event_target_group_type=`UserGroup`)",
		raw:      "{job=`loki.source.okta`} | json | eventType=`group.user_membership.add` and (event_target_displayName=~`(?i).*Admins.*` or event_target_group_displayName=~`(?i).*Admins.*`) and (event_target_type=`UserGroup` or event_target_group_type=`UserGroup`)",
		finds:    `{"eventType":"group.user_membership.add","target":[{"id":"00u1","type":"User","displayName":"Jonas"},{"id":"00g1","type":"UserGroup","displayName":"Domain Admins"}]}`,
		not:      `{"eventType":"group.user_membership.add","target":[{"id":"00u1","type":"User","displayName":"Jonas"},{"id":"00g1","type":"UserGroup","displayName":"Lunch"}]}`,
	},
	{
		name:     "the user of a membership, target.displayName: Jonas",
		envelope: "{job=`loki.source.okta`} | json | event_eventType=`group.user_membership.add` and (event_target_displayName=`Jonas` or event_target_group_displayName=`Jonas`)",
		raw:      "{job=`loki.source.okta`} | json | eventType=`group.user_membership.add` and (event_target_displayName=`Jonas` or event_target_group_displayName=`Jonas`)",
		finds:    `{"eventType":"group.user_membership.add","target":[{"id":"00g1","type":"UserGroup","displayName":"Lunch"},{"id":"00u1","type":"User","displayName":"Jonas"}]}`,
		not:      `{"eventType":"group.user_membership.add","target":[{"id":"00g1","type":"UserGroup","displayName":"Lunch"},{"id":"00u2","type":"User","displayName":"Mara"}]}`,
	},
	{
		name:     "names in lower case: debugcontext.debugdata.factor, .pushonlyresponsetype, transaction.detail.requestapitokenid",
		envelope: "{job=`loki.source.okta`} | json | event_eventType=`user.authentication.auth_via_mfa` and event_debugContext_debugData_factor=`OKTA_VERIFY_PUSH` and event_debugContext_debugData_pushOnlyResponseType=`OV_RESPONSE_DENY` and event_transaction_detail_requestApiTokenId=`00T1`",
		raw:      "{job=`loki.source.okta`} | json | eventType=`user.authentication.auth_via_mfa` and debugContext_debugData_factor=`OKTA_VERIFY_PUSH` and debugContext_debugData_pushOnlyResponseType=`OV_RESPONSE_DENY` and transaction_detail_requestApiTokenId=`00T1`",
		finds:    `{"eventType":"user.authentication.auth_via_mfa","debugContext":{"debugData":{"factor":"OKTA_VERIFY_PUSH","pushOnlyResponseType":"OV_RESPONSE_DENY"}},"transaction":{"detail":{"requestApiTokenId":"00T1"}}}`,
		not:      `{"eventType":"user.authentication.auth_via_mfa","debugContext":{"debugData":{"factor":"OKTA_VERIFY_PUSH"}},"transaction":{"detail":{"requestApiTokenId":"00T1"}}}`,
	},
	{
		name:     "client.ipAddress|exists: true and not client.ipAddress|cidr: 10.0.0.0/8",
		envelope: "{job=`loki.source.okta`} | json | event_eventType=`user.session.start` and event_client_ipAddress!=\"\" and event_client_ipAddress!=ip(\"10.0.0.0/8\")",
		raw:      "{job=`loki.source.okta`} | json | eventType=`user.session.start` and client_ipAddress!=\"\" and client_ipAddress!=ip(\"10.0.0.0/8\")",
		finds:    `{"eventType":"user.session.start","client":{"ipAddress":"203.0.113.7"},"request":{"ipChain":[{"ip":"10.1.2.3"}]}}`,
		not:      `{"eventType":"user.session.start","client":{"ipAddress":"10.1.2.3"}}`,
	},
}

func TestOwnRulesFindTheirEvents(t *testing.T) {
	for _, rule := range ownRules {
		t.Run(rule.name, func(t *testing.T) {
			for lineFormat, text := range map[string]string{event.FormatEnvelope: rule.envelope, event.FormatEvent: rule.raw} {
				queries := map[string]*logQuery{"it": parse(t, text)}
				f := formatter(t, event.Options{LineFormat: lineFormat})
				require.Len(t, matches(t, queries, f, []byte(rule.finds)), 1, lineFormat)
				require.Empty(t, matches(t, queries, f, []byte(rule.not)), lineFormat)
			}
		})
	}
}
