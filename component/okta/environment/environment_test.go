package environment

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/internal/testbed"
)

// site is a component with a file, what it exported last, and what it logged.
type site struct {
	*Component
	file string

	log testbed.Log

	mut     sync.Mutex
	exports []Exports
}

func (s *site) orgs() string {
	s.mut.Lock()
	defer s.mut.Unlock()
	return s.exports[len(s.exports)-1].Orgs.String()
}

func newSite(t *testing.T, list string, variables map[string]string) (*site, error) {
	t.Helper()
	s := &site{file: filepath.Join(t.TempDir(), "tenants-credentials.yml")}
	s.put(t, list)
	opts := component.Options{Logger: slog.New(slog.NewTextHandler(&s.log, nil)), OnStateChange: func(e component.Exports) {
		s.mut.Lock()
		defer s.mut.Unlock()
		s.exports = append(s.exports, e.(Exports))
	}}
	var err error
	s.Component, err = newComponent(opts, func(name string) string {
		if name == "TENANTS_FILE" && variables[name] == "" {
			return s.file
		}
		return variables[name]
	})
	return s, err
}

func (s *site) put(t *testing.T, list string) {
	t.Helper()
	require.NoError(t, os.WriteFile(s.file, []byte(list), 0o600))
}

const (
	acme   = "tenants_credentials:\n  - okta_domain: acme.okta.com\n    okta_api_key: 00hunter2acme\n"
	two    = acme + "  - okta_domain: beta.okta.com\n    okta_api_key: 00hunter2beta\n"
	noOrgs = "tenants_credentials: []\n"
)

func TestTheOrgsAreThatOfTheVariablesAndThoseOfTheFile(t *testing.T) {
	own := map[string]string{"OKTA_URL": "https://own.okta.com", "API_KEY": "00hunter2own"}
	for name, c := range map[string]struct {
		list      string
		variables map[string]string
		want      string
		healthy   bool
	}{
		"both":                    {two, own, "[https://own.okta.com, acme.okta.com, beta.okta.com]", true},
		"the file":                {two, nil, "[acme.okta.com, beta.okta.com]", true},
		"the variables":           {noOrgs, own, "[https://own.okta.com]", true},
		"a file without a value":  {"tenants_credentials:\n", own, "[https://own.okta.com]", true},
		"an empty file":           {"", own, "[https://own.okta.com]", true},
		"a file of comments":      {"# tenants_credentials:\n#   - none\n", own, "[https://own.okta.com]", true},
		"neither":                 {noOrgs, nil, "[]", false},
		"neither, an empty file":  {"", nil, "[]", false},
		"a URL of space":          {acme, map[string]string{"OKTA_URL": " "}, "[acme.okta.com]", true},
		"a URL that is no URL":    {acme, map[string]string{"OKTA_URL": `"own.okta.com"`}, "[OKTA_URL, acme.okta.com]", true},
		"an entry that is no org": {acme + "  - 7\n", own, "[https://own.okta.com, acme.okta.com, an entry without name and url]", true},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := newSite(t, c.list, c.variables)
			require.NoError(t, err)
			require.Equal(t, c.want, s.orgs())
			require.Equal(t, c.healthy, s.CurrentHealth().Health == component.HealthTypeHealthy)
			if !c.healthy {
				require.Contains(t, s.CurrentHealth().Message, "OKTA_URL is empty")
				require.Contains(t, s.log.String(), "there is no org to collect")
			}
		})
	}
}

// A start that fails exports what collects nothing and sends nothing in clear: other components are built with it.
func TestAStartThatFailsOpensNothing(t *testing.T) {
	for name, c := range map[string]struct {
		list      string
		variables map[string]string
		want      string
	}{
		"a variable":          {two, map[string]string{"SANITIZE_USER_IDENTITY": "yes", "LOKI_URL": "http://loki:3100"}, "SANITIZE_USER_IDENTITY"},
		"several":             {two, map[string]string{"SANITIZE_USER_IDENTITY": "yes", "PAGE_SIZE": "x"}, "PAGE_SIZE is \"x\": it must be a number from 1 to 1000; SANITIZE_USER_IDENTITY"},
		"a file that is none": {two, map[string]string{"TENANTS_FILE": "/no/such.yml"}, "TENANTS_FILE cannot be read: open /no/such.yml: no such file"},
		"a folder":            {two, map[string]string{"TENANTS_FILE": "/"}, "TENANTS_FILE cannot be read: read /: is a directory"},
		"two documents":       {two + "---\n" + two, nil, "which TENANTS_FILE names: the list of orgs has several YAML documents"},
		"a file cut off":      {two + "  - okta_do", map[string]string{"OKTA_URL": "a.okta.com"}, ""},
		"no YAML":             {two + "  okta_api_key 00hunter2\n", nil, "the list of orgs is not YAML: line "},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := newSite(t, c.list, c.variables)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "\n")
			requireNoneOfOurs(t, err.Error())
			require.Equal(t, []Exports{{
				Orgs: okta.Orgs{}, Destination: "stdout", PollInterval: "1m0s", InitialLookback: "1h0m0s", RequestTimeout: "1m0s",
				PageSize: 1000, RedactPresets: []string{"user_identity"}, LogLevel: "info",
			}}, s.exports)
		})
	}
}

func TestTheFileIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newSite(t, acme, nil)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = s.Run(ctx) })
		defer running.Wait()
		defer stop()
		after := func(looks int) {
			time.Sleep(time.Duration(looks)*lookInterval + time.Millisecond)
			synctest.Wait()
		}
		require.Equal(t, "[acme.okta.com]", s.orgs())

		s.put(t, "") // it is written anew
		after(1)
		require.Len(t, s.exports, 1, "an empty file counts once it was seen twice, too")

		s.put(t, two)
		after(1)
		require.Equal(t, "[acme.okta.com]", s.orgs(), "it may be written just now")
		after(1)
		require.Equal(t, "[acme.okta.com, beta.okta.com]", s.orgs())

		s.put(t, acme) // half of it is written
		after(1)
		s.put(t, two)
		after(3)
		require.Equal(t, "[acme.okta.com, beta.okta.com]", s.orgs())
		require.Len(t, s.exports, 2, "nobody was told of the half")

		s.put(t, two+"---\n"+acme)
		after(5)
		require.Equal(t, "[acme.okta.com, beta.okta.com]", s.orgs())
		require.Equal(t, component.HealthTypeUnhealthy, s.CurrentHealth().Health)
		require.Contains(t, s.CurrentHealth().Message, "several YAML documents")
		require.Equal(t, 1, strings.Count(s.log.String(), "the one before stays"), "said once")

		require.NoError(t, os.Remove(s.file))
		after(3)
		require.Contains(t, s.CurrentHealth().Message, "no such file")
		require.Equal(t, 2, strings.Count(s.log.String(), "the one before stays"))

		s.put(t, acme)
		after(2)
		require.Equal(t, "[acme.okta.com]", s.orgs())
		require.Equal(t, component.HealthTypeHealthy, s.CurrentHealth().Health)

		require.NoError(t, os.Remove(s.file))
		after(1)
		require.Equal(t, component.HealthTypeUnhealthy, s.CurrentHealth().Health)
		s.put(t, acme)
		after(2)
		require.Equal(t, component.HealthTypeHealthy, s.CurrentHealth().Health, "as it was before")
		require.NotContains(t, s.log.String(), "hunter2")
	})
}
