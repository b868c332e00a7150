package auth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grafana/alloy/okta/internal/httptext"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// DPoP says when requests carry a proof of possession (RFC 9449).
type DPoP string

const (
	// DPoPAuto begins with plain bearer tokens and switches when the org asks for proofs. The default.
	DPoPAuto DPoP = "auto"
	// DPoPAlways sends a proof from the first request on, and refuses a token that is not bound to it.
	DPoPAlways DPoP = "always"
	// DPoPNever sends none. An app that requires DPoP then gives no token.
	DPoPNever DPoP = "never"
)

// DefaultScope is the one scope that reading the System Log needs.
const DefaultScope = "okta.logs.read"

// Options are the settings of a service app. [NewPrivateKeyJWT] copies them.
type Options struct {
	OrgURL         *url.URL     // scheme and host of the org; path, query and fragment are ignored. Required
	ClientID       string       // the app's client id. Required
	PrivateKey     string       // PEM, JWK or JWKS. Exactly one of PrivateKey and PrivateKeyFile
	PrivateKeyFile string       // path of a file with the same content, read again for every new access token
	KeyID          string       // "kid" of the assertion; "" takes the JWK's own, or sends none. Picks the key in a JWKS
	Scopes         []string     // nil means [DefaultScope]; an empty list is refused
	DPoP           DPoP         // "" means DPoPAuto
	UserAgent      string       // of token requests; "" means "loki.source.okta"
	HTTP           *http.Client // for token requests: proxy, TLS, timeout. nil means a new client. Never follows redirects
}

// Validate checks everything that can be checked without touching disk or network: a key given in place
// is parsed, a key file is not opened. Errors name the setting and what is allowed, and never the key.
func (o Options) Validate() error {
	_, err := o.withDefaults()
	return err
}

// withDefaults returns validated options in their canonical form.
func (o Options) withDefaults() (Options, error) {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if err := checkOrgURL(o.OrgURL); err != nil {
		errs = append(errs, err)
	}

	o.ClientID = strings.TrimSpace(o.ClientID)
	switch {
	case o.ClientID == "":
		refuse("client_id is empty: it must be the client ID of the service app, such as 0oa1b2c3d4e5F6G7h8i9")
	case !isWord(o.ClientID):
		refuse("client_id %q is not allowed: it must be one word of visible ASCII characters", httptext.Clean(o.ClientID, 64))
	}

	o.KeyID = strings.TrimSpace(o.KeyID)
	switch {
	case o.PrivateKey != "" && o.PrivateKeyFile != "":
		refuse("private_key and private_key_file are both set: exactly one of them is allowed")
	case o.PrivateKeyFile != "":
		// Opened by NewPrivateKeyJWT, and again for every token.
	case strings.TrimSpace(o.PrivateKey) == "":
		refuse("neither private_key nor private_key_file is set: exactly one of them is required")
	default:
		if _, err := parseKey([]byte(o.PrivateKey), o.KeyID); err != nil {
			refuse("private_key %w", err)
		}
	}

	if o.Scopes == nil {
		o.Scopes = []string{DefaultScope}
	}
	o.Scopes = slices.Clone(o.Scopes)
	if len(o.Scopes) == 0 {
		refuse("scopes is empty: it must name at least %q", DefaultScope)
	}
	for _, scope := range o.Scopes {
		// RFC 6749 appendix A.4: visible ASCII without space, quotation mark and backslash.
		if !isWord(scope) || strings.ContainsAny(scope, `"\`) {
			refuse("scopes has %q: a scope is one word, such as %q", httptext.Clean(scope, 64), DefaultScope)
		}
	}

	switch o.DPoP {
	case "":
		o.DPoP = DPoPAuto
	case DPoPAuto, DPoPAlways, DPoPNever:
	default:
		refuse("dpop is %q: it must be %q, %q or %q", httptext.Clean(string(o.DPoP), 64), DPoPAuto, DPoPAlways, DPoPNever)
	}
	if o.UserAgent == "" {
		o.UserAgent = "loki.source.okta"
	}
	return o, errors.Join(errs...)
}

func isWord(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s, i) {
			return false
		}
	}
	return s != ""
}

// String shows the settings without the key.
func (o Options) String() string {
	org := ""
	if o.OrgURL != nil {
		org = o.OrgURL.Host
	}
	key := "none"
	switch {
	case o.PrivateKey != "":
		key = "redacted"
	case o.PrivateKeyFile != "":
		key = "file " + o.PrivateKeyFile
	}
	return fmt.Sprintf("private_key_jwt(org %s, client_id %s, key %s, key_id %q, scopes %q, dpop %s)",
		org, o.ClientID, key, o.KeyID, o.Scopes, o.DPoP)
}

// Format prints [Options.String] for every verb, %#v included.
func (o Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// MarshalText keeps the key out of JSON and structured logs.
func (o Options) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

func checkOrgURL(u *url.URL) error {
	switch {
	case u == nil || u.Host == "":
		return errors.New("url is empty: it must be the org's URL, such as https://acme.okta.com")
	case u.Scheme != "https" && !(u.Scheme == "http" && oktaapi.IsLoopback(u.Hostname())):
		return fmt.Errorf("url has scheme %q: it must be https (http is allowed for loopback hosts only)", u.Scheme)
	}
	return nil
}
