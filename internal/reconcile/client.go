package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	promconfig "github.com/prometheus/common/config"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/grafana/alloy/okta/internal/httptext"
)

// NewClient returns the client of a configuration, for a Loki. What Prometheus' own client does for oauth2 it does itself, as far as
// Alloy's configuration goes: that one asks for tokens without a context (prometheus/common v0.70.1, newOauth2TokenSource), so that a token
// endpoint that never answers holds up all requests for good, and its errors quote the endpoint's answer, which may repeat the secret.
func NewClient(cfg promconfig.HTTPClientConfig, name string, opts ...promconfig.HTTPClientOption) (*http.Client, error) {
	o := cfg.OAuth2
	cfg.OAuth2 = nil
	hc, err := promconfig.NewClientFromConfig(cfg, name, opts...)
	if err != nil {
		return nil, err
	}
	hc.Transport = httptext.Unproxied(hc.Transport)
	if o == nil {
		return hc, nil
	}
	t := &tokens{next: hc.Transport, turn: make(chan struct{}, 1), secret: promconfig.NewInlineSecret(string(o.ClientSecret)),
		cfg: clientcredentials.Config{ClientID: o.ClientID, TokenURL: o.TokenURL, Scopes: o.Scopes, EndpointParams: url.Values{}}}
	if o.ClientSecretFile != "" {
		t.secret = promconfig.NewFileSecret(o.ClientSecretFile)
	}
	for name, value := range o.EndpointParams {
		t.cfg.EndpointParams.Set(name, value)
		t.hide = append(t.hide, value) // it may be a password
	}
	if u, err := url.Parse(o.TokenURL); err == nil {
		t.host = u.Host
		for _, values := range u.Query() {
			t.hide = append(t.hide, values...)
		}
	}
	t.endpoint, err = promconfig.NewRoundTripperFromConfig(promconfig.HTTPClientConfig{TLSConfig: o.TLSConfig, ProxyConfig: o.ProxyConfig},
		name, opts...)
	if err != nil {
		return nil, err
	}
	t.endpoint = httptext.Unproxied(t.endpoint)
	hc.Transport = t
	return hc, nil
}

// tokens gives requests an OAuth 2 token, by client credentials.
type tokens struct {
	next, endpoint http.RoundTripper
	secret         promconfig.SecretReader
	host           string   // of the token endpoint, for messages
	hide           []string // what no message shows, besides the secret

	turn chan struct{} // who has put something in may use what follows
	cfg  clientcredentials.Config
	last *oauth2.Token
}

func (t *tokens) RoundTrip(req *http.Request) (*http.Response, error) {
	for r := req; r.Response != nil; r = r.Response.Request {
		if r.Response.Request.URL.Hostname() != req.URL.Hostname() { // a redirect to another host, which gets no token
			return t.next.RoundTrip(req)
		}
	}
	token, err := t.get(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	req = req.Clone(req.Context())
	token.SetAuthHeader(req)
	return t.next.RoundTrip(req)
}

// CloseIdleConnections is passed on, for http.Client.
func (t *tokens) CloseIdleConnections() {
	for _, rt := range []http.RoundTripper{t.next, t.endpoint} {
		(&http.Client{Transport: rt}).CloseIdleConnections()
	}
}

// get returns a token that is good for a request.
func (t *tokens) get(req *http.Request) (*oauth2.Token, error) {
	ctx, secrets := httptext.Watch(req.Context())
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return nil, t.failed(ctx.Err(), secrets)
	}
	secret, err := t.secret.Fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the client_secret of oauth2: %w", err)
	}
	if secret != t.cfg.ClientSecret {
		t.last, t.cfg.ClientSecret = nil, secret
	}
	if t.last.Valid() {
		return t.last, nil
	}
	secrets.Add(secret)
	secrets.Add(t.hide...)
	hc := &http.Client{Transport: promconfig.NewUserAgentRoundTripper(req.UserAgent(), t.endpoint), CheckRedirect: lastResponse}
	token, err := t.cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, hc))
	if err != nil {
		return nil, t.failed(err, secrets)
	}
	t.last = token
	return token, nil
}

// lastResponse makes an error of a redirect, which would get the secret, too.
func lastResponse(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// failed is the error of an exchange. The cause is not in its chain: it may hold the secret, and that there was no token in time does not
// say that Loki was slow.
func (t *tokens) failed(err error, secrets *httptext.Secrets) error {
	text := err.Error()
	if answer, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		text = fmt.Sprint("it answered ", answer.Response.StatusCode)
		for _, said := range []string{answer.ErrorCode, answer.ErrorDescription} { // RFC 6749, 5.2
			if said != "" {
				text += ": " + said
			}
		}
	} else if failed, ok := errors.AsType[*url.Error](err); ok { // its URL may hold user info
		text = failed.Err.Error()
	}
	return fmt.Errorf("getting a token from %s: %s", t.host, secrets.Clean(text, 300))
}
