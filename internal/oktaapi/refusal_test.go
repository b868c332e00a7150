package oktaapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARefusalIsReadInAllOfOktasShapes(t *testing.T) {
	const scope = `Bearer authorization_uri="http://acme/oauth2/v1/authorize", realm="http://acme", scope="okta.logs.read", ` +
		`error="insufficient_scope", error_description="The access token provided does not contain the required scopes.", ` +
		`resource="/api/v1/logs"`
	for name, c := range map[string]struct {
		challenge, body string
		want            Refusal
	}{
		"API": {
			"", `{"errorCode":"E0000031","errorSummary":"Invalid.","errorId":"i","errorCauses":[{"errorSummary":"x"},{"errorSummary":"Invalid."}]}`,
			Refusal{Code: "E0000031", Description: "Invalid.; x", ID: "i"},
		},
		"OAuth": {
			"", `{"error":"invalid_client","error_description":"unknown","errorId":"i"}`,
			Refusal{Code: "invalid_client", Description: "unknown", ID: "i", oauth: true},
		},
		"a challenge": {
			scope, "", Refusal{
				Code: "insufficient_scope", Description: "The access token provided does not contain the required scopes.", oauth: true,
			},
		},
		"the body comes first": {
			scope, `{"errorCode":"E0000006","errorSummary":"no"}`, Refusal{Code: "E0000006", Description: "no"},
		},
		"a challenge without error": {"Basic realm=x", "<html>", Refusal{Description: "Basic realm=x", Foreign: true}},
		"nothing":                   {"", "", Refusal{Foreign: true}},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			if c.challenge != "" {
				h.Set("WWW-Authenticate", c.challenge)
			}
			require.Equal(t, c.want, ReadRefusal(h, []byte(c.body)))
		})
	}
}
