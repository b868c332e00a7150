package oktasim

import (
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

type OAuthClient struct {
	ID     string
	Keys   jose.JSONWebKeySet
	Scopes []string
	DPoP   bool
}
type oauthState struct{}

func (o *Org) RevokeAccessTokens() {}
func (o *Org) RotateNonce()        {}

func (o *Org) token(r *http.Request) reply { return o.refusal(r, errNotFound(r.URL.Path)) }
func (o *Org) keys(r *http.Request) reply  { return o.refusal(r, errNotFound(r.URL.Path)) }
func (o *Org) authenticateOAuth(r *http.Request, _, _ string) (string, *reply) {
	a := o.refusal(r, errToken())
	return "", &a
}
