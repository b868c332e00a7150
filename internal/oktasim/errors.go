package oktasim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// apiError is an error in the shape that Okta's management API gives it.
// Clients should go by status first: E0000053 means a bad filter under 400 and
// an internal error under 500.
type apiError struct {
	status  int
	code    string
	summary string
	causes  []string
}

func errDate() *apiError {
	return &apiError{
		http.StatusBadRequest, "E0000030",
		"Bad request. Invalid date. Dates must be of the form yyyy-MM-dd'T'HH:mm:ss.SSSZZ, e.g. 2013-01-01T12:00:00.000-07:00.", nil,
	}
}

func errInvalid(parameter, cause string) *apiError {
	return &apiError{
		http.StatusBadRequest, "E0000001", "Api validation failed: '" + parameter + "'", []string{"'" + parameter + "': " + cause},
	}
}

func errFilter(summary string) *apiError {
	return &apiError{http.StatusBadRequest, "E0000053", summary, nil}
}

func errSearch() *apiError {
	return &apiError{http.StatusBadRequest, "E0000031", "Invalid search criteria.", nil}
}

func errAccept() *apiError {
	return &apiError{
		http.StatusBadRequest, "E0000021", "Bad request. Accept and/or Content-Type headers likely do not match supported values.", nil,
	}
}

func errToken() *apiError {
	return &apiError{http.StatusUnauthorized, "E0000011", "Invalid token provided", nil}
}

func errSession() *apiError {
	return &apiError{http.StatusForbidden, "E0000005", "Invalid session", nil}
}

func errPermission() *apiError {
	return &apiError{http.StatusForbidden, "E0000006", "You do not have permission to perform the requested action", nil}
}

func errNotFound(path string) *apiError {
	return &apiError{http.StatusNotFound, "E0000007", "Not found: Resource not found: " + path + " (Path)", nil}
}

func errMethod() *apiError {
	return &apiError{http.StatusMethodNotAllowed, "E0000022", "The endpoint does not support the provided HTTP method", nil}
}

func errRate() *apiError {
	return &apiError{http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests.", nil}
}

func errTimeout() *apiError {
	return &apiError{
		http.StatusInternalServerError, "E0000009",
		"Your last request took too long to complete. Please modify your query parameters to narrow your search and try again.", nil,
	}
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.summary) }

// refusal is the answer that carries e, with the rate-limit headers that every
// answer has.
func (o *Org) refusal(_ *http.Request, e *apiError) reply {
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
	raw, err := json.Marshal(body)
	if err != nil {
		panic("oktasim: encoding an error: " + strconv.Quote(err.Error())) // strings only: cannot happen
	}
	h := http.Header{}
	if e.status == http.StatusMethodNotAllowed {
		h.Set("Allow", http.MethodGet)
	}
	o.quota.showOn(h, o.limit(), o.now())
	return reply{e.status, h, raw}
}
