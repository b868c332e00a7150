package hook

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/net/http/httpguts"
)

const (
	// DefaultHeader is the header that Okta's console proposes for the secret.
	DefaultHeader = "Authorization"
	// DefaultConnLimit is how many connections there may be at once.
	DefaultConnLimit = 64
	// MinSecret is the shortest secret, in bytes.
	MinSecret = 16
)

// Config is what a [Server] serves. The zero value serves nothing: no port is open.
type Config struct {
	Addr      string // host:port; "": no listener
	ConnLimit int    // connections at once; 0: DefaultConnLimit
	TLS       *TLS   // nil: plain HTTP, for a reverse proxy in front

	Header string           // which carries the secret; "": DefaultHeader
	Routes map[string]Route // by path, "/okta/acme"
}

// Route is what one path leads to.
type Route struct {
	Name    string   // of the org
	Secrets []Secret // any of them is accepted; with none, nothing is
	// Receive takes what came. It is called by many goroutines at once, with a context that ends with the request. An error means that
	// the notice was not taken: the answer is 503 then, and Okta sends it once more.
	Receive Receiver
}

// Secret is a secret as it is kept: its SHA-256.
type Secret [sha256.Size]byte

// ParseSecret refuses what is too short to be one or cannot be a header's value. Space around it, such as the newline at the end of a
// file, is not part of it. Errors never contain it.
func ParseSecret(text string) (Secret, error) {
	text = strings.TrimSpace(text)
	switch {
	case len(text) < MinSecret:
		return Secret{}, fmt.Errorf("a secret has %d bytes: it must have at least %d", len(text), MinSecret)
	case !httpguts.ValidHeaderFieldValue(text):
		return Secret{}, errors.New("a secret holds a control character, which no header can carry")
	}
	return sha256.Sum256([]byte(text)), nil
}

// String keeps even the hash out of logs.
func (Secret) String() string { return "(secret)" }

// matches compares value with all secrets, in the same time whatever it is.
func matches(secrets []Secret, value string) bool {
	sum := sha256.Sum256([]byte(value))
	found := 0
	for i := range secrets {
		found |= subtle.ConstantTimeCompare(sum[:], secrets[i][:])
	}
	return found == 1
}

// Validate refuses an address, a header or a path that cannot work.
func (c Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return fmt.Errorf("the address %q: it must be host:port", c.Addr)
	}
	if c.ConnLimit < 0 {
		return fmt.Errorf("conn_limit is %d: it must be at least 1", c.ConnLimit)
	}
	if c.Header != "" && (!httpguts.ValidHeaderFieldName(c.Header) || strings.EqualFold(c.Header, "Host")) {
		return fmt.Errorf("header %q: it must be a header's name, such as %q", c.Header, DefaultHeader)
	}
	for path := range c.Routes {
		if err := checkPath(path); err != nil {
			return err
		}
	}
	if c.TLS != nil {
		return c.TLS.Validate()
	}
	return nil
}

// checkPath refuses paths that a client or a proxy may spell in more than one way.
func checkPath(path string) error {
	const allowed = "it must begin with a slash and hold letters, digits and the characters - . _ ~ : / only"
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || strings.Contains(path, "/.") {
		return fmt.Errorf("path %q: %s", path, allowed)
	}
	for _, r := range path {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/", r) {
			return fmt.Errorf("path %q: %s", path, allowed)
		}
	}
	return nil
}
