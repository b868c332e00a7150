package auth

import (
	"net/http"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// clockTolerance is what Okta's back-dated claims and the one-second Date header leave room for anyway.
const clockTolerance = 10 * time.Second

// clock is local time plus what was learned about its error. The zero value trusts local time.
type clock struct {
	offset time.Duration
}

func (c clock) now() time.Time { return time.Now().Add(c.offset) }

// correct takes the server's Date for true time and reports whether that changed anything. Call it only
// when the server blamed the clock: a proxy with a wrong clock of its own must not break a good one.
func (c *clock) correct(header http.Header) bool {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return false
	}
	wrong := date.Sub(c.now())
	if wrong.Abs() <= clockTolerance {
		return false
	}
	c.offset += wrong
	return true
}

// blamesClock reports whether a description of an assertion or a proof is about its times. The words are
// those of Okta's error catalog: "is expired", "issued before the current time", "too far into the
// future", "issued in the future", "issued more than five minutes in the past", "'iat' claim".
func blamesClock(r oktaapi.Refusal) bool {
	if r.Code != invalidClient && r.Code != invalidProof {
		return false
	}
	d := strings.ToLower(r.Description)
	for _, words := range []string{"is expired", "current time", inTheFuture, "in the past", "'iat'"} {
		if strings.Contains(d, words) {
			return true
		}
	}
	return false
}
