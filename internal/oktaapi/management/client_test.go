package management_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
	"github.com/grafana/alloy/okta/internal/oktaapi/management"
)

// A gateway may take Okta's request id out of answers: then they are Okta's by what they are, and what else answers is told.
func TestAnswersWithoutARequestID(t *testing.T) {
	const html, other = "<html><h1>Sign in</h1></html>", `{"status":"ok"}`
	type answer struct {
		ID string `json:"id"`
	}
	list := func(c *management.Client) error {
		var all []answer
		_, _, err := c.Get(t.Context(), management.Users, c.URL(nil, "api/v1/users"), &all)
		return err
	}
	object := func(c *management.Client) error {
		var one answer
		_, _, err := c.GetObject(t.Context(), management.Users, c.URL(nil, "api/v1/users/00u"), "id", &one)
		return err
	}
	for name, tc := range map[string]struct {
		ask     func(c *management.Client) error
		body    string
		wrong   bool
		foreign bool // without a request id
	}{
		"a list":                   {list, `[{"id":"00u"}]`, false, false},
		"an empty list":            {list, ` []`, false, false},
		"an object":                {object, ` {"id":"00u"}`, false, false},
		"a list for an object":     {object, `[{"id":"00u"}]`, true, true},
		"an object for a list":     {list, `{"id":"00u"}`, true, true},
		"another API's":            {object, other, true, true},
		"another API's, no list":   {list, other, true, true},
		"HTML":                     {object, html, true, true},
		"HTML for a list":          {list, html, true, true},
		"nothing":                  {object, "", true, true},
		"of another type":          {object, `{"id":7}`, true, false},
		"a list of another type":   {list, `[{"id":7}]`, true, false},
		"a list without an end":    {list, `[{"id":"00u"}`, true, false},
		"an object without an end": {object, `{"id":"00u"`, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, id := range []string{"", "req-7"} {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if id != "" {
						w.Header().Set("X-Okta-Request-Id", id)
					}
					_, _ = w.Write([]byte(tc.body))
				}))
				defer server.Close()
				err := tc.ask(clientOf(t, server.URL))
				if !tc.wrong {
					require.NoError(t, err)
					continue
				}
				var e *oktaapi.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, tc.foreign && id == "", e.Foreign)
				require.Equal(t, oktaapi.Transient, e.Class)
				require.Equal(t, !e.Foreign, management.OfOne(err))
				if e.Foreign {
					require.ErrorContains(t, err, "something between us and Okta answered 200 for 127.0.0.1")
				}
			}
		})
	}
}

func clientOf(t *testing.T, url string) *management.Client {
	t.Helper()
	org, _, err := oktaapi.ParseOrg(url)
	require.NoError(t, err)
	token, err := auth.NewSSWS("s3cret")
	require.NoError(t, err)
	var budgets oktaapi.Budgets
	return management.New(oktaapi.Config{Org: org, Auth: token}, budgets.For)
}
