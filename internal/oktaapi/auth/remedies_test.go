package auth

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

func TestRemedyNamesWhatToLookAt(t *testing.T) {
	const role = "You do not have permission to perform the requested action"
	for name, c := range map[string]struct {
		method      string
		status      int
		code, words string
		want        string
	}{
		"an unknown API token":             {"ssws", 401, "E0000011", "Invalid token provided", "create a new one"},
		"a role that may not read the log": {"ssws", 403, "E0000006", "You do not have permission", "role"},
		"a scope missing":                  {"private_key_jwt+dpop", 403, "insufficient_scope", "no", "grant okta.logs.read"},
		"DPoP demanded of a plain client": {
			"private_key_jwt", 400, "invalid_request", "The request is missing a DPoP proof", `set dpop to "auto"`,
		},
		"a 403 of something on the way": {"ssws", 403, "", "Forbidden by the proxy", "network zones"},
		"a revoked API token":           {"ssws", 401, "E0000011", "Invalid token provided", "api_token is not known to Okta"},
		"a revoked token of an app": {
			"private_key_jwt", 401, "E0000011", "Invalid token provided", "check in the System Log whether the app or its tokens were revoked",
		},
		"the role of the admin": {"ssws", 403, "E0000006", role, "create the token as an admin whose role may"},
		"the role of the app": {
			"private_key_jwt+dpop", 403, "E0000006", role, "assign an admin role that may view the System Log to the service app",
		},
		"DPoP demanded by its scheme": {
			"private_key_jwt", 400, "invalid_request", "The resource request must use the DPoP authentication scheme", `set dpop to "auto"`,
		},
		"a 403 without a word":               {"ssws", 403, "", "", "check the role"},
		"a server error":                     {"ssws", 500, "E0000009", "Internal Server Error", ""},
		"a status that nothing is known of":  {"ssws", 418, "", "", "check url, filter and query"},
		"words that look like no challenge":  {"ssws", 404, "", `error=insufficient_scope`, "there is no System Log at it"},
		"an API token at an org that is not": {"ssws", 401, "", "", "belongs to the org"},
	} {
		t.Run(name, func(t *testing.T) {
			class := oktaapi.Refused
			if c.status >= 500 {
				class = oktaapi.Transient
			}
			got := Remedy(c.method, fmt.Errorf("page: %w", &oktaapi.Error{Class: class, Status: c.status, Code: c.code, Summary: c.words}))
			if c.want == "" {
				require.Empty(t, got)
			}
			require.Contains(t, got, c.want)
		})
	}
}

func TestAForeignAnswerBlamesNoFilterAndNoRole(t *testing.T) {
	for _, status := range []int{200, 302, 400, 401, 403, 404, 405, 407, 410, 413, 451} {
		got := Remedy("ssws", &oktaapi.Error{Class: oktaapi.Refused, Status: status, Foreign: true, Host: "acme.okta.com"})
		require.Contains(t, got, "proxy", status)
		for _, not := range []string{"filter", "role", "api_token"} {
			require.NotContains(t, got, not, status)
		}
	}
	err := &oktaapi.Error{Err: &net.DNSError{Err: "no such host", Name: "acme.okta.con", IsNotFound: true}}
	require.Contains(t, Remedy("ssws", err), `check url: there is no host "acme.okta.con"`)
	require.Empty(t, Remedy("ssws", errors.New("connection refused")))
}
