package oktasim

import (
	"encoding/json"
	"fmt"
	"strings"
)

// value is a variable's. It stays the same in a transaction, apart from an event's own. These are the variables:
//
//   - uuid, published: the event's.
//   - user: who asks. subject: who it is about. app, group, policy, zone, service, system: one of people.json. Any part of the play.
//     Each is an actor or a target; .id, .alternateId, .displayName, and .slug, the letters of its name, are its members.
//   - ip, ipVersion, session, dtHash, network.<member>, agent.<member>, computer.<member>: of who asks.
//   - new.<prefix>, same.<prefix>: an id that begins so, of this transaction or of the play.
//   - client, device, request and others: objects, in plays/objects.json.
//   - What the play varies, and the choices of people.json.
func (s *scene) value(name string) any {
	switch name {
	case "published":
		return formatTime(s.at)
	case "uuid":
		return s.uuid(s.at)
	}
	value, ok := s.vars[name]
	if !ok {
		value = s.look(name)
		s.vars[name] = value
	}
	return value
}

func (s *scene) look(name string) any {
	root, member, _ := strings.Cut(name, ".")
	if p := s.party(root); p != nil {
		return map[string]any{"": p, "id": p.ID, "alternateId": p.AlternateID, "displayName": p.DisplayName}[member]
	}
	if values := s.script.Vary[root]; values != nil {
		value := pick(s.world, values)
		if members, ok := value.(map[string]any); ok {
			return members[member]
		}
		return value
	}
	if value, ok := s.drawn(root, member); ok {
		return value
	}
	if s.by != nil {
		if value, ok := s.ofWhoAsks(root, member); ok {
			return value
		}
	}
	if object := s.object(root); object != nil {
		return object
	}
	if choices := company.Choices[root]; choices != nil {
		return pick(s.world, choices)
	}
	panic("oktasim: no variable is called $" + name)
}

// drawn is a value that is drawn for the transaction.
func (s *scene) drawn(root, member string) (value any, ok bool) {
	switch root {
	case "new":
		return s.id(member), true
	case "same":
		return s.always(member, func() string { return s.id(member) }), true
	case "transactionId":
		if s.by == nil {
			return s.id("cnc"), true
		}
		return s.letters(24, base62+"@-") + "AAA", true
	case "device":
		return s.device(), true
	case "behaviors":
		return s.behaviors(), true
	case "seconds":
		return fmt.Sprint(s.rng.IntN(60)), true
	case "expires":
		return s.at.Unix() + 3600, true
	}
	return nil, false
}

// ofWhoAsks is a value that is the person's.
func (s *scene) ofWhoAsks(root, member string) (value any, ok bool) {
	switch root {
	case "ip":
		return s.by.ip, true
	case "ipVersion":
		return map[bool]string{true: "V6", false: "V4"}[strings.Contains(s.by.ip, ":")], true
	case "session":
		return s.by.session, true
	case "dtHash":
		if s.by.dtHash != "" {
			return s.by.dtHash, true
		}
		return s.hash(), true
	case "network":
		return s.by.network[member], true
	case "agent":
		return s.by.agent[member], true
	case "computer":
		return s.by.computer[member], true
	case "clientZone":
		if s.by.dtHash == "" && s.chance(0.1) {
			return "Offices", true
		}
		return "null", true // the word, as in Okta's
	}
	return nil, false
}

// party is the actor or target of a name, nil when the name is none's.
func (s *scene) party(name string) *party {
	if p, ok := s.vars["party "+name].(*party); ok {
		return p
	}
	var found *party
	switch all := s.parties[name]; {
	case s.cast[name] != nil:
		found = &s.cast[name].party
	case name == "user":
		found = &s.by.party
	case name == "subject" && s.script.On != "":
		found = &s.part(s.script.On).party
	case name == "subject":
		found = &s.part("anyone").party
	case all == nil:
		return nil
	default:
		found = &all[s.rng.IntN(len(all))]
		wanted := any(s.each[name])
		if values := s.script.Vary[name]; values != nil {
			wanted = pick(s.world, values)
		}
		for i := range all {
			if *all[i].DisplayName == wanted {
				found = &all[i]
			}
		}
	}
	s.vars["party "+name] = found
	return found
}

// object is one that is composed of other variables, nil when no object has the name.
func (s *scene) object(name string) any {
	kind := name
	switch {
	case s.by == nil:
		kind += " of a job"
	case s.program:
		kind += " of a program"
	}
	templates := objects[kind]
	if templates == nil {
		templates = objects[name]
	}
	if templates == nil {
		return nil
	}
	return json.RawMessage(s.expand(nil, pick(s.world, templates).head))
}

// device is a browser's device, with the member's name since it may be absent: null where Okta does not know it.
func (s *scene) device() json.RawMessage {
	switch {
	case s.by == nil || s.program:
		return nil
	case s.by.computer == nil:
		return json.RawMessage(`"device":null,`)
	}
	return json.RawMessage(fmt.Sprintf(`"device":%s,`, s.object("device")))
}

// behaviors is how Okta renders a user's habits in debugData. In a quiet org only an address is ever new, and nobody administers from a
// new place.
func (s *scene) behaviors() string {
	var all []string
	for _, name := range []string{"New Geo-Location", "New Device", "New IP", "New State", "New Country", "Velocity", "New City"} {
		is := "NEGATIVE"
		if s.rng.IntN(20) == 0 && (!s.quiet || name == "New IP" && *s.party("app").DisplayName != "Okta Admin Console") {
			is = "POSITIVE"
		}
		all = append(all, name+"="+is)
	}
	return "{" + strings.Join(all, ", ") + "}"
}
