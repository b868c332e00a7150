package oktaapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// Refusal is the part of an answer other than 200 that says why, as received: it may hold whatever the request did.
type Refusal struct {
	Code        string // Okta's errorCode, such as E0000011, or OAuth's error; "" without one
	Description string // in words; may be ""
	ID          string // Okta's errorId; may be ""
	// Foreign is set when the answer is not Okta's: no error object of Okta's and no X-Okta-Request-Id.
	Foreign bool

	oauth bool // Code is OAuth's
}

// ReadRefusal understands {"errorCode","errorSummary","errorCauses"} (API), {"error", "error_description"} (OAuth, RFC 6749 section 5.2)
// and a WWW-Authenticate challenge (RFC 6750 section 3, RFC 9449 section 7.1), which alone tells of a missing scope. body may be anything,
// such as HTML from a proxy on the way.
func ReadRefusal(h http.Header, body []byte) Refusal {
	r := readErrorBody(body)
	known := oktaCode.MatchString(r.Code)
	for _, challenge := range h.Values("WWW-Authenticate") {
		code := challengeCode.FindStringSubmatch(challenge)
		if code == nil || r.Code != "" {
			continue
		}
		r.Code, r.oauth, known = code[1], true, true
		if words := challengeWords.FindStringSubmatch(challenge); words != nil {
			r.Description = words[1]
		}
	}
	if r.Description == "" {
		r.Description = h.Get("WWW-Authenticate")
	}
	r.Foreign = !known && requestID(h) == ""
	return r
}

func readErrorBody(body []byte) Refusal {
	var doc struct {
		Error        string `json:"error"`
		Description  string `json:"error_description"`
		ErrorCode    string `json:"errorCode"`
		ErrorSummary string `json:"errorSummary"`
		ErrorID      string `json:"errorId"`
		ErrorCauses  []struct {
			ErrorSummary string `json:"errorSummary"`
		} `json:"errorCauses"`
	}
	if json.Unmarshal(body, &doc) != nil {
		return Refusal{}
	}
	if doc.ErrorCode == "" && doc.Error != "" {
		return Refusal{Code: doc.Error, Description: doc.Description, ID: doc.ErrorID, oauth: true}
	}
	words := doc.ErrorSummary
	for _, c := range doc.ErrorCauses {
		if c.ErrorSummary != "" && !strings.Contains(words, c.ErrorSummary) {
			words += "; " + c.ErrorSummary
		}
	}
	return Refusal{Code: doc.ErrorCode, Description: words, ID: doc.ErrorID}
}

// oktaCode matches Okta's API error codes and the OAuth errors that its API and its token
// endpoint answer with (RFC 6750 section 3.1, RFC 9449 section 7.1, Okta's OAuth error catalog).
var oktaCode = regexp.MustCompile(`^(E\d{7}|invalid_(token|request|scope|client|grant|dpop_proof)|insufficient_scope|use_dpop_nonce|` +
	`access_denied|consent_required|unauthorized_client|unsupported_grant_type)$`)

var (
	challengeCode  = regexp.MustCompile(`\berror="([^"]*)"`)
	challengeWords = regexp.MustCompile(`\berror_description="([^"]*)"`)
)
