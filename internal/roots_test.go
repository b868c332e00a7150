package internal

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The binary carries Mozilla's root certificates for machines that have none. Roots that Mozilla has removed since must not be
// trusted for long: whoever builds with a list that is older than a year is told to update it.
func TestRootCertificatesAreCurrent(t *testing.T) {
	match := regexp.MustCompile(`golang.org/x/crypto/x509roots/fallback v0\.0\.0-(\d{14})-`).FindStringSubmatch(read(t, "../go.mod"))
	require.NotNil(t, match, "go.mod names no version of x509roots/fallback")
	made, err := time.Parse("20060102150405", match[1])
	require.NoError(t, err)
	require.Less(t, time.Since(made), 365*24*time.Hour, "run: go get golang.org/x/crypto/x509roots/fallback@latest")
}
