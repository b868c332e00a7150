package oktaapi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOrgURLIsNormalized(t *testing.T) {
	cases := map[string]struct {
		in, want string
		notes    []string // a piece of each note, in order
	}{
		"as it should be":           {in: "https://acme.okta.com", want: "https://acme.okta.com"},
		"bare domain":               {in: "acme.okta.com", want: "https://acme.okta.com"},
		"spaces and a newline":      {in: "  https://acme.okta.com\n", want: "https://acme.okta.com"},
		"trailing slash":            {in: "https://acme.okta.com/", want: "https://acme.okta.com"},
		"trailing dot":              {in: "https://acme.okta.com.", want: "https://acme.okta.com"},
		"upper case":                {in: "HTTPS://ACME.Okta.COM", want: "https://acme.okta.com"},
		"the System Log's path":     {in: "https://acme.okta.com/api/v1/logs", want: "https://acme.okta.com", notes: []string{`"/api/v1/logs"`}},
		"bare domain with the path": {in: "acme.okta.com/api/v1/logs/", want: "https://acme.okta.com", notes: []string{`"/api/v1/logs/"`}},
		"the Admin Console's page": {
			in: "https://acme-admin.okta.com/admin/dashboard", want: "https://acme.okta.com",
			notes: []string{"instead of the Admin Console's host acme-admin.okta.com", `"/admin/dashboard"`},
		},
		"the Admin Console's host": {in: "ACME-admin.okta.com", want: "https://acme.okta.com", notes: []string{"using acme.okta.com"}},
		"admin host of preview": {
			in: "https://acme-admin.oktapreview.com", want: "https://acme.oktapreview.com", notes: []string{"using acme.oktapreview.com"},
		},
		"admin host of emea": {
			in: "https://acme-admin.okta-emea.com", want: "https://acme.okta-emea.com", notes: []string{"using acme.okta-emea.com"},
		},
		"preview":    {in: "https://acme.oktapreview.com", want: "https://acme.oktapreview.com"},
		"emea":       {in: "acme.okta-emea.com", want: "https://acme.okta-emea.com"},
		"government": {in: "acme.okta-gov.com", want: "https://acme.okta-gov.com"},
		"a test org": {
			in: "acme-admin.trex-govcloud.com", want: "https://acme.trex-govcloud.com", notes: []string{"using acme.trex-govcloud.com"},
		},
		"military":                   {in: "acme.okta.mil", want: "https://acme.okta.mil"},
		"free org":                   {in: "https://integrator-1234567.okta.com", want: "https://integrator-1234567.okta.com"},
		"custom domain":              {in: "https://login.example.com", want: "https://login.example.com"},
		"custom domain named admin":  {in: "https://login-admin.example.com", want: "https://login-admin.example.com"},
		"tenant whose name is admin": {in: "https://admin.okta.com", want: "https://admin.okta.com"},
		"a port":                     {in: "https://acme.okta.com:8443/", want: "https://acme.okta.com:8443"},
		"a port without a scheme":    {in: "acme.okta.com:8443", want: "https://acme.okta.com:8443"},
		"the default port":           {in: "https://acme.okta.com:443", want: "https://acme.okta.com"},
		"http to loopback":           {in: "http://localhost:8080/", want: "http://localhost:8080"},
		"http to 127.0.0.0/8":        {in: "http://127.1.2.3:8080", want: "http://127.1.2.3:8080"},
		"http to IPv6 loopback":      {in: "http://[::1]:8080", want: "http://[::1]:8080"},
		"http to a name of loopback": {in: "http://okta.localhost", want: "http://okta.localhost"},
		"http's default port":        {in: "http://localhost:80", want: "http://localhost"},
		"IPv6":                       {in: "https://[2001:DB8::1]", want: "https://[2001:db8::1]"},
		"an internal name":           {in: "https://okta-mock:8443", want: "https://okta-mock:8443"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			org, notes, err := ParseOrg(tc.in)
			require.NoError(t, err)
			require.Equal(t, tc.want, org.String())
			require.Len(t, notes, len(tc.notes), "%q", notes)
			for i, piece := range tc.notes {
				require.Contains(t, notes[i], piece)
			}
			again, notes, err := ParseOrg(org.String())
			require.NoError(t, err)
			require.Empty(t, notes)
			require.Equal(t, org, again, "what comes out goes in again")
		})
	}
}

