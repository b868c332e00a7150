package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// ask gets a path of alloy-okta's own HTTP server. It fails while the program is down.
func (c *collector) ask(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.addr+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// metric returns the sum of a metric's samples; of component loki.source.okta.default alone when it is one of ours.
func (c *collector) metric(ctx context.Context, name string) (sum float64, err error) {
	return c.metricOf(ctx, "default", name)
}

// metricOf is metric for components of another label.
func (c *collector) metricOf(ctx context.Context, label, name string) (sum float64, err error) {
	text, err := c.ask(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	sample := regexp.MustCompile(`(?m)^` + name + `\{[^}]*component_id="[a-z.]+\.` + label + `"[^}]*\} (\S+)$`)
	found := sample.FindAllSubmatch(text, -1)
	if len(found) == 0 {
		return 0, fmt.Errorf("no metric %s", name)
	}
	for _, match := range found {
		value, err := strconv.ParseFloat(string(match[1]), 64)
		if err != nil {
			return 0, err
		}
		sum += value
	}
	return sum, nil
}

// metrics returns the component's metrics as they stand, for a message.
func (c *collector) metrics(t *testing.T) string {
	t.Helper()
	text, _ := c.ask(t.Context(), "/metrics")
	own := regexp.MustCompile(`(?m)^loki_source_okta_[a-z_]+\{[^}]*component_id="loki.source.okta.default"[^}]*\} .*$`)
	return string(bytes.Join(own.FindAll(text, -1), []byte("\n")))
}

// requireMetric returns a metric of a running alloy-okta.
func (c *collector) requireMetric(t *testing.T, name string) float64 {
	t.Helper()
	value, err := c.metric(t.Context(), name)
	require.NoError(t, err)
	return value
}

// waitForMetric waits until a metric has a value.
func (c *collector) waitForMetric(t *testing.T, name string, want float64) {
	t.Helper()
	var value float64
	var err error
	require.Eventuallyf(t, func() bool {
		value, err = c.metric(t.Context(), name)
		return err == nil && value == want
	}, 12*time.Minute, 200*time.Millisecond, "waiting for %s to be %v", name, want) // with a clock that is ahead ten minutes are normal
}

// health returns the state of component loki.source.okta.default ("healthy", "unhealthy") and its message.
func (c *collector) health(ctx context.Context) (state, message string, err error) {
	body, err := c.ask(ctx, "/api/v0/web/components/loki.source.okta.default")
	if err != nil {
		return "", "", err
	}
	var component struct {
		Health struct{ State, Message string }
	}
	if err := json.Unmarshal(body, &component); err != nil {
		return "", "", err
	}
	return component.Health.State, component.Health.Message, nil
}

// waitForHealth waits until the component is in a state and returns its message.
func (c *collector) waitForHealth(t *testing.T, want string) (message string) {
	t.Helper()
	var state string
	require.Eventuallyf(t, func() bool {
		var err error
		state, message, err = c.health(t.Context())
		return err == nil && state == want
	}, 2*time.Minute, 100*time.Millisecond, "waiting for the component to be %s", want)
	return message
}

// savedCursor returns the cursor that component loki.source.okta.default would go on from after a crash.
func (c *collector) savedCursor(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.storage, "loki.source.okta.default", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	journal, err := os.ReadFile(files[0])
	require.NoError(t, err)
	marks := gjson.GetBytes(journal, "marks.#.cursor").Array()
	require.NotEmpty(t, marks)
	return marks[len(marks)-1].String()
}
