package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The token comes from a file that an operator, or a secrets agent, replaces.
const tokenFromFile = `
local.file "token" {
	filename       = sys.env("TOKEN_FILE")
	is_secret      = true
	detector       = "poll"
	poll_frequency = "200ms"
}

loki.source.okta "default" {
	url              = sys.env("OKTA_URL")
	api_token        = local.file.token.content
	poll_interval    = "1s"
	initial_lookback = "24h"
	rate_limit_share = 1
	forward_to       = [loki.write.default.receiver]
}

loki.write "default" {
	endpoint {
		url = sys.env("LOKI_URL") + "/loki/api/v1/push"
	}
}
`

// A new token is used without a restart, the cursor stays, and nothing comes twice: the events logged while the old token was
// refused are read with the new one.
func TestATokenInAFileIsRotatedWithoutARestart(t *testing.T) {
	t.Parallel()
	const first, refused, renewed = 1_200, 300, 400
	const fresh = "00freshTokenOfTheSimulatedOrg"
	okta := startOrg(t, "--backlog=1200", "--backlog-span=2h", "--rate=0/s", "--rate-limit=6000", "--seed=3")
	loki := startLoki(t)
	alloy := newCollector(t, []byte(tokenFromFile), okta, loki)
	file := filepath.Join(t.TempDir(), "token")
	alloy.env = append(alloy.env, "TOKEN_FILE="+file)
	require.NoError(t, os.WriteFile(file, []byte(token+"\n"), 0o600))
	alloy.start(t)
	waitForCount(t, loki.Reader(), selector, okta.records(t, first), first, time.Minute)

	okta.control(t, http.MethodPost, "token?value="+fresh)
	okta.generate(t, refused)
	waitForLog(t, alloy, "Okta refuses the request")
	require.NoError(t, os.WriteFile(file, []byte(fresh+"\n"), 0o600))
	waitForCount(t, loki.Reader(), selector, okta.records(t, first+refused), first+refused, time.Minute)

	okta.generate(t, renewed)
	all := okta.records(t, first+refused+renewed)
	waitForCount(t, loki.Reader(), selector, all, len(all), time.Minute)
	alloy.stop(t)
	require.NotContains(t, alloy.Log(), fresh)
	requireExactlyOnce(t, loki.Reader(), selector, all)
}
