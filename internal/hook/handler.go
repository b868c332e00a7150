package hook

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// MaxBody is the largest body, in bytes. Okta documents no limit; its events have 1 to 12 KB.
	MaxBody = 1 << 20
	// maxChallenge is the longest challenge that is echoed.
	maxChallenge    = 1 << 10
	challengeHeader = "X-Okta-Verification-Challenge"
)

// Result is how a request ended, a value of the label result.
type Result string

// The results.
const (
	Accepted     Result = "accepted"      // 204
	Verified     Result = "verified"      // 200, the challenge was answered
	Unauthorized Result = "unauthorized"  // 401: no secret of the path's, or a wrong one
	BadRequest   Result = "bad_request"   // 400: not the body of a hook, or a GET without challenge
	UnknownPath  Result = "unknown_path"  // 404
	BadMethod    Result = "bad_method"    // 405
	TooLarge     Result = "too_large"     // 413
	NotJSON      Result = "not_json"      // 415
	Interrupted  Result = "interrupted"   // the body did not arrive in time, or the client left
	NotTaken     Result = "not_taken"     // 503: the receiver did not take it
	Stopping     Result = "shutting_down" // 503
)

// Results lists all of them.
func Results() []Result {
	return []Result{
		Accepted, Verified, Unauthorized, BadRequest, UnknownPath, BadMethod, TooLarge, NotJSON, Interrupted, NotTaken, Stopping,
	}
}

// ServeHTTP answers one request; see the package's contract.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	result := s.serve(w, r)
	s.metrics.request(result)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) Result {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if s.stopping.Load() {
		return refuse(w, http.StatusServiceUnavailable, Stopping)
	}
	cfg := s.config.Load()
	route, known := cfg.Routes[r.URL.Path]
	switch r.Method {
	case http.MethodGet:
		return verify(w, r.Header.Get(challengeHeader), known)
	case http.MethodPost:
	default:
		h.Set("Allow", "GET, POST")
		return refuse(w, http.StatusMethodNotAllowed, BadMethod)
	}

	secrets := route.Secrets
	if !known { // who has a secret learns that the path is wrong, others learn nothing
		for _, other := range cfg.Routes {
			secrets = append(secrets, other.Secrets...)
		}
	}
	header := cfg.Header
	if header == "" {
		header = DefaultHeader
	}
	if !matches(secrets, r.Header.Get(header)) {
		s.refused(route.Name)
		return refuse(w, http.StatusUnauthorized, Unauthorized)
	}
	if !known {
		return refuse(w, http.StatusNotFound, UnknownPath)
	}
	defer authenticated(r.Context())()
	return s.receive(w, r, route)
}

// verify answers Okta's verification request.
func verify(w http.ResponseWriter, challenge string, known bool) Result {
	switch {
	case challenge == "" || len(challenge) > maxChallenge:
		return refuse(w, http.StatusBadRequest, BadRequest)
	case !known:
		return refuse(w, http.StatusNotFound, UnknownPath)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"verification": challenge}) // the client may be gone
	return Verified
}

// receive reads the body of a request that showed a secret, and gives it to the route.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, route Route) Result {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !strings.EqualFold(kind, "application/json") {
		return refuse(w, http.StatusUnsupportedMediaType, NotJSON)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refuse(w, http.StatusRequestEntityTooLarge, TooLarge)
	}
	if ne, ok := errors.AsType[net.Error](err); err != nil && (r.Context().Err() != nil || ok && ne.Timeout()) {
		return refuse(w, http.StatusRequestTimeout, Interrupted)
	}
	if err != nil {
		return refuse(w, http.StatusBadRequest, BadRequest)
	}
	n, err := parse(body)
	if err != nil {
		return refuse(w, http.StatusBadRequest, BadRequest)
	}
	n.Org, n.Received = route.Name, time.Now()
	if err := route.Receive(r.Context(), n); err != nil {
		return refuse(w, http.StatusServiceUnavailable, NotTaken)
	}
	s.metrics.accepted(n)
	w.WriteHeader(http.StatusNoContent)
	return Accepted
}

// refuse answers without a body, and ends the connection: what is left of the request is not read.
func refuse(w http.ResponseWriter, status int, result Result) Result {
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
	return result
}
