package oktasim

import (
	"net/http"
	"strings"
)

// authenticate finds out on whose behalf a System Log request comes. It
// returns the principal, which is a key for buckets and never shown, or the
// answer that turns the request away.
func (o *Org) authenticate(r *http.Request) (principal string, refused *reply) {
	refuse := func(e *apiError) (string, *reply) {
		a := o.refusal(r, e)
		return "", &a
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return refuse(errSession())
	}
	scheme, credential, _ := strings.Cut(header, " ")
	credential = strings.TrimSpace(credential)
	switch {
	case credential == "":
		return refuse(errToken())
	case strings.EqualFold(scheme, "SSWS"):
		if o.Token != "" && credential != o.Token {
			return refuse(errToken())
		}
		return "ssws:" + credential, nil
	}
	return o.authenticateOAuth(r, scheme, credential)
}
