package oktasim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const sample = `{"eventType":"user.session.start","severity":"WARN","displayMessage":"User login to Okta",
"outcome":{"result":"FAILURE","reason":null},
"actor":{"alternateId":"zoe@acme.example","displayName":"Zoë \"Z\" Müller"},"securityContext":{"asNumber":64501,"isProxy":true},
"target":[{"type":"User","id":"00u1"},{"type":"AppInstance","id":"0oa2","displayName":"Okta Admin Console"}],
"debugContext":{"debugData":{"threatSuspected":"false","requestId":"ab-cd"}}}`

func TestFiltersHoldAsInScim(t *testing.T) {
	for filter, want := range map[string]bool{
		`eventType eq "user.session.start"`:                               true,
		`event_type eq "user.session.start"`:                              true,
		`eventType EQ "user.session.end"`:                                 false,
		`eventType ne "user.session.end"`:                                 true,
		`eventType sw "user." and outcome.result eq "FAILURE"`:            true,
		`eventType ew ".start"`:                                           true,
		`displayMessage co "login"`:                                       true,
		`target.type eq "AppInstance"`:                                    true,
		`target.id eq "00u1" and target.id eq "0oa2"`:                     true,
		`target.id ne "00u1"`:                                             false,
		`not (target.type eq "UserGroup")`:                                true,
		`outcome.reason pr`:                                               false,
		`outcome.result pr`:                                               true,
		`outcome.reason eq null`:                                          true,
		`device pr`:                                                       false,
		`severity ge "INFO"`:                                              true,
		`severity lt "WARN"`:                                              false,
		`securityContext.asNumber gt 64500`:                               true,
		`securityContext.asNumber le 9`:                                   false,
		`securityContext.isProxy eq true`:                                 true,
		`debugContext.debugData.threatSuspected eq "false"`:               true,
		`actor.displayName eq "Zoë \"Z\" Müller"`:                         true,
		`eventType eq "a" or eventType eq "b" or severity eq "WARN"`:      true,
		`eventType eq "a" and severity eq "WARN" or severity eq "WARN"`:   true,
		`eventType eq "a" and (severity eq "WARN" or severity eq "WARN")`: false,
		`(eventType sw "user") AND NOT severity eq "DEBUG"`:               true,
	} {
		t.Run(filter, func(t *testing.T) {
			f, e := parseFilter(filter)
			require.Nil(t, e)
			require.Equal(t, want, f([]byte(sample)))
		})
	}
}

func TestBadFiltersAreRefused(t *testing.T) {
	for filter, want := range map[string]string{
		`eventType eqq "a"`: "400 E0000053: Invalid filter 'eventType eqq \"a\"': Unrecognized attribute operator 'eqq' " +
			"at position 10. Expected: eq,co,sw,ew,pr,gt,ge,lt,le,ne",
		`color eq "red"`:                           "400 E0000053: field is not valid: color",
		`published gt "2026-01-01"`:                "400 E0000053: field is not valid: published",
		`target.changeDetails.to eq "a"`:           "400 E0000053: field is not valid: target.changeDetails.to",
		`target[type eq "User"]`:                   "400 E0000053: field is not valid: target[type",
		`eventType eq`:                             "400 E0000053: Invalid filter 'eventType eq': Expected a value at position 12.",
		`eventType eq bare`:                        "400 E0000053: Invalid filter 'eventType eq bare': Expected a value at position 13.",
		`eventType eq "a`:                          "400 E0000053: Invalid filter 'eventType eq \"a': Unterminated string at position 13.",
		`(eventType eq "a"`:                        "400 E0000053: Invalid filter '(eventType eq \"a\"': Missing ')' at position 17.",
		`eventType eq "a" "b"`:                     "400 E0000053: Invalid filter 'eventType eq \"a\" \"b\"': Unexpected '\"b\"' at position 17.",
		`debugContext.debugData.requestUri co "x"`: "400 E0000031: Invalid search criteria.",
	} {
		t.Run(filter, func(t *testing.T) {
			_, e := parseFilter(filter)
			require.NotNil(t, e)
			require.EqualError(t, e, want)
		})
	}
}

func TestKeywordsMatchWholeTokens(t *testing.T) {
	for word, want := range map[string]bool{
		"login": true, "LOGIN": true, "logi": false, "zoë": true, "Müller": true, "zoe@acme.example": true, "acme": true,
		"ab-cd": true, "cd": true, "nobody": false, "64501": true, "eventType": false,
	} {
		require.Equal(t, want, keyword(word)([]byte(sample)), word)
	}
}
