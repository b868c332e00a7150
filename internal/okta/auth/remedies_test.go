package auth

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAdviceNamesWhatToLookAt(t *testing.T) {
	for name, c := range map[string]struct {
		method      string
		status      int
		code, words string
		want        string
	}{
		"an unknown API token":               {"ssws", 401, "E0000011", "Invalid token provided", "create a new one"},
		"a role that may not read the log":   {"ssws", 403, "E0000006", "You do not have permission", "role"},
		"a scope missing, told in a header":  {"private_key_jwt+dpop", 403, "", `Bearer error="insufficient_scope", error_description="no"`, "grant okta.logs.read"},
		"DPoP demanded of a plain client":    {"private_key_jwt", 400, "invalid_request", "The request is missing a DPoP proof", `set dpop to "auto"`},
		"a 403 of something on the way":      {"ssws", 403, "", "Forbidden by the proxy", "network zones"},
		"a status that nothing is known of":  {"ssws", 418, "", "", ""},
		"words that look like no challenge":  {"ssws", 404, "", `error=insufficient_scope`, ""},
		"an API token at an org that is not": {"ssws", 401, "", "", "belongs to the org"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Advice(c.method, c.status, c.code, c.words)
			if c.want == "" {
				require.Empty(t, got)
			}
			require.Contains(t, got, c.want)
		})
	}
}
