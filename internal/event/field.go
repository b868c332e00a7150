package event

import (
	"bytes"
	"strings"
	"time"

	"github.com/grafana/alloy/okta/internal/rawjson"
)

// A field is a top-level member of Okta's LogEvent schema.
type field uint8

const (
	fieldActor field = iota
	fieldAuthenticationContext
	fieldClient
	fieldDebugContext
	fieldDevice
	fieldDisplayMessage
	fieldEventType
	fieldLegacyEventType
	fieldOutcome
	fieldPublished
	fieldRequest
	fieldSecurityContext
	fieldSeverity
	fieldTarget
	fieldTransaction
	fieldUUID
	fieldVersion
	fieldCount
	fieldUnknown = fieldCount
)

// fieldNamed returns the field called name, or fieldUnknown.
func fieldNamed(name string) field {
	switch name {
	case "actor":
		return fieldActor
	case "authenticationContext":
		return fieldAuthenticationContext
	case "client":
		return fieldClient
	case "debugContext":
		return fieldDebugContext
	case "device":
		return fieldDevice
	case "displayMessage":
		return fieldDisplayMessage
	case typePath:
		return fieldEventType
	case "legacyEventType":
		return fieldLegacyEventType
	case "outcome":
		return fieldOutcome
	case "published":
		return fieldPublished
	case "request":
		return fieldRequest
	case "securityContext":
		return fieldSecurityContext
	case severityPath:
		return fieldSeverity
	case "target":
		return fieldTarget
	case "transaction":
		return fieldTransaction
	case "uuid":
		return fieldUUID
	case "version":
		return fieldVersion
	}
	return fieldUnknown
}

// fieldSpelled returns the field whose name, in a valid JSON string, is spelled so. With escapes it is legal, and never seen.
func fieldSpelled(raw []byte) field {
	f := fieldNamed(rawjson.Alias(raw))
	if f == fieldUnknown && bytes.IndexByte(raw, '\\') >= 0 {
		return fieldNamed(rawjson.Unquote(raw))
	}
	return f
}

// text returns the text of a string field, "" when it is missing or no string.
func (ev *Event) text(f field) string {
	s := ev.fields[f]
	if !s.IsString(ev.Raw) {
		return ""
	}
	return rawjson.Unquote(s.Inner().Of(ev.Raw))
}

// Loki keeps time as nanoseconds since 1970 in 64 bits.
var (
	earliest = time.Unix(0, 0)
	latest   = time.Unix(0, 1<<63-1)
)

// parseTime reads an RFC 3339 time of any precision, or returns the zero time.
// Okta promises milliseconds and Z; the offset without a colon is the form its
// own error messages show.
func parseTime(text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		if t, err = time.Parse("2006-01-02T15:04:05.999999999Z0700", strings.ToUpper(text)); err != nil {
			return time.Time{}
		}
	}
	if t.Before(earliest) || t.After(latest) {
		return time.Time{}
	}
	return t.UTC()
}
