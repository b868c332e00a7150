package oktaapi

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// Domains that Okta runs orgs on. On these, and only these, the Admin Console lives at TENANT-admin.DOMAIN. Sources: Okta "Organizations"
// concept page and the validators of Okta's SDKs.
var oktaDomains = []string{
	"okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil",
	"trexcloud.com", "trex-gov.com", "trex-govcloud.com", "okta-miltest.com",
}

// example is how an org's URL looks.
const example = "https://acme.okta.com"

// quotes are those of a keyboard and those that a text processor makes of them.
const quotes = "\"'`“”‘’"

// ParseOrg turns what people paste as their org's URL into the URL of the org:
// scheme and host, nothing else.
//
// Accepted and normalized: surrounding space, a missing scheme (https), upper case,
// a default port, a trailing dot or slash, any path (such as /api/v1/logs or
// /admin/dashboard), and the Admin Console's host (TENANT-admin.okta.com). Whatever
// changes the meaning of the input is reported in notes, a sentence each, for the
// log.
//
// Refused with an error that says what to write: user info, a query, a fragment, a
// scheme other than https, http to a host that is not loopback (the token would
// travel in clear), quotation marks, placeholders such as {yourOktaDomain}, doubled suffixes
// such as .com.com, a tenant's name alone. No error and no note repeats user info or a query,
// as they may hold secrets.
func ParseOrg(raw string) (org *url.URL, notes []string, err error) {
	s := strings.TrimSpace(raw)
	if s == "" {
		return nil, nil, fmt.Errorf("the org URL is empty; write it as %q", example)
	}
	if strings.Contains(s, "@") { // before anything that repeats the input
		return nil, nil, fmt.Errorf("the org URL holds user info; write %q and give the credentials as api_token or private_key_jwt",
			wantWithoutUser(s))
	}
	if strings.ContainsAny(s, quotes) {
		return nil, nil, fmt.Errorf("the org URL contains quotation marks; write it without, such as %q", example)
	}
	if strings.ContainsAny(s, "{}<>$") {
		return nil, nil, fmt.Errorf("the org URL holds a placeholder (one of {}<>$); write your own org's URL, such as %q", example)
	}
	bare := !strings.Contains(s, "://")
	if bare {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		// url.Error repeats the whole input; its cause says what is wrong with it.
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, nil, fmt.Errorf("parsing the org URL: %w; write it as %q", err, example)
	}
	o := orgURL{
		scheme: strings.ToLower(u.Scheme), host: strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), port: u.Port(), bare: bare,
	}
	if err := o.check(u); err != nil {
		return nil, nil, err
	}
	if stripped, ok := stripAdmin(o.host); ok {
		notes = append(notes, fmt.Sprintf("using %s instead of the Admin Console's host %s", stripped, o.host))
		o.host = stripped
	}
	if p := strings.Trim(u.Path, "/"); p != "" {
		notes = append(notes, fmt.Sprintf("ignoring the path %q of the org URL", httptext.Clean(u.Path, 100)))
	}
	if o.scheme == "https" && o.port == "443" || o.scheme == plain && o.port == "80" {
		o.port = ""
	}
	return &url.URL{Scheme: o.scheme, Host: hostPort(o.host, o.port)}, notes, nil
}

// plain is the scheme without encryption: allowed to loopback only.
const plain = "http"

// Spread is over how long orgs that start together are spread, so that they are so far apart on average; most is the most.
func Spread(orgs int, apart, most time.Duration) time.Duration {
	return min(most, time.Duration(max(orgs, 1)-1)*apart)
}

// Moment spreads over a time what all orgs do: it is when an org does it, always the same for one org.
func Moment(org string, within time.Duration) time.Duration {
	if within <= 0 {
		return 0
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(org))
	return time.Duration(hash.Sum64() % uint64(within))
}

// orgURL is the part of an org's URL that matters.
type orgURL struct {
	scheme, host, port string
	bare               bool // the input had no scheme
}

