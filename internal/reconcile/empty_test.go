package reconcile

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Only an answer says that there is nothing.
func TestEmpty(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		answer string
		want   bool
	}{
		"no label":            {http.StatusOK, `{"status":"success"}`, true}, // as Loki 3.7 answers
		"an empty list":       {http.StatusOK, `{"status":"success","data":[]}`, true},
		"labels":              {http.StatusOK, `{"status":"success","data":["job"]}`, false},
		"not Loki":            {http.StatusOK, `<html>`, false},
		"another JSON":        {http.StatusOK, `{}`, false},
		"an error":            {http.StatusInternalServerError, `{"status":"success"}`, false},
		"a gateway's refusal": {http.StatusNotFound, ``, false},
	} {
		t.Run(name, func(t *testing.T) {
			var path, start, tenant string
			l := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				path, start, tenant = r.URL.Path, r.FormValue("start"), r.Header.Get("X-Scope-OrgID")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.answer))
			}))
			since := time.Now().Add(-time.Hour)
			require.Equal(t, c.want, l.Empty(t.Context(), since))
			require.Equal(t, []string{"/loki/api/v1/labels", strconv.FormatInt(since.Add(-time.Second).UnixNano(), 10), "acme"},
				[]string{path, start, tenant})

			begin := time.Now().Add(-longestSearch)
			l.Empty(t.Context(), time.Unix(0, 0))
			ns, err := strconv.ParseInt(start, 10, 64)
			require.NoError(t, err)
			require.WithinRange(t, time.Unix(0, ns), begin, time.Now().Add(-longestSearch), "max_query_length is 721h")
		})
	}
}
