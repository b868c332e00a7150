package registration

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func counter(name string) prometheus.Collector {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: "of a test"})
}

func names(t *testing.T, r *prometheus.Registry) (names []string) {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		names = append(names, f.GetName())
	}
	return names
}

func TestARefusedMetricLeavesNoneBehind(t *testing.T) {
	for _, c := range []struct {
		name  string
		taken string // registered by somebody before
		want  []string
	}{
		{"nothing taken", "other", []string{"a", "b", "c", "other"}},
		{"the first", "a", []string{"a"}},
		{"one in the middle", "b", []string{"b"}},
		{"the last", "c", []string{"c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := prometheus.NewRegistry()
			r.MustRegister(counter(c.taken))
			err := Register(r, counter("a"), counter("b"), counter("c"))
			require.Equal(t, c.want, names(t, r))
			if c.taken == "other" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "registering metrics: ")
			require.ErrorAs(t, err, &prometheus.AlreadyRegisteredError{})
		})
	}
}

func TestWithoutRegistererNothingIsRegistered(t *testing.T) {
	require.NoError(t, Register(nil, counter("a")))
}
