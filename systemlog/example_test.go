package systemlog_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"time"

	"github.com/grafana/alloy/okta/internal/oktasim"
	"github.com/grafana/alloy/okta/systemlog"
)

// A program that prints what happens in an org. The org is a simulated one here.
func Example() {
	org := &oktasim.Org{Token: "00exampleToken"}
	published := time.Now().UTC().Add(-time.Minute).Format("2006-01-02T15:04:05.000Z")
	org.Append(fmt.Appendf(nil, `{"uuid":"1","eventType":"user.session.start","published":%q,"severity":"INFO"}`, published))
	server := httptest.NewServer(org)
	defer server.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	reader, err := systemlog.New(systemlog.Config{
		URL: server.URL, Token: "00exampleToken", Dir: dir,
		Deliver: func(_ context.Context, e systemlog.Entry) error {
			fmt.Println(e.Labels["job"], e.StructuredMetadata[0].Name, e.StructuredMetadata[0].Value)
			cancel() // a real program goes on
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reader.Run(ctx))
	status := reader.Status() // at any time, such as for a health check
	fmt.Println(status.Events, "event,", len(status.Wrong), "problems")
	for _, p := range status.Wrong {
		fmt.Println(p.Part, p.Message, p.Since, p.Err)
	}
	// Output:
	// loki.source.okta detected_level info
	// context canceled
	// 1 event, 0 problems
}
