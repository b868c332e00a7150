package oktasim

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// apiError is an error in the shape that Okta's management API gives it. Clients should go by status first: E0000053 means a bad filter
// under 400 and an internal error under 500.
type apiError struct {
	status  int
	code    string
	summary string
	causes  []string
}

var (
	errDate = &apiError{http.StatusBadRequest, "E0000030",
		"Bad request. Invalid date. Dates must be of the form yyyy-MM-dd'T'HH:mm:ss.SSSZZ, e.g. 2013-01-01T12:00:00.000-07:00.", nil}
	errSearch = &apiError{http.StatusBadRequest, "E0000031", "Invalid search criteria.", nil}
	errAccept = &apiError{http.StatusBadRequest, "E0000021",
		"Bad request. Accept and/or Content-Type headers likely do not match supported values.", nil}
	errToken      = &apiError{http.StatusUnauthorized, "E0000011", "Invalid token provided", nil}
	errSession    = &apiError{http.StatusForbidden, "E0000005", "Invalid session", nil}
	errPermission = &apiError{http.StatusForbidden, "E0000006", "You do not have permission to perform the requested action", nil}
	errMethod     = &apiError{http.StatusMethodNotAllowed, "E0000022", "The endpoint does not support the provided HTTP method", nil}
	errRate       = &apiError{http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests.", nil}
	errTimeout    = &apiError{http.StatusInternalServerError, "E0000009",
		"Your last request took too long to complete. Please modify your query parameters to narrow your search and try again.", nil}
	// The code of a bad filter, with the status of an internal error.
	errInternal = &apiError{http.StatusInternalServerError, "E0000053", "Sorry, there's been an error processing your request.", nil}
	errCursor   = errInvalid("after", "The cursor is not valid.")
)

func errInvalid(parameter, cause string) *apiError {
	return &apiError{
		http.StatusBadRequest, "E0000001", "Api validation failed: '" + parameter + "'", []string{"'" + parameter + "': " + cause},
	}
}

func errFilter(summary string) *apiError {
	return &apiError{http.StatusBadRequest, "E0000053", summary, nil}
}

func errNotFound(path string) *apiError {
	return &apiError{http.StatusNotFound, "E0000007", "Not found: Resource not found: " + path + " (Path)", nil}
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.summary) }

// must is for what fails only when this package is wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic("oktasim: " + err.Error())
	}
	return v
}

// refusal is the answer that carries e, with the rate-limit headers that every answer has.
func (o *Org) refusal(e *apiError) reply {
	type cause struct {
		Summary string `json:"errorSummary"`
	}
	body := struct {
		Code    string  `json:"errorCode"`
		Summary string  `json:"errorSummary"`
		Link    string  `json:"errorLink"`
		ID      string  `json:"errorId"`
		Causes  []cause `json:"errorCauses"`
	}{e.code, e.summary, e.code, "oae" + requestID()[:22], []cause{}}
	for _, c := range e.causes {
		body.Causes = append(body.Causes, cause{c})
	}
	h := http.Header{}
	if e.status == http.StatusMethodNotAllowed {
		h.Set("Allow", http.MethodGet)
	}
	o.quota.showOn(h, o.limit(), o.now())
	return reply{e.status, h, must(json.Marshal(body))}
}