// check refuses what cannot be an org's URL. u is all of it.
func (o orgURL) check(u *url.URL) error {
	want := "https://" + hostPort(o.host, o.port)
	if o.scheme == plain && IsLoopback(o.host) {
		want = "http://" + hostPort(o.host, o.port)
	}
	switch {
	case o.host == "":
		return fmt.Errorf("the org URL names no host; write it as %q", example)
	case u.RawQuery != "" || u.ForceQuery:
		return fmt.Errorf("the org URL holds a query; write %q and use the filter and query arguments", want)
	case u.Fragment != "":
		return fmt.Errorf("the org URL holds a fragment; write %q", want)
	case o.scheme != "https" && o.scheme != plain:
		return fmt.Errorf("the org URL has the scheme %q, allowed is https; write %q", o.scheme, want)
	case o.scheme == plain && !IsLoopback(o.host):
		return fmt.Errorf("the org URL uses http to %s, which would send the credentials in clear; write %q (http is allowed to loopback only)",
			o.host, want)
	}
	return o.checkHost(want)
}

// checkHost refuses hosts and ports that cannot be an org's.
func (o orgURL) checkHost(want string) error {
	n, err := strconv.Atoi(o.port)
	switch {
	case strings.HasSuffix(o.host, ".com.com"):
		return fmt.Errorf("the org URL ends in %q; write %q", ".com.com", "https://"+strings.TrimSuffix(o.host, ".com"))
	case !isHost(o.host):
		return fmt.Errorf("the org URL has the invalid host %q; write it as %q", o.host, example)
	case o.port != "" && (err != nil || n < 1 || n > 65535):
		return fmt.Errorf("the org URL has the port %s, allowed are 1 to 65535; write %q",
			httptext.Clean(o.port, 20), "https://"+hostPort(o.host, ""))
	case o.bare && o.port == "" && !strings.Contains(o.host, ".") && !IsLoopback(o.host):
		name := httptext.Clean(o.host, 100)
		return fmt.Errorf("the org URL %q is a tenant's name alone; write it as %q", name, "https://"+name+".okta.com")
	case slices.Contains(oktaDomains, o.host):
		return fmt.Errorf("the org URL %q lacks the tenant; write it as %q", want, "https://acme."+o.host)
	}
	return nil
}

// wantWithoutUser is what to write instead of a URL with user info: its host, when it
// has one that is beyond doubt, for a password may hold any character.
func wantWithoutUser(s string) string {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	if u, err := url.Parse(s); err == nil && u.User != nil && !strings.Contains(u.Path+u.RawQuery+u.Fragment, "@") {
		return "https://" + hostPort(strings.ToLower(u.Hostname()), u.Port())
	}
	return example
}

// stripAdmin removes the -admin suffix of the tenant on Okta's own domains. On a
// custom domain, "login-admin.example.com" may be the real name and stays.
func stripAdmin(host string) (string, bool) {
	tenant, domain, ok := strings.Cut(host, ".")
	if !ok || !slices.Contains(oktaDomains, domain) {
		return host, false
	}
	bare, ok := strings.CutSuffix(tenant, "-admin")
	if !ok || bare == "" {
		return host, false
	}
	return bare + "." + domain, true
}

func hostPort(host, port string) string {
	if port != "" {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") { // IPv6
		return "[" + host + "]"
	}
	return host
}

// isHost reports whether s is an IP address or a name of ASCII letters, digits and
// hyphens; international names are written in their xn-- form.
func isHost(s string) bool {
	if net.ParseIP(s) != nil {
		return true
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// IsLoopback reports whether host, without a port, is this machine by name (localhost and
// names under it, RFC 6761) or address.
func IsLoopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// sameOrigin reports whether u has the scheme and host of org, whatever the letter case, and whether or not a default port is written (RFC
// 6454 section 5).
func sameOrigin(org, u *url.URL) bool {
	return strings.EqualFold(org.Scheme, u.Scheme) &&
		strings.EqualFold(org.Hostname(), u.Hostname()) &&
		effectivePort(org) == effectivePort(u)
}

func effectivePort(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if strings.EqualFold(u.Scheme, plain) {
		return "80"
	}
	return "443"
}
