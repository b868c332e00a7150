package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// stream reads what the UI's streaming endpoints send: messages, each followed by "|;|".
func (s *stand) stream(path string) <-chan string {
	s.t.Helper()
	resp, err := http.Get(s.base + path)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, resp.StatusCode)
	s.t.Cleanup(func() { resp.Body.Close() })
	messages := make(chan string, 10_000)
	go func() {
		scanner := bufio.NewScanner(resp.Body)
		scanner.Buffer(nil, 16<<20)
		scanner.Split(func(data []byte, atEOF bool) (int, []byte, error) {
			if i := bytes.Index(data, []byte("|;|")); i >= 0 {
				return i + 3, data[:i], nil
			}
			return 0, nil, nil
		})
		for scanner.Scan() {
			messages <- scanner.Text()
		}
	}()
	return messages
}

// What the stream shows is what the receivers got: as many entries, with the same lines, and as redacted.
func TestLiveDebuggingStreamsWhatIsForwarded(t *testing.T) {
	t.Parallel()
	for name, redact := range map[string]string{"as it is": "", "redacted": `redact { }`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "", redact, "--backlog=20", "--backlog-span=10m", "--rate=0/s")
			require.Eventually(t, func() bool { return len(s.sink.sorted()) == 20 }, time.Minute, 20*time.Millisecond)
			before := s.sink.sorted()

			entries := s.stream("/api/v0/web/debug/" + component)
			graph := s.stream("/api/v0/web/graph?window=1")
			const n = 300
			s.control("generate?n=300")
			require.Eventually(t, func() bool { return len(s.sink.sorted()) >= len(before)+n }, time.Minute, 20*time.Millisecond)
			require.Eventually(t, func() bool { return len(entries) >= n }, time.Minute, 20*time.Millisecond)

			forwarded := slices.DeleteFunc(s.sink.sorted(), func(line string) bool { return slices.Contains(before, line) })
			require.Len(t, forwarded, n)
			var streamed, labels []string
			for range n {
				message := <-entries
				_, rest, ok := strings.Cut(message, "entry: ")
				require.True(t, ok, message)
				line, rest, ok := strings.Cut(rest, ", labels: ")
				require.True(t, ok, message)
				streamed = append(streamed, line)
				labels = append(labels, rest)
			}
			slices.Sort(streamed)
			require.Equal(t, forwarded, streamed)
			require.Contains(t, labels[0], `env="demo"`)
			require.Contains(t, labels[0], "eventType")

			// The graph tells the counts, as rates.
			total := 0
			for end := time.Now().Add(time.Minute); total < n && time.Now().Before(end); {
				select {
				case message := <-graph:
					var rates []struct {
						ComponentID string
						Rate        float64
					}
					require.NoError(t, json.Unmarshal([]byte(message), &rates))
					for _, c := range rates {
						if c.ComponentID == component {
							total += int(c.Rate) // of a window of one second
						}
					}
				case <-time.After(time.Second):
				}
			}
			require.Equal(t, n, total)
			require.Empty(t, entries, "and not one more")

			identities := 0
			for _, event := range s.events() {
				if name := gjson.Get(event, "actor.alternateId").String(); gjson.Get(event, "actor.type").String() == "User" &&
					strings.Contains(name, "@") {
					identities++
					if redact != "" {
						require.NotContains(t, strings.Join(streamed, "\n"), name)
					}
				}
			}
			require.Greater(t, identities, 50, "there was something to redact")
		})
	}
}
