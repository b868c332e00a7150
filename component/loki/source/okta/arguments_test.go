package okta

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/vm"
)

// minimal is the least that must be written.
const minimal = `url = "https://acme.okta.com"
forward_to = [receiver]
api_token = "00hunter2token"
`

// evaluate reads the body of a loki.source.okta block as Alloy does.
func evaluate(t *testing.T, body string) (args Arguments, err error) {
	t.Helper()
	return evaluateWith(t, body, nil)
}

// evaluateWith has values beside the receiver.
func evaluateWith(t *testing.T, body string, values map[string]any) (args Arguments, err error) {
	t.Helper()
	file, err := parser.ParseFile("config.alloy", []byte(body))
	require.NoError(t, err)
	scope := map[string]any{"receiver": loki.NewLogsReceiver()}
	maps.Copy(scope, values)
	err = vm.New(file).Evaluate(vm.NewScope(scope), &args)
	return args, err
}

func TestDefaultsAreTheDocumentedOnes(t *testing.T) {
	args, err := evaluate(t, minimal)
	require.NoError(t, err)
	require.Equal(t, 10*time.Second, args.PollInterval)
	require.Equal(t, time.Hour, args.InitialLookback)
	require.Equal(t, time.Minute, args.ReplayWindow)
	require.Equal(t, 1000, args.PageSize)
	require.Equal(t, time.Minute, args.RequestTimeout)
	require.Equal(t, 0.5, args.RateLimitShare)
	require.Equal(t, "envelope", args.LineFormat)
}

func TestBadArgumentsAreRefusedWithTheirValue(t *testing.T) {
	with := func(line string) string { return minimal + line }
	without := func(name string) string {
		var kept []string
		for line := range strings.Lines(minimal) {
			if !strings.HasPrefix(line, name) {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "")
	}
	url := func(u string) string { return without("url") + `url = "` + u + `"` }
	cases := map[string]struct {
		body string
		want []string
	}{
		"plain http":              {url("http://acme.okta.com"), []string{"url:", "in clear", `"https://acme.okta.com"`}},
		"user info":               {url("https://me:hunter2@acme.okta.com"), []string{"url:", "user info", `"https://acme.okta.com"`}},
		"a query":                 {url("https://acme.okta.com/?limit=1"), []string{"url:", "holds a query"}},
		"placeholder":             {url("https://{yourOktaDomain}"), []string{"url:", "placeholder"}},
		"no receiver":             {without("forward_to"), []string{`missing required attribute "forward_to"`}},
		"empty forward_to":        {without("forward_to") + "forward_to = []", []string{"forward_to is empty"}},
		"page_size 0":             {with("page_size = 0"), []string{"page_size is 0", "between 1 and 1000"}},
		"page_size 1001":          {with("page_size = 1001"), []string{"page_size is 1001", "between 1 and 1000"}},
		"page_size negative":      {with("page_size = -1"), []string{"page_size is -1"}},
		"poll_interval 0s":        {with(`poll_interval = "0s"`), []string{"poll_interval is 0s", "at least 100ms"}},
		"poll_interval 99ms":      {with(`poll_interval = "99ms"`), []string{"poll_interval is 99ms", "at least 100ms"}},
		"request_timeout 0s":      {with(`request_timeout = "0s"`), []string{"request_timeout is 0s", "above 0s"}},
		"request_timeout -1s":     {with(`request_timeout = "-1s"`), []string{"request_timeout is -1s"}},
		"share 0":                 {with("rate_limit_share = 0"), []string{"rate_limit_share is 0", "above 0 and at most 1"}},
		"share 1.01":              {with("rate_limit_share = 1.01"), []string{"rate_limit_share is 1.01"}},
		"share negative":          {with("rate_limit_share = -0.5"), []string{"rate_limit_share is -0.5"}},
		"lookback of 91 days":     {with(`initial_lookback = "2184h"`), []string{"initial_lookback is 2184h", "2160h"}},
		"lookback negative":       {with(`initial_lookback = "-1h"`), []string{"initial_lookback is -1h"}},
		"replay negative":         {with(`replay_window = "-1s"`), []string{"replay_window is -1s"}},
		"replay of two days":      {with(`replay_window = "48h"`), []string{"replay_window is 48h", "24h"}},
		"a long keyword":          {with(`query = "` + strings.Repeat("x", 41) + `"`), []string{"of 41 characters", "at most 40"}},
		"eleven keywords":         {with(`query = "a b c d e f g h i j k"`), []string{"query has 11 keywords", "at most 10"}},
		"line_format":             {with(`line_format = "raw"`), []string{`"raw"`, `"envelope" or "event"`}},
		"both ways to authorize":  {with(`private_key_jwt { client_id = "0oa1" }`), []string{"both set", "exactly one"}},
		"no way to authorize":     {without("api_token"), []string{"neither api_token nor private_key_jwt", "exactly one"}},
		"an empty token":          {without("api_token") + `api_token = ""`, []string{"must not be empty", "environment variable"}},
		"a token with its scheme": {without("api_token") + `api_token = "SSWS 00hunter2token"`, []string{`begins with "SSWS"`}},
		"a proxy and the environment's": {with("client {\nproxy_url = \"http://proxy:3128\"\nproxy_from_environment = true\n}"),
			[]string{"proxy_from_environment"}},
		"an unknown argument": {with("poll_intervall = 5"), []string{"poll_intervall"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := evaluate(t, tc.body)
			require.Error(t, err)
			for _, piece := range tc.want {
				require.ErrorContains(t, err, piece)
			}
			if !strings.Contains(tc.body, "poll_intervall") {
				require.NotContains(t, err.Error(), "hunter2")
			}
		})
	}
}

func TestValuesAtTheEdgeAreAccepted(t *testing.T) {
	for _, line := range []string{
		`poll_interval = "100ms"`, `request_timeout = "1ms"`, `rate_limit_share = 1`, `rate_limit_share = 0.01`, `page_size = 1`,
		`page_size = 1000`,
		`initial_lookback = "2160h"`, `initial_lookback = "0s"`, `replay_window = "0s"`, `replay_window = "24h"`,
		`query = "` + strings.Repeat("ö", 40) + ` a b c d e f g h i"`,
	} {
		_, err := evaluate(t, minimal+line)
		require.NoError(t, err, line)
	}
}
