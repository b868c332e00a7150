package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"github.com/grafana/alloy/okta/detections"
	"github.com/grafana/alloy/okta/internal/event"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// TestNoRuleFailsInALargeAttack has 5,000 users attacked within ten minutes, each as in testdata/large-attack.txt, in this order, and a
// Loki with its default limits for queries evaluate all rules, each in one piece, as its ruler does: none is refused, and those about each
// user find a hundred. Without topk they are refused, for their result has more than 500 series.
func TestNoRuleFailsInALargeAttack(t *testing.T) {
	t.Parallel()
	const users = 5000
	loki := &testbed.Loki{Bin: program(t, "loki"), Dir: t.TempDir(), Whole: true}
	runLoki(t, loki)
	formatter, err := event.New(event.Options{Org: "acme.okta.com"})
	require.NoError(t, err)
	pushDay(t, loki, formatter, eventsOfUsers(t, "testdata/large-attack.txt", users, time.Now().Add(-12*time.Minute), 10*time.Minute))

	rules, err := detections.Rules(os.DirFS("../detections/rules"))
	require.NoError(t, err)
	sigma, err := detections.SigmaRules(os.DirFS("../detections/sigma/rules"))
	require.NoError(t, err)
	found := map[string]int{}
	for _, rule := range append(rules, sigma...) {
		answer := ask(t, loki, rule.Query, time.Now())
		require.Equalf(t, "success", gjson.Get(answer, "status").String(), "%s: %s", rule.Name, answer)
		found[rule.Alert()] = len(gjson.Get(answer, "data.result").Array())
	}
	for _, name := range []string{
		"OktaUserSessionStartViaAnonymisedProxy", "OktaPasswordInAlternateidField", "OktaProxyAndNewDevice", "OktaSuspectedSignInAllowed",
		"OktaUserRiskHigh", "OktaSessionInTwoCountries", "OktaSessionOnTwoSystems", "OktaResetThenStrangeSignIn",
		"OktaSuspiciousActivityEnduserReport",
		"OktaAdminConsoleNewDevice", "OktaUserAccountLockedOut",
	} {
		require.Equal(t, 100, found[name], name)
	}
	require.Equal(t, 1, found["OktaManyUsersLockedOut"])
	require.Equal(t, 1, found["OktaManyMfaResets"])
	for _, rule := range rules {
		if rule.Alert() == "OktaProxyAndNewDevice" {
			all := strings.TrimSuffix(strings.TrimPrefix(rule.Query, "topk(100,"), ")")
			require.Contains(t, ask(t, loki, all, time.Now()), "maximum number of series (500)")
		}
	}
}

// eventsOfUsers has each of so many users do what a file says, in this order, one user after the other within a time. What a line leaves
// out, such as the actor, is the user's.
func eventsOfUsers(t *testing.T, file string, users int, begin time.Time, within time.Duration) (events [][]byte) {
	t.Helper()
	lines, err := os.ReadFile(file)
	require.NoError(t, err)
	for user := range users {
		for i, members := range strings.Split(strings.TrimSpace(string(lines)), "\n") {
			members = strings.ReplaceAll(members, "%[1]d", fmt.Sprint(user))
			for member, value := range map[string]string{
				"actor": fmt.Sprintf(`{"id":"00u%d","alternateId":"user%d@acme.example"}`, user, user),
				"client": fmt.Sprintf(`{"ipAddress":"203.0.%d.%d","geographicalContext":{"country":"Netherlands"},`+
					`"userAgent":{"os":"Mac OS X"}}`, user/250, user%250),
				"securityContext":       `{"isProxy":true,"asNumber":64496}`,
				"authenticationContext": fmt.Sprintf(`{"externalSessionId":"idx%d"}`, user),
				"transaction":           fmt.Sprintf(`{"id":"tx%d"}`, user),
			} {
				if !strings.Contains(members, `"`+member+`"`) {
					members += fmt.Sprintf(`,%q:%s`, member, value)
				}
			}
			at := begin.Add(time.Duration(user)*within/time.Duration(users) + time.Duration(i)*time.Millisecond)
			events = append(events, fmt.Appendf(nil, `{"uuid":"%08d-%04d-%s","published":%q,%s}`, user, i, file[len("testdata/"):],
				at.UTC().Format("2006-01-02T15:04:05.000Z"), members))
		}
	}
	return events
}

// ask is the answer of Loki to a metric query at one moment.
func ask(t *testing.T, loki *testbed.Loki, query string, at time.Time) string {
	t.Helper()
	resp, err := http.Get(loki.URL() + "/loki/api/v1/query?" + url.Values{
		"query": {query}, "time": {strconv.FormatInt(at.UnixNano(), 10)},
	}.Encode())
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(body)
}
