package oktasim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// hookBody has the members of Okta's example and of captures, in their order.
func hookBody(base, hookID string, events [][]byte, now time.Time) []byte {
	var all [][]byte
	for _, raw := range events {
		all = append(all, hooked(raw, hookID))
	}
	return fmt.Appendf(nil, `{"eventType":"com.okta.event_hook","eventTypeVersion":"1.0","cloudEventsVersion":"0.1","source":%s,"eventId":%q,`+
		`"data":{"events":[%s]},"eventTime":%q,"contentType":"application/json"}`,
		encodePlain(cmp.Or(base, "https://acme.okta.com")+hooksPath+"/"+hookID), uuid.NewString(), bytes.Join(all, []byte(",")), formatTime(now))
}

// hooked is an event as a hook carries it, which is not as the log has it: no request (its ipChain is the client's), no nulls, the ids
// of the hooks that it goes to, and other bytes. An event that is no object goes as it is.
func hooked(raw []byte, hookID string) []byte {
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
		panic(fmt.Sprintf("oktasim: encoding %T: %v", v, err)) // plain data only
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
