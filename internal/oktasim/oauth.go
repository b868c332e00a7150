package oktasim

import "net/http"

type OAuthClient struct{}
type oauthState struct{}

func (o *Org) token(r *http.Request) reply { return o.refusal(r, errNotFound(r.URL.Path)) }
func (o *Org) keys(r *http.Request) reply  { return o.refusal(r, errNotFound(r.URL.Path)) }
func (o *Org) authenticateOAuth(r *http.Request, _, _ string) (string, *reply) {
	a := o.refusal(r, errToken())
	return "", &a
}
