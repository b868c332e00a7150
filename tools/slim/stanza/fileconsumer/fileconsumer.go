// Package fileconsumer stands in for what reads files in the OpenTelemetry Collector in the slim build, as ../../go-discover does for
// another module. Alloy's internal/util imports it in every build for a feature gate, which it sets: no such gate is an error.
package fileconsumer

import "go.opentelemetry.io/collector/featuregate"

var _ = featuregate.GlobalRegistry().MustRegister("filelog.allowFileDeletion", featuregate.StageAlpha,
	featuregate.WithRegisterDescription("Nothing in the slim build asks for it."))
