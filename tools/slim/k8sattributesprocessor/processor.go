// Package k8sattributesprocessor stands in for a processor of the OpenTelemetry Collector in the slim build, as ../go-discover does for
// another. Alloy's internal/util imports it in every build for the feature gate that it registers; it brings Kubernetes' client.
package k8sattributesprocessor
