package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/oktaapi/auth"
)

// whoseFault says which leg an error of Fetch belongs to.
func (v *visit) whoseFault(err error) string {
	var (
		dns       *net.DNSError
		certErr   *tls.CertificateVerificationError
		unknown   x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		refused   *auth.Error
		e         *oktaapi.Error
		challenge = v.okta.witness.challenge()
	)
	switch {
	case errors.As(err, &dns):
		return "name"
	case errors.As(err, &certErr), errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &record):
		return "tls"
	case errors.As(err, &refused):
		return ofToken(refused)
	case !errors.As(err, &e):
		return "limits" // the time for an answer ended in waiting for the budget
	case e.Foreign, e.Status == http.StatusProxyAuthRequired,
		e.Status == 0 && e.Class == oktaapi.Transient && !errors.Is(err, oktaapi.ErrBodyTooLarge):
		return "route"
	case e.Status == http.StatusTooManyRequests:
		return "limits"
	case e.Status == http.StatusNotFound, e.Status >= 300 && e.Status < 400:
		return "org"
	case strings.Contains(e.Code, "dpop") || strings.Contains(strings.ToLower(e.Summary), "dpop"):
		return "dpop"
	case e.Status == http.StatusUnauthorized:
		return "credentials"
	case e.Status == http.StatusForbidden && (e.Code == "insufficient_scope" || strings.Contains(challenge, "insufficient_scope")):
		return "scope"
	case e.Status == http.StatusForbidden:
		return "role"
	case e.Status == http.StatusBadRequest:
		return "filter"
	}
	return "first page"
}

// ofToken is the leg to which an error of a request for an access token belongs: a refusal of the token endpoint, or a local setting that
// cannot be used.
func ofToken(e *auth.Error) string {
	words := strings.ToLower(e.Description)
	switch {
	case e.Foreign():
		return "route"
	case e.Status == http.StatusTooManyRequests:
		return "limits"
	case e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed:
		return "org"
	case strings.Contains(e.Remedy, "clock"):
		return "clock"
	case e.Code == "invalid_dpop_proof" || e.Code == "use_dpop_nonce":
		return "dpop"
	case e.Code == "invalid_scope" || e.Code == "consent_required" || strings.Contains(words, "scope"):
		return "scope"
	case e.Status >= 500:
		return "first page"
	}
	return "credentials"
}

// blamed returns a check that fails when the error on the way to Okta belongs to its leg.
func blamed(name string) func(*visit, context.Context) Check {
	return func(v *visit, _ context.Context) Check { return v.blamed(name, v.said(name)) }
}

func (v *visit) blamed(name, fine string) Check {
	if v.okta.blame != name {
		if unknown := v.okta.blame == "limits" || v.okta.blame == "first page"; unknown && slices.Contains(unproven, name) {
			return skip("not known yet: Okta gave no page")
		}
		return pass("%s", fine)
	}
	return fail(v.remedy(name), "%v", v.okta.err)
}

// unproven are the legs of which an answer that is about volume, or broken, says nothing.
var unproven = []string{"credentials", "dpop", "scope", "role", "filter"}

// said is what the report says of a leg that passed.
func (v *visit) said(name string) string {
	switch name {
	case "name":
		return v.URL.Hostname() + " resolves, or a proxy resolves it"
	case "route":
		return "something answers"
	case "tls":
		if v.URL.Scheme != "https" {
			return "not used: " + v.URL.Scheme
		}
		return "the certificate is trusted"
	case "org":
		return "Okta answers at " + v.URL.String()
	case "credentials":
		return "accepted: " + v.method()
	case "scope":
		if v.method() == "ssws" {
			return "an API token has none"
		}
		return "okta.logs.read is granted"
	case "role":
		return "the System Log may be read"
	case "filter":
		if v.Filter == "" && v.Query == "" {
			return "none is set"
		}
		return "accepted"
	}
	return ""
}

// remedy is what the component advises or, where it has no advice, ours.
func (v *visit) remedy(name string) string {
	if own, ok := errors.AsType[*auth.Error](v.okta.err); ok && own.Remedy != "" {
		return own.Remedy
	}
	known := auth.Remedy(v.method(), v.okta.err)
	switch name {
	case "tls":
		return "a proxy that opens TLS, or the org's own authority: put its certificate into client > tls_config > ca_file"
	case "scope":
		return "grant okta.logs.read to the app, under its Okta API Scopes tab, and name it in scopes"
	case "route":
		return cmp.Or(known, "check url, proxy_url and firewalls: no answer comes back from there")
	case "limits":
		return "other clients use up the org's limit: look at Reports > Rate Limits in Okta, and ask again later"
	case "first page":
		return cmp.Or(known, "look at status.okta.com, and ask again later")
	}
	return known
}
