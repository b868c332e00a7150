package oktasim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// hookEnvelope has the members of Okta's example and of captures, in their order.
type hookEnvelope struct {
	EventType          string     `json:"eventType"`
	EventTypeVersion   string     `json:"eventTypeVersion"`
	CloudEventsVersion string     `json:"cloudEventsVersion"`
	Source             string     `json:"source"`
	EventID            string     `json:"eventId"`
	Data               hookedData `json:"data"`
	EventTime          string     `json:"eventTime"`
	ContentType        string     `json:"contentType"`
}

type hookedData struct {
	Events []json.RawMessage `json:"events"`
}

func hookBody(base, hookID string, events [][]byte, now time.Time) []byte {
	if base == "" {
		base = "https://acme.okta.com"
	}
	e := hookEnvelope{
		EventType: "com.okta.event_hook", EventTypeVersion: "1.0", CloudEventsVersion: "0.1",
		Source: base + hooksPath + "/" + hookID, EventID: uuid4(), EventTime: formatTime(now), ContentType: "application/json",
	}
	for _, raw := range events {
		e.Data.Events = append(e.Data.Events, hooked(raw, hookID))
	}
	return encodePlain(e)
}

// hooked is an event as a hook carries it, which is not as the log has it: no request (its ipChain is the client's), no nulls, the ids
// of the hooks that it goes to, and other bytes. An event that is no object goes as it is.
func hooked(raw []byte, hookID string) json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var event map[string]any
	if decoder.Decode(&event) != nil {
		return raw
	}
	if request, ok := event["request"].(map[string]any); ok {
		if client, ok := event["client"].(map[string]any); ok {
			client["ipChain"] = request["ipChain"]
		}
	}
	delete(event, "request")
	if debug, ok := event["debugContext"].(map[string]any); ok {
		if data, ok := debug["debugData"].(map[string]any); ok {
			data["targetEventHookIds"] = hookID
		}
	}
	return encodePlain(withoutNulls(event))
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if value == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNulls(value)
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

func encodePlain(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("oktasim: encoding a hook: %v", err)) // plain data only
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func uuid4() string {
	hi, lo := rand.Uint64(), rand.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xfff, 0x8000|lo>>50&0x3fff, lo&(1<<48-1))
}
