package event

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

func TestAnOrgsEventsAreKeptByteForByte(t *testing.T) {
	org := &oktasim.Org{Seed: 5}
	org.Generate(120, time.Hour)
	for _, raw := range org.Events() {
		require.Equal(t, string(raw), entryOf(t, Options{LineFormat: FormatEvent}, string(raw)).Line)
	}
}
