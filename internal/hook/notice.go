package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Receiver takes what a hook brought; see [Route].
type Receiver func(ctx context.Context, n Notice) error

// Notice is one delivery of Okta's: events close in time, at most one body of [MaxBody].
type Notice struct {
	Org       string    // the route's name
	ID        string    // eventId, of the delivery; "" when it has none
	Received  time.Time // when its body was complete
	Events    []Event   // in the order of the body; Okta promises no order
	Malformed int       // elements of the list that are no objects, and are not in Events
}

// Event is one event of a notice. It is the log's event but for some members: see docs/event-hooks.md.
type Event struct {
	UUID string          // the log's; "" when missing, not a string, or far too long
	Raw  json.RawMessage // an object
}

// maxUUID is the longest uuid that counts as one, in bytes: Okta's have 36, and receivers remember them by the thousand.
const maxUUID = 128

var errBody = errors.New("not an event hook's body: an object with data.events, a list")

// parse reads a body. One bad event costs only itself; without a list of events there is nothing to take.
func parse(body []byte) (Notice, error) {
	var envelope struct {
		ID   json.RawMessage `json:"eventId"`
		Data struct {
			Events []json.RawMessage `json:"events"`
		} `json:"data"`
	}
	// The error would quote the body.
	if json.Unmarshal(body, &envelope) != nil || envelope.Data.Events == nil {
		return Notice{}, errBody
	}
	n := Notice{Events: make([]Event, 0, len(envelope.Data.Events))}
	_ = json.Unmarshal(envelope.ID, &n.ID) // "" when it is no string
	for _, raw := range envelope.Data.Events {
		if !bytes.HasPrefix(raw, []byte("{")) {
			n.Malformed++
			continue
		}
		var facts struct {
			UUID json.RawMessage `json:"uuid"`
		}
		e := Event{Raw: raw}
		_ = json.Unmarshal(raw, &facts) // an object: nothing in it fails
		_ = json.Unmarshal(facts.UUID, &e.UUID)
		if len(e.UUID) > maxUUID {
			e.UUID = ""
		}
		n.Events = append(n.Events, e)
	}
	return n, nil
}
