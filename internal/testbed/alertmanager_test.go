package testbed

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAlertsThatComeAgainAreKeptOnce(t *testing.T) {
	a, err := StartAlertmanager()
	require.NoError(t, err)
	defer a.Close()
	send := func(body string) int {
		resp, err := http.Post(a.URL+"/api/v2/alerts", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	const one = `{"labels":{"alertname":"One","actor":"mara"},"annotations":{"summary":"first"},"startsAt":"2026-08-21T10:00:00Z"}`
	require.Equal(t, http.StatusOK, send(`[`+one+`,{"labels":{"alertname":"One","actor":"jonas"}}]`))
	require.Equal(t, http.StatusOK, send(`[`+strings.Replace(one, "10:00", "10:01", 1)+`]`))
	require.Equal(t, http.StatusBadRequest, send(`{`))
	alerts := a.Alerts()
	require.Len(t, alerts, 2)
	require.Equal(t, "first", alerts[0].Annotations["summary"])
	require.Equal(t, 0, alerts[0].StartsAt.Minute(), "as it first came")
	require.Equal(t, "jonas", alerts[1].Labels["actor"])
}
