package hook

import (
	"encoding/json"
	"errors"
	"fmt"
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
	maxChallenge = 1 << 10
	// maxPath is how much of a wrong path is logged.
	maxPath         = 256
	challengeHeader = "X-Okta-Verification-Challenge"
)

// Result is how a request ended, a value of the label result.
type Result string

// The results.
const (
	Accepted     Result = "accepted"      // 204
	Verified     Result = "verified"      // 200, the challenge was answered
	Unauthorized Result = "unauthorized"  // 401: no secret of the path's, or a wrong one, also at a verification
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
	verifies := r.Method == http.MethodGet
	switch challenge := r.Header.Get(challengeHeader); {
	case !verifies && r.Method != http.MethodPost:
		h.Set("Allow", "GET, POST")
		return refuse(w, http.StatusMethodNotAllowed, BadMethod)
	case verifies && (challenge == "" || len(challenge) > maxChallenge):
		return refuse(w, http.StatusBadRequest, BadRequest)
	}
	cfg := s.config.Load()
	values := cfg.values(r.Header)
	route, known := cfg.route(r.URL.Path)
	if !known {
		return s.astray(w, r, cfg, values)
	}
	if !matches(route.Secrets, values...) {
		hint := cfg.hint(r.Header, values, route.Secrets)
		if bare := len(values) == 0 && hint == ""; !verifies || !bare {
			s.warn(fmt.Sprint(route.Name, verifies), "event hook refused: its secret is none of those configured",
				"org", route.Name, "verification", verifies, "header", cfg.header(), "hint", hint)
			return refuse(w, http.StatusUnauthorized, Unauthorized)
		}
	}
	if verifies {
		h.Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"verification": r.Header.Get(challengeHeader)}) // the client may be gone
		return Verified
	}
	defer authenticated(r.Context())()
	return s.receive(w, r, route)
}

// astray answers a request to a path that leads nowhere. A sender that shows a secret learns so, others learn nothing.
func (s *Server) astray(w http.ResponseWriter, r *http.Request, cfg *Config, values []string) Result {
	if len(values) > 0 { // a scanner of ports has no value for the header
		s.warn("", "event hook refused: its path is none of those configured", "path", r.URL.Path[:min(len(r.URL.Path), maxPath)])
	}
	var all []Secret
	for _, route := range cfg.Routes {
		all = append(all, route.Secrets...)
	}
	if r.Method == http.MethodGet || matches(all, values...) {
		return refuse(w, http.StatusNotFound, UnknownPath)
	}
	return refuse(w, http.StatusUnauthorized, Unauthorized)
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
