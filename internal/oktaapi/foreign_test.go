package oktaapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnAnswerThatIsNotOktasIsTold(t *testing.T) {
	id := map[string]string{"X-Okta-Request-Id": "req1"}
	const html = "<html><h1>Blocked</h1></html>"
	for name, tc := range map[string]struct {
		status  int
		header  map[string]string
		body    string
		foreign bool
		class   Class
	}{
		"proxy wants credentials":    {407, nil, html, true, Refused},
		"method":                     {405, nil, "", true, Refused},
		"gone":                       {410, nil, "", true, Refused},
		"too large":                  {413, nil, html, true, Refused},
		"legal reasons":              {451, nil, html, true, Refused},
		"400 of HTML":                {400, nil, html, true, Refused},
		"403 of HTML":                {403, nil, html, true, Refused},
		"JSON of its own":            {404, nil, `{"error":"not found"}`, true, Refused},
		"JSON with an error_code":    {403, nil, `{"errorCode":"WAF-1","errorSummary":"no"}`, true, Refused},
		"bad gateway":                {502, nil, html, true, Transient},
		"captive portal":             {200, nil, html, true, Transient},
		"another API's 200":          {200, nil, `{"status":"ok"}`, true, Transient},
		"Okta's, by its id":          {403, id, html, false, Refused},
		"Okta's, by its code":        {403, nil, `{"errorCode":"E0000006"}`, false, Refused},
		"Okta's, by its OAuth error": {401, nil, `{"error":"invalid_token"}`, false, Refused},
		"Okta's, by its challenge":   {403, map[string]string{"WWW-Authenticate": `Bearer error="insufficient_scope"`}, "", false, Refused},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := serve(t, answerWith(tc.status, tc.header, tc.body))
				for _, cur := range []Cursor{s.Start(time.Now()), "http://localhost/api/v1/logs?after=1"} {
					_, err := s.Fetch(t.Context(), cur)
					e := asError(t, err)
					require.Equal(t, tc.foreign, e.Foreign)
					require.Equal(t, tc.class, e.Class)
					if tc.foreign {
						require.ErrorContains(t, err, "something between us and Okta answered")
						require.ErrorContains(t, err, "localhost")
					}
				}
			})
		})
	}
}
