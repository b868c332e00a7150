package delivery

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/limits"
)

// The numbers of the contract stand for those of Loki and loki.write, which the package does not know.
func TestNumbersOfTheContractFitLokisDefaults(t *testing.T) {
	require.Greater(t, firstQuery, limits.BatchWait)
	require.Less(t, maxSpan, limits.OutOfOrder, "what is delivered again is not too far behind")
	require.Less(t, strandedAfter, limits.QueryIngesters, "a copy could not be seen before its flush")
	require.Greater(t, lastRetryAfter, limits.Retries, "the last retry comes after a short outage")
}
