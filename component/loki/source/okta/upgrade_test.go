// option: reconcile, backfill, redact

package okta

import (
	"testing"

	"github.com/go-kit/log"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/checkpoint"
)

// planned is the plan of a configuration, which is accepted.
func planned(t *testing.T, body string) *plan {
	t.Helper()
	args, err := evaluate(t, body)
	require.NoError(t, err)
	shared, err := args.connections()
	require.NoError(t, err)
	p, err := newPlan(args, shared, log.NewNopLogger())
	require.NoError(t, err)
	return p
}

// What the first versions of both blocks wrote into the data path is found again: under other names, a range that was read would be read
// once more, and what was confirmed would be doubted. The names come from their code, 725ff4e and 2586efa.
func TestNamesInTheDataPathAreThoseOfFormerVersions(t *testing.T) {
	p := planned(t, `
		url              = "https://acme.okta.com"
		api_token        = "token"
		forward_to       = [receiver]
		initial_lookback = "24h"
		filter           = "eventType eq \"a\""
		query            = "nick"
		page_size        = 100
		reconcile {
			url                        = "http://loki:3100/loki/api/v1/push"
			tenant_id                  = "team-a"
			reject_old_samples_max_age = "0s"
		}
		backfill {
			since = "2026-09-01"
			until = "2026-10-01"
		}`)
	require.Equal(t, "acme.okta.com.json", checkpoint.FileName(p.org.String()))
	require.Equal(t, checkpoint.Scope{Org: "https://acme.okta.com", Filter: `eventType eq "a"`, Query: "nick", PageSize: 100}, p.scope)
	require.Equal(t, "685f8f4777d0e37f", p.confirmID)
	require.Equal(t, "backfill-20260901T000000Z-20261001T000000Z-3dae8e5d", p.of.fills[0].id())
}

// The arguments and blocks of the first version, but for private_key_jwt, which excludes api_token, and relabel_rules, which another
// component exports.
func TestAConfigurationOfTheFirstVersionIsAccepted(t *testing.T) {
	planned(t, `
		url                 = "https://acme.okta.com"
		api_token           = "token"
		forward_to          = [receiver]
		poll_interval       = "10s"
		initial_lookback    = "1h"
		replay_window       = "1m"
		page_size           = 1000
		request_timeout     = "60s"
		filter              = "eventType eq \"a\""
		query               = "nick"
		rate_limit_share    = 0.5
		line_format         = "event"
		labels              = {job = "okta", org = ""}
		structured_metadata = {outcome = "outcome.result"}
		client {
			proxy_from_environment = true
			tls_config {
				insecure_skip_verify = false
			}
		}
		reconcile {
			url       = "http://loki:3100"
			selector  = "{job=\"okta\"}"
			tenant_id = "team-a"
			margin    = "5s"
			basic_auth {
				username = "u"
				password = "p"
			}
		}
		redact {
			mode = "mask"
		}`)
}
