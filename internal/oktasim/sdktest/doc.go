// Package sdktest holds the simulated org against a client that was not written
// here: Okta's own Go SDK pages through its log, and authenticates with a token,
// with a private key, and with DPoP. The SDK is large; that is why these tests
// have a package of their own.
package sdktest
