package oktasim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Next gives a normal page with its next link changed; an empty result leaves
// the link out. LinkStyle does not apply.
func (o *Org) Next(change func(next string) string) http.Handler {
	return o.answer(func(r *http.Request) reply {
		style := o.LinkStyle
		o.LinkStyle = LinkSeparate
		defer func() { o.LinkStyle = style }()
		a := o.logs(r)
		links := a.header["Link"]
		for i, link := range links {
			if target, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
				a.header["Link"] = links[:i]
				if next := change(target[1:]); next != "" {
					a.header["Link"] = append(links[:i], "<"+next+`>; rel="next"`)
				}
			}
		}
		return a
	})
}

// NoNext leaves the next link out.
func (o *Org) NoNext() http.Handler { return o.Next(func(string) string { return "" }) }

// CircularNext gives pages whose next links lead from the n-th back to the first. The
// handler remembers them: inject one for all requests of the circle.
func (o *Org) CircularNext(n int) http.Handler {
	var circle []string
	return o.Next(func(next string) string { // under the org's mutex
		if len(circle) < n {
			circle = append(circle, next)
			return next
		}
		if slices.Contains(circle, next) {
			return next
		}
		return circle[0]
	})
}

// ForeignNext points next at another host.
func (o *Org) ForeignNext(host string) http.Handler {
	return o.Next(func(next string) string { return replaceURL(next, func(u *url.URL) { u.Host = host }) })
}

// SchemeNext points next at another scheme, such as http for https.
func (o *Org) SchemeNext(scheme string) http.Handler {
	return o.Next(func(next string) string { return replaceURL(next, func(u *url.URL) { u.Scheme = scheme }) })
}

// UserinfoNext puts a user and password into next.
func (o *Org) UserinfoNext() http.Handler {
	return o.Next(func(next string) string {
		return replaceURL(next, func(u *url.URL) { u.User = url.UserPassword("okta.com", "x") })
	})
}

// RelativeNext leaves scheme and host out of next.
func (o *Org) RelativeNext() http.Handler {
	return o.Next(func(next string) string {
		return replaceURL(next, func(u *url.URL) { u.Scheme, u.Host = "", "" })
	})
}

// PathNext points next at another path of the org.
func (o *Org) PathNext(path string) http.Handler {
	return o.Next(func(next string) string { return replaceURL(next, func(u *url.URL) { u.Path = path }) })
}

func replaceURL(target string, change func(*url.URL)) string {
	u, err := url.Parse(target)
	if err != nil {
		panic(fmt.Sprintf("oktasim: parsing the org's own link: %v", err))
	}
	change(u)
	return u.String()
}
