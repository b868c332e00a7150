package oktasim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// The shapes of a LogEvent, fields in the order in which Okta writes them. A
// nil pointer or slice is null; an any that is nil is absent, which is how the
// log mixes both. The vocabulary is that of Okta's OpenAPI description and of
// its sample events.

type logEvent struct {
	Actor                 *party           `json:"actor"`
	Client                *client          `json:"client"`
	Device                any              `json:"device,omitempty"`
	AuthenticationContext *authentication  `json:"authenticationContext"`
	DisplayMessage        *string          `json:"displayMessage"`
	EventType             string           `json:"eventType"`
	Outcome               *outcome         `json:"outcome"`
	Published             string           `json:"published"`
	SecurityContext       *securityContext `json:"securityContext"`
	Severity              string           `json:"severity"`
	DebugContext          debugContext     `json:"debugContext"`
	LegacyEventType       *string          `json:"legacyEventType"`
	Transaction           *transaction     `json:"transaction"`
	UUID                  string           `json:"uuid"`
	Version               string           `json:"version"`
	Request               ipChain          `json:"request"`
	Target                any              `json:"target,omitempty"`
}

// party is an actor or a target.
type party struct {
	ID            string         `json:"id"`
	Type          string         `json:"type"`
	AlternateID   *string        `json:"alternateId"`
	DisplayName   *string        `json:"displayName"`
	DetailEntry   map[string]any `json:"detailEntry"`
	ChangeDetails *change        `json:"changeDetails,omitempty"`
}

type change struct {
	From map[string]any `json:"from"`
	To   map[string]any `json:"to"`
}

type client struct {
	UserAgent *userAgent `json:"userAgent"`
	Zone      *string    `json:"zone"` // often the string "null"
	Device    *string    `json:"device"`
	ID        *string    `json:"id"`
	IPAddress *string    `json:"ipAddress"`
	Geo       *geography `json:"geographicalContext"`
}

type userAgent struct {
	Raw     string `json:"rawUserAgent"`
	OS      string `json:"os"`
	Browser string `json:"browser"`
}

type geography struct {
	City       *string `json:"city"`
	State      *string `json:"state"`
	Country    *string `json:"country"`
	PostalCode *string `json:"postalCode"`
	Location   *point  `json:"geolocation"`
}

type point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// device is in snake_case, unlike everything around it.
type device struct {
	ID                    string  `json:"id"`
	Name                  string  `json:"name"`
	OSPlatform            string  `json:"os_platform"`
	OSVersion             string  `json:"os_version"`
	Managed               bool    `json:"managed"`
	Registered            bool    `json:"registered"`
	DeviceIntegrator      *string `json:"device_integrator"`
	DiskEncryptionType    string  `json:"disk_encryption_type"`
	ScreenLockType        string  `json:"screen_lock_type"`
	Jailbreak             *bool   `json:"jailbreak"`
	SecureHardwarePresent bool    `json:"secure_hardware_present"`
}

type authentication struct {
	Provider           *string           `json:"authenticationProvider"`
	CredentialProvider *string           `json:"credentialProvider"`
	CredentialType     *string           `json:"credentialType"`
	Issuer             map[string]string `json:"issuer"`
	Interface          *string           `json:"interface"`
	Step               int               `json:"authenticationStep"` // always 0
	RootSessionID      string            `json:"rootSessionId,omitempty"`
	ExternalSessionID  string            `json:"externalSessionId"` // "unknown" outside of sessions
}

type outcome struct {
	Result string  `json:"result"`
	Reason *string `json:"reason"`
}

type securityContext struct {
	ASNumber      *int           `json:"asNumber"`
	ASOrg         *string        `json:"asOrg"`
	ISP           *string        `json:"isp"`
	Domain        *string        `json:"domain"`
	IsProxy       *bool          `json:"isProxy"`
	Risk          map[string]any `json:"risk,omitempty"`
	IPDetails     map[string]any `json:"ipDetails,omitempty"`
	UserBehaviors []behavior     `json:"userBehaviors,omitempty"`
	BotProtection map[string]any `json:"botProtection,omitempty"`
}

type behavior struct {
	Name   string `json:"name"`
	ID     string `json:"id"`
	Result string `json:"result"`
}

type debugContext struct {
	DebugData map[string]any `json:"debugData"`
}

type transaction struct {
	Type   string         `json:"type"` // WEB or JOB
	ID     string         `json:"id"`
	Detail map[string]any `json:"detail"`
}

type ipChain struct {
	IPChain []hop `json:"ipChain"`
}

type hop struct {
	IP        string         `json:"ip"`
	Geo       *geography     `json:"geographicalContext"`
	Version   string         `json:"version"`
	Source    *string        `json:"source"`
	IPDetails map[string]any `json:"ipDetails,omitempty"`
}

// oktaTime is how Okta writes every time: UTC, always milliseconds.
const oktaTime = "2006-01-02T15:04:05.000Z"

// encode renders an event compactly. Okta escapes neither <, > and & nor
// letters outside ASCII.
func (e *logEvent) encode() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		panic(fmt.Sprintf("oktasim: encoding a generated event: %v", err)) // plain data only: cannot happen
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func ptr[T any](v T) *T { return &v }

func formatTime(t time.Time) string { return t.UTC().Format(oktaTime) }
