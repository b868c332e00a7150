package oktasim

import (
	"cmp"
	"fmt"
	"time"
)

// scene is one transaction while it takes place.
type scene struct {
	*world
	at          time.Time // published of the next event
	kind        string    // WEB or JOB
	transaction string
	detail      map[string]any // of the transaction
	actor       *party
	user        *user // behind the request; nil: no browser
	place       network
	ip          string
	uri         string
	events      []*logEvent
	published   []time.Time // of the events
	persisted   time.Time   // of all of them
}

// as makes a user the actor of the scene, from the user's own place.
func (s *scene) as(u *user) *scene {
	s.user, s.actor, s.place, s.ip = u, &u.party, u.place, u.ip
	return s
}

func (s *scene) someone() *user { return &s.users[s.rng.IntN(len(s.users))] }

// administrator is one of every twelve users.
func (s *scene) administrator() *user { return &s.users[12*s.rng.IntN((len(s.users)+11)/12)] }

// job turns the scene into background work: no browser, no addresses.
func (s *scene) job(by *party) *scene {
	s.kind, s.actor, s.transaction = "JOB", by, "cnc"+s.letters(17, base62)
	return s
}

// event logs one event of a type in catalog and lets up to 120 ms pass, often
// none. Targets that are nil parties are left out; no targets at all is null.
func (s *scene) event(eventType, result string, targets ...*party) *logEvent {
	about := cmp.Or(catalog[eventType], scenarioCatalog[eventType])
	if about.message == "" {
		panic("oktasim: event type missing in the catalog: " + eventType)
	}
	e := &logEvent{
		Actor:          s.actor,
		DisplayMessage: ptr(about.message),
		EventType:      eventType,
		Published:      formatTime(s.at),
		Severity:       about.severity,
		Transaction:    &transaction{Type: s.kind, ID: s.transaction, Detail: map[string]any{}},
		UUID:           s.uuid(s.at),
		Version:        "0",
		DebugContext:   debugContext{DebugData: map[string]any{}},
		AuthenticationContext: &authentication{
			ExternalSessionID: "unknown",
		},
		SecurityContext: &securityContext{},
		Client:          &client{Zone: ptr("null")},
		Request:         ipChain{IPChain: []hop{}},
	}
	if about.legacy != "" {
		e.LegacyEventType = ptr(about.legacy)
	}
	if about.severity == "" {
		e.Severity = "INFO"
	}
	if result != "" {
		e.Outcome = &outcome{Result: result}
	}
	if s.detail != nil {
		e.Transaction.Detail = s.detail
	}
	if s.kind == "WEB" {
		s.online(e)
	}
	var list []party
	for _, t := range targets {
		if t != nil {
			list = append(list, *t)
		}
	}
	if len(list) > 1 && s.chance(0.3) { // their order is no promise
		list[0], list[len(list)-1] = list[len(list)-1], list[0]
	}
	e.Target = list

	s.events, s.published = append(s.events, e), append(s.published, s.at)
	if s.chance(0.6) {
		s.at = s.at.Add(time.Duration(s.rng.IntN(120)) * time.Millisecond)
	}
	return e
}

// online fills in what an HTTP request leaves behind.
func (s *scene) online(e *logEvent) {
	geo := s.place.geography()
	e.Client.IPAddress, e.Client.Geo = &s.ip, geo
	version := "V4"
	if len(s.ip) > 15 || s.place.prefix[0] == '2' && s.place.prefix[3] == '1' && s.place.prefix[4] == ':' {
		version = "V6"
	}
	e.Request.IPChain = []hop{{IP: s.ip, Geo: geo, Version: version}}
	if s.chance(0.15) { // a proxy on the way
		e.Request.IPChain = append(e.Request.IPChain, hop{IP: "192.0.2." + fmt.Sprint(1+s.rng.IntN(8)), Version: "V4"})
	}
	e.SecurityContext = s.place.security()
	data := e.DebugContext.DebugData
	data["requestId"] = s.transaction
	if s.uri != "" {
		data["requestUri"] = s.uri
		if s.chance(0.5) {
			data["url"] = s.uri + "?"
		}
	}
	if s.chance(0.5) {
		data["dtHash"] = s.hex(64)
	}
	if u := s.user; u != nil {
		if u.stranger {
			data["dtHash"] = u.dtHash
		}
		e.Client.UserAgent = &u.agent
		e.Client.Device = &u.kind
		e.AuthenticationContext.ExternalSessionID = u.session
		if s.chance(0.4) || u.stranger && u.session != "unknown" {
			e.AuthenticationContext.RootSessionID = u.session
		}
		if u.device != nil {
			e.Device = u.device
			data["deviceFingerprint"] = u.device.ID[3:]
		} else {
			e.Device = (*device)(nil)
		}
		if s.chance(0.1) && !u.stranger {
			e.Client.Zone = ptr("Offices")
		}
	}
}

// because sets the reason of the outcome.
func (e *logEvent) because(reason string) *logEvent {
	e.Outcome.Reason = &reason
	return e
}

// data adds to debugData: name, value, name, value.
func (e *logEvent) data(pairs ...any) *logEvent {
	for i := 0; i < len(pairs); i += 2 {
		e.DebugContext.DebugData[pairs[i].(string)] = pairs[i+1]
	}
	return e
}

// saying sets the severity and the message where they depend on the outcome.
func (e *logEvent) saying(severity, message, legacy string) *logEvent {
	e.Severity, e.DisplayMessage, e.LegacyEventType = severity, &message, &legacy
	return e
}
