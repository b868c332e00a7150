// Package transport has what Alloy names of the original.
package transport

// AuthMethod is used by nothing.
type AuthMethod interface{}
