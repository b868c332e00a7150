// Package validate holds tests of deploy/kubernetes, deploy/helm and deploy/compose: a module of its own, so that Kustomize, Helm and the
// Kubernetes types stay out of alloy-okta's.
package validate