func TestOrgURLIsRefusedWithWhatToWrite(t *testing.T) {
	cases := map[string]struct{ in, why, write string }{
		"empty":                            {"", "is empty", "https://acme.okta.com"},
		"only space":                       {" \t\n", "is empty", "https://acme.okta.com"},
		"no host":                          {"https://", "names no host", "https://acme.okta.com"},
		"only a path":                      {"/api/v1/logs", "names no host", "https://acme.okta.com"},
		"user info":                        {"https://admin:hunter2@acme.okta.com", "user info", "https://acme.okta.com"},
		"user info, no scheme":             {"admin:hunter2@acme.okta.com:8443", "user info", "https://acme.okta.com:8443"},
		"token as user":                    {"https://hunter2@acme.okta.com/", "user info", "https://acme.okta.com"},
		"user info with a slash in it":     {"https://admin:hunter2/x@acme.okta.com", "user info", "https://acme.okta.com"},
		"user info that looks like a path": {"https://ad/min:hunter2@acme.okta.com", "user info", "https://acme.okta.com"},
		"user info with a question mark":   {"https://admin:a?hunter2@acme.okta.com", "user info", "https://acme.okta.com"},
		"user info with a number sign":     {"https://admin:a#hunter2@acme.okta.com", "user info", "https://acme.okta.com"},
		"user info with braces":            {"https://admin:{hunter2}@acme.okta.com", "user info", "https://acme.okta.com"},
		"user info with a bad escape":      {"https://admin:%zhunter2@acme.okta.com", "user info", "https://acme.okta.com"},
		"user info over http":              {"http://admin:hunter2@acme.okta.com", "user info", "https://acme.okta.com"},
		"a query":                          {"https://acme.okta.com/api/v1/logs?token=hunter2", "holds a query", "https://acme.okta.com"},
		"an empty query":                   {"https://acme.okta.com?", "holds a query", "https://acme.okta.com"},
		"a query on loopback":              {"http://localhost:8080/?token=hunter2", "holds a query", `"http://localhost:8080"`},
		"a fragment":                       {"https://acme.okta.com/#hunter2", "holds a fragment", "https://acme.okta.com"},
		"ftp":                              {"ftp://acme.okta.com", `scheme "ftp"`, "https://acme.okta.com"},
		"file":                             {"file:///etc/passwd", "names no host", "https://acme.okta.com"},
		"plain http":                       {"http://acme.okta.com/", "in clear", "https://acme.okta.com"},
		"plain http, private":              {"http://10.0.0.1:8080", "in clear", "https://10.0.0.1:8080"},
		"loopback as a label":              {"http://localhost.example.com", "in clear", "https://localhost.example.com"},
		"double quotes":                    {`"https://acme.okta.com"`, "quotation marks", "https://acme.okta.com"},
		"single quotes":                    {`'acme.okta.com'`, "quotation marks", "https://acme.okta.com"},
		"backquotes":                       {"`https://acme.okta.com`", "quotation marks", "https://acme.okta.com"},
		"quotes of a text processor":       {"“https://acme.okta.com”", "quotation marks", "https://acme.okta.com"},
		"a quote at the end alone":         {`https://acme.okta.com"`, "quotation marks", "https://acme.okta.com"},
		"quotes around space":              {`" "`, "quotation marks", "https://acme.okta.com"},
		"placeholder":                      {"https://{yourOktaDomain}", "placeholder", "https://acme.okta.com"},
		"shell placeholder":                {"https://${OKTA_ORG}.okta.com", "placeholder", "https://acme.okta.com"},
		"angle placeholder":                {"https://<tenant>.okta.com", "placeholder", "https://acme.okta.com"},
		"doubled suffix":                   {"https://acme.okta.com.com", ".com.com", "https://acme.okta.com"},
		"no tenant":                        {"https://okta.com", "lacks the tenant", "https://acme.okta.com"},
		"no tenant, preview":               {"oktapreview.com", "lacks the tenant", "https://acme.oktapreview.com"},
		"tenant alone":                     {"acme", "tenant's name alone", "https://acme.okta.com"},
		"space in the host":                {"https://acme okta.com", "invalid character", "https://acme.okta.com"},
		"underscore in the host":           {"https://ac_me.okta.com", "invalid host", "https://acme.okta.com"},
		"international name":               {"https://öcme.example.com", "invalid host", "https://acme.okta.com"},
		"empty label":                      {"https://acme..okta.com", "invalid host", "https://acme.okta.com"},
		"port out of range":                {"https://acme.okta.com:70000", "port 70000", "https://acme.okta.com"},
		"port zero":                        {"https://acme.okta.com:0", "port 0", "https://acme.okta.com"},
		"port in words":                    {"https://acme.okta.com:https", "invalid port", "https://acme.okta.com"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			org, notes, err := ParseOrg(tc.in)
			require.Nil(t, org)
			require.Empty(t, notes)
			require.ErrorContains(t, err, tc.why)
			require.ErrorContains(t, err, tc.write)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func FuzzParseOrg(f *testing.F) {
	for _, s := range []string{"acme.okta.com", "https://acme-admin.okta.com:443/x?y#z", "http://[::1]:80", "a@b", "https://u:p/w@h", "%zz",
		"https://:0", ".."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		org, notes, err := ParseOrg("https://user:hunter2" + s + "@acme.okta.com")
		require.Nil(t, org)
		require.Error(t, err)
		require.NotContains(t, err.Error()+strings.Join(notes, ""), "hunter2")

		if org, _, err = ParseOrg(s); err != nil {
			return
		}
		require.Contains(t, []string{"https", "http"}, org.Scheme)
		require.True(t, org.Scheme == "https" || IsLoopback(org.Hostname()), "%s", org)
		require.Equal(t, org.Scheme+"://"+org.Host, org.String(), "scheme and host, nothing else")
		again, _, err := ParseOrg(org.String())
		require.NoError(t, err)
		require.Equal(t, org.String(), again.String())
	})
}
