package hook

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"path"
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

// matches compares the values with all secrets, each in the same time whatever it is.
func matches(secrets []Secret, values ...string) bool {
	found := 0
	for _, value := range values {
		sum := sha256.Sum256([]byte(value))
		for i := range secrets {
			found |= subtle.ConstantTimeCompare(sum[:], secrets[i][:])
		}
	}
	return found == 1
}

func (c *Config) header() string {
	return textproto.CanonicalMIMEHeaderKey(cmp.Or(c.Header, DefaultHeader))
}

// values are what a request has in the header: a proxy may have added one.
func (c *Config) values(h http.Header) (values []string) {
	for _, v := range h[c.header()] {
		if v != "" {
			values = append(values, v)
		}
	}
	return values
}

// hint tells how a request that does not show a secret comes close to it, or "".
func (c *Config) hint(h http.Header, values []string, secrets []Secret) string {
	for name, others := range h {
		if name != c.header() && matches(secrets, others...) {
			return "the header " + name + " has the secret"
		}
	}
	for _, value := range values {
		if _, after, _ := strings.Cut(value, " "); matches(secrets, after) {
			return "Okta has a scheme before the secret that is not in secrets"
		}
		if matches(secrets, "Bearer "+value, "Basic "+value) {
			return "secrets has a scheme before the secret that Okta does not have"
		}
	}
	return ""
}

// route returns what a path leads to. Slashes too many and another case lead there as well, unless two paths differ in nothing else: they
// are typed into a form of Okta's, or added by a proxy.
func (c *Config) route(to string) (Route, bool) {
	if route, ok := c.Routes[to]; ok {
		return route, true
	}
	var like []Route
	for known, route := range c.Routes {
		if strings.EqualFold(path.Clean(known), path.Clean(to)) {
			like = append(like, route)
		}
	}
	if len(like) != 1 {
		return Route{}, false
	}
	return like[0], true
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
	for p := range c.Routes {
		if err := checkPath(p); err != nil {
			return err
		}
	}
	if c.TLS != nil {
		return c.TLS.Validate()
	}
	return nil
}

// checkPath refuses paths that a client or a proxy may spell in more than one way.
func checkPath(p string) error {
	const allowed = "it must begin with a slash and hold letters, digits and the characters - . _ ~ : / only"
	if !strings.HasPrefix(p, "/") || strings.Contains(p, "//") || strings.Contains(p, "/.") {
		return fmt.Errorf("path %q: %s", p, allowed)
	}
	for _, r := range p {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/", r) {
			return fmt.Errorf("path %q: %s", p, allowed)
		}
	}
	return nil
}
