// Package http has what Alloy names of the original.
package http

// BasicAuth is the original's.
type BasicAuth struct{ Username, Password string }
