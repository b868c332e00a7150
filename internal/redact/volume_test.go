//go:build !race

package redact

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAddresses puts each address in each spelling into texts that stay, and nothing but the address goes.
func TestAddresses(t *testing.T) {
	for _, address := range addresses {
		for spelling, spell := range spellings {
			for _, text := range []string{
				"mail sent to <%s>", "no user %s, sorry", "mailto:%s", "/api/v1/users/%s?limit=1", "/api?login=%s&limit=1", "/api?%s=1", "login=%s;x",
				"list: [%s, x]", "%s", "'%s'", "to:%s.", "(%s)",
			} {
				if strings.ContainsAny(text, "=?") && strings.Contains(address, "kari&") && !strings.Contains(spell("&"), "%") {
					continue // & is between parameters there
				}
				t.Run(address+" "+spelling+" "+text, func(t *testing.T) {
					spelled := fmt.Sprintf(text, spell(address))
					for place, event := range map[string]string{
						"message":   `{"displayMessage":%s}`,
						"reason":    `{"outcome":{"result":"FAILURE","reason":%s}}`,
						"Okta's":    `{"outcome":{"result":%s}}`,
						"harmless":  `{"debugContext":{"debugData":{"requestUri":%s}}}`,
						"thing":     `{"target":[{"type":"AppInstance","displayName":%s}]}`,
						"in a list": `{"securityContext":{"risk":{"reasons":[%s]}}}`,
						"open":      `{"debugContext":{"debugData":{"behaviors":%s}}}`,
						"open name": `{"debugContext":{"debugData":{"behaviors":{%s:"POSITIVE"}}}}`,
					} {
						raw := fmt.Sprintf(event, quoted(spelled))
						want := fmt.Sprintf(event, quoted(fmt.Sprintf(text, mask)))
						require.Equal(t, want, string(redacted(t, Options{}, []byte(raw))), place)
					}
				})
			}
		}
	}
}

// TestAddressesAreInNoName has them for member names, also in JSON inside strings and in such as was cut off.
func TestAddressesAreInNoName(t *testing.T) {
	for _, address := range addresses {
		for _, spell := range spellings {
			name := quoted(spell(address))
			for _, o := range everyRedaction() {
				for _, event := range []string{
					`{"debugContext":{"debugData":{%s:true}}}`, `{"actor":{"detailEntry":{"new":{%s:{"id":"1"}}}}}`, `{%s:[]}`,
					`{"target":[{"changeDetails":{"from":{%s:null},"to":{"profile":{%[1]s:1}}}}]}`,
				} {
					requireGone(t, o, fmt.Sprintf(event, name), inJSON(spell(address)))
				}
				inner := fmt.Sprintf(`{"a":{%s:"POSITIVE"}}`, name)
				twice := fmt.Sprintf(`{"b":%s}`, quoted(inner))
				for _, inside := range []string{inner, twice, inner[:len(inner)-1]} {
					requireGone(t, o, fmt.Sprintf(`{"debugContext":{"debugData":{"requestUri":%s}}}`, quoted(inside)), inJSON(inJSON(spell(address))))
				}
			}
		}
	}
}

func TestNobodyIsAMembersName(t *testing.T) {
	for _, who := range peoplesNames {
		for _, spelled := range []string{string(quoted(who)), fmt.Sprintf(`"\u%04x%s`, []rune(who)[0], quoted(who[len(string([]rune(who)[0])):])[1:])} {
			for _, value := range []string{"true", `"admin"`, "null", `{"type":"AppInstance","displayName":"Payroll"}`} {
				for _, where := range mapsOfAnything {
					raw := fmt.Sprintf(where, spelled+":"+value)
					for _, o := range everyRedaction() {
						got := redacted(t, o, []byte(raw))
						requireNowhere(t, got, who)
					}
				}
			}
			for _, text := range []string{`{%s:1}`, `{"a":[{"b":{%s:{}}}]}`, `[{%s:"x"},{%[1]s:null}]`} {
				inside := fmt.Sprintf(text, spelled)
				for _, in := range []string{inside, fmt.Sprintf(`{"c":%s}`, quoted(inside)), fmt.Sprintf(`{"d":%s}`, quoted(fmt.Sprintf(`[%s]`, quoted(inside))))} {
					for _, member := range []string{"logOnlySecurityData", "requestUri", "unheardOf"} {
						raw := fmt.Sprintf(`{"debugContext":{"debugData":{%q:%s}},"displayMessage":%s}`, member, quoted(in), quoted("for "+who))
						for _, o := range everyRedaction() {
							requireNowhere(t, redacted(t, o, []byte(raw)), who)
						}
					}
				}
			}
		}
	}
}
