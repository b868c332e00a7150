package httptext

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ServerTime is when an answer was made, by the server's clock; without a Date it is now, by ours.
func ServerTime(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

// RetryAfter is the wait that an answer asks for, in seconds or until a date on its own clock; 0 without one that makes sense. It is not
// bounded. Source: RFC 9110, section 10.2.3.
func RetryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseUint(v, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(s, 1<<31)) * time.Second
	}
	t, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return max(0, t.Sub(ServerTime(h)))
}
