//go:build !race

package oktasim

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

func generated(t *testing.T, n int, o *Org) []gjson.Result {
	t.Helper()
	o.Generate(n, 24*time.Hour)
	var events []gjson.Result
	for _, raw := range o.Events() {
		require.True(t, json.Valid(raw))
		events = append(events, gjson.ParseBytes(raw))
	}
	require.Len(t, events, n)
	return events
}

// longLog is an org with enough events for the rarest type to happen.
var longLog = sync.OnceValue(func() []gjson.Result {
	o := &Org{}
	o.Generate(30_000, 24*time.Hour)
	var events []gjson.Result
	for _, raw := range o.Events() {
		events = append(events, gjson.ParseBytes(raw))
	}
	return events
})

func TestEveryEventTypeHappens(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range longLog() {
		seen[e.Get("eventType").Str] = true
	}
	require.Equal(t, typesIn(everyday), seen)
	require.GreaterOrEqual(t, len(seen), 60)
}

func TestGeneratedEventsHaveOktasShapes(t *testing.T) {
	events := longLog()
	found := map[string]bool{}
	uuids := map[string]bool{}
	sizes := 0
	for _, e := range events {
		requireOktasShape(t, e, uuids)
		sizes += len(e.Raw)

		for name, is := range map[string]bool{
			"WEB":                     e.Get("transaction.type").Str == "WEB",
			"JOB":                     e.Get("transaction.type").Str == "JOB" && e.Get("request.ipChain.#").Int() == 0,
			"outcome null":            e.Get("outcome").Type == gjson.Null,
			"target null":             e.Get("target").Exists() && e.Get("target").Type == gjson.Null,
			"target absent":           !e.Get("target").Exists(),
			"client null":             e.Get("client").Type == gjson.Null,
			"device null":             e.Get("device").Exists() && e.Get("device").Type == gjson.Null,
			"device absent":           !e.Get("device").Exists(),
			"device in snake case":    e.Get("device.os_platform").Exists(),
			"zone is the string null": e.Get("client.zone").Str == "null",
			"nested debugData":        e.Get("debugContext.debugData.originalPrincipal").IsObject(),
			"changeDetails":           e.Get("target.#.changeDetails.from").Exists() && len(e.Get("target.#.changeDetails").Array()) > 0,
			"risk":                    e.Get("securityContext.risk").IsObject(),
			"no risk":                 e.Get("securityContext.asNumber").Exists() && !e.Get("securityContext.risk").Exists(),
			"token id in transaction": e.Get("transaction.detail.requestApiTokenId").Exists(),
			"legacy type null":        e.Get("legacyEventType").Exists() && e.Get("legacyEventType").Type == gjson.Null,
			"geo without city": e.Get("client.geographicalContext.geolocation").Exists() &&
				e.Get("client.geographicalContext.city").Type == gjson.Null,
			"beyond ASCII": strings.ContainsFunc(e.Raw, func(r rune) bool { return r > 0x7f }),
			"Admin Console": e.Get("eventType").Str == "policy.evaluate_sign_on" &&
				e.Get(`target.#(displayName=="Okta Admin Console")`).Exists(),
			"proxy": e.Get("securityContext.isProxy").Bool() && e.Get("eventType").Str == "user.session.start",
		} {
			found[name] = found[name] || is
		}
	}
	for name, is := range found {
		require.True(t, is, name)
	}
	average := sizes / len(events)
	require.Greater(t, average, 1200)
	require.Less(t, average, 2150) // 2.1 KiB
}

func TestTheWorldHangsTogether(t *testing.T) {
	country := map[string]string{}
	name := map[string]string{}
	transactions := map[string]int{}
	for _, e := range generated(t, 5_000, &Org{}) {
		if ip := e.Get("client.ipAddress").Str; ip != "" && e.Get("client.geographicalContext.country").Exists() {
			prefix := ip[:min(len(ip), 9)]
			where := e.Get("client.geographicalContext.country").Str
			require.Equal(t, where, orSet(country, prefix, where), "one network, one country")
		}
		if a := e.Get("actor"); a.Get("type").Str == "User" && a.Get("id").Str != "unknown" {
			require.Equal(t, a.Get("displayName").Str, orSet(name, a.Get("id").Str, a.Get("displayName").Str))
		}
		transactions[e.Get("transaction.id").Str]++
	}
	several := 0
	for _, n := range transactions {
		if n > 1 {
			several++
		}
	}
	require.Greater(t, several, len(transactions)/10, "transactions emit several events")
}

func orSet(m map[string]string, key, value string) string {
	if _, ok := m[key]; !ok {
		m[key] = value
	}
	return m[key]
}

// Targets are told apart by their types: Okta promises no order.
func TestTargetsComeInBothOrders(t *testing.T) {
	first := map[string]bool{}
	for _, e := range longLog() {
		if e.Get("eventType").Str == "user.authentication.sso" {
			first[e.Get("target.0.type").Str] = true
		}
	}
	require.Equal(t, map[string]bool{"AppInstance": true, "AppUser": true}, first)
}
