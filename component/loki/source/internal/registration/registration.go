// Package registration registers a component's metrics, all of them or none.
package registration

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Register registers collectors with r. When r refuses one, those before it are unregistered, and the error says why: a component that
// could not be built leaves no metric behind, and does not take Alloy down with a panic (alloy#6078). Without r it does nothing.
func Register(r prometheus.Registerer, collectors ...prometheus.Collector) error {
	if r == nil {
		return nil
	}
	for i, c := range collectors {
		if err := r.Register(c); err != nil {
			for _, registered := range collectors[:i] {
				r.Unregister(registered)
			}
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}
