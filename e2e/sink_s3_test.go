package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// s3 starts an object store with one bucket, addressed by path (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html), and
// returns its URL. Each line of an object is an arrival. What it refuses with are its errors that pass, and those that pass when somebody
// has fixed a bucket, a policy or a key (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
func (s *sink) s3(t *testing.T, bucket string) string {
	t.Helper()
	refusals := []struct {
		status int
		code   string
	}{
		{http.StatusServiceUnavailable, "SlowDown"}, {http.StatusForbidden, "AccessDenied"}, {http.StatusInternalServerError, "InternalError"},
		{http.StatusNotFound, "NoSuchBucket"}, {http.StatusBadRequest, "ExpiredToken"}, {http.StatusForbidden, "InvalidAccessKeyId"},
	}
	var refused atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := unzipped(r)
		key, ours := strings.CutPrefix(r.URL.Path, "/"+bucket+"/")
		if err != nil || !ours || r.Method != http.MethodPut {
			http.Error(w, "<Error><Code>InvalidRequest</Code></Error>", http.StatusBadRequest)
			return
		}
		if s.refuses() {
			refusal := refusals[refused.Add(1)%int64(len(refusals))]
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(refusal.status)
			_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", refusal.code)
			return
		}
		for line := range bytes.Lines(body) {
			s.take(arrival{body: string(bytes.TrimSuffix(line, []byte("\n"))), fields: map[string]string{
				"key": key, "authorization": r.Header.Get("Authorization"),
			}})
		}
		w.Header().Set("ETag", `"1"`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
