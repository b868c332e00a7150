package oktasim

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"
)

// hookClient never follows a redirect: Okta documents that for inline hooks.
func (o *Org) hookClient() *http.Client {
	client := http.Client{}
	if o.Hooks.Client != nil {
		client = *o.Hooks.Client
	}
	client.Timeout = hookTimeout
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// challengeHook reports whether a receiver answers the challenge, in one of two tries: it must echo it in JSON.
func (o *Org) challengeHook(ctx context.Context, h eventHook) bool {
	o.mu.Lock()
	client := o.hookClient()
	o.mu.Unlock()
	for range hookTries {
		challenge := rand.Text()
		status, body := h.send(ctx, client, http.MethodGet, nil, challengeHeader, challenge)
		if status == http.StatusOK && json.Valid(body) && gjson.GetBytes(body, "verification").Str == challenge {
			return true
		}
	}
	return false
}

// send makes one request to the receiver; status 0: there was no answer in time. A verification has the same headers as a delivery, the
// secret's as well (Okta support, "Unable to verify event hook").
func (h eventHook) send(ctx context.Context, client *http.Client, method string, body []byte, name, value string) (int, []byte) {
	r, err := http.NewRequestWithContext(ctx, method, h.uri, bytes.NewReader(body))
	if err != nil {
		return 0, nil
	}
	r.Header.Set("User-Agent", "Okta-Integrations")
	r.Header.Set("Accept", "application/json")
	r.Header.Set(name, value)
	r.Header.Set(h.header, h.secret)
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		answer = nil
	}
	return resp.StatusCode, answer
}

// SendHooks sends event hooks until ctx ends, and returns ctx.Err(): to each hook what was logged since, of the types it is for, in
// batches, Hooks.Delay after the oldest of them was published. A failed delivery is an event in the log.
func (o *Org) SendHooks(ctx context.Context) error {
	var sending sync.WaitGroup
	defer sending.Wait()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		for _, b := range o.dueBatches() {
			sending.Go(func() { o.sendBatch(ctx, b) })
		}
	}
}

// batch is one delivery to come.
type batch struct {
	hook   eventHook
	client *http.Client
	base   string
	events [][]byte
	times  int // how often it is delivered
}

func (o *Org) dueBatches() (due []batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	delay := cmp.Or(o.Hooks.Delay, hookDelay)
	visible := o.log.visible(o.shown())
	for _, h := range o.hooks {
		var events [][]byte
		next, ripe := h.next, false
		for ; next < visible && len(events) < hookBatch; next++ {
			e := o.log.events[next]
			if hookedTypes[gjson.GetBytes(e.raw, "eventType").Str] {
				events = append(events, e.raw)
				ripe = ripe || now.UnixMilli()-e.published >= delay.Milliseconds()
			}
		}
		if len(events) > 0 && !ripe {
			continue
		}
		h.next = next
		if len(events) == 0 || mathrand.Float64() < o.Hooks.Lose {
			continue
		}
		if o.Hooks.Reverse {
			slices.Reverse(events)
		}
		times := 1
		if mathrand.Float64() < o.Hooks.Repeat {
			times = 2
		}
		due = append(due, batch{hook: *h, client: o.hookClient(), base: o.PublicURL, events: events, times: times})
	}
	return due
}

// sendBatch makes at most two attempts for each time that the batch is delivered.
func (o *Org) sendBatch(ctx context.Context, b batch) {
	body := hookBody(b.base, b.hook.id, b.events, o.Now())
	uuids := make([]string, len(b.events))
	for i, raw := range b.events {
		uuids[i] = gjson.GetBytes(raw, "uuid").Str
	}
	for range b.times {
		taken := false
		for try := 1; try <= hookTries && !taken; try++ {
			status, _ := b.hook.send(ctx, b.client, http.MethodPost, body, "Content-Type", "application/json")
			if ctx.Err() != nil {
				return
			}
			o.remember(Delivery{Hook: b.hook.id, Try: try, Status: status, UUIDs: uuids})
			taken = status/100 == 2
			if status/100 == 3 || status/100 == 4 {
				break
			}
		}
		if !taken {
			o.logFailedHook(b.hook)
		}
	}
}

// logFailedHook is all that Okta tells of a delivery that failed: the events are not sent again.
func (o *Org) logFailedHook(h eventHook) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.world == nil {
		o.world = newWorld(o.Seed)
	}
	now := o.now()
	failed := &play{Scenes: []script{{
		By: new(string), Vary: map[string][]any{"hook": {map[string]any{"id": h.id, "name": h.uri}}},
		Events: []step{{[]string{"event_hook.delivery: failed"}, 1}},
	}}}
	s := o.world.perform(failed, now)[0]
	o.log.add(now.UnixMilli(), now.UnixMilli(), now.UnixMilli(), s.events[0])
}

// hookEnvelope has the members of Okta's example and of captures, in their order.
type hookEnvelope struct {
	EventType          string `json:"eventType"`
	EventTypeVersion   string `json:"eventTypeVersion"`
	CloudEventsVersion string `json:"cloudEventsVersion"`
	Source             string `json:"source"`
	EventID            string `json:"eventId"`
	Data               struct {
		Events []json.RawMessage `json:"events"`
	} `json:"data"`
	EventTime   string `json:"eventTime"`
	ContentType string `json:"contentType"`
}

func hookBody(base, hookID string, events [][]byte, now time.Time) []byte {
	if base == "" {
		base = "https://acme.okta.com"
	}
	e := hookEnvelope{
		EventType: "com.okta.event_hook", EventTypeVersion: "1.0", CloudEventsVersion: "0.1",
		Source: base + "/api/v1/eventHooks/" + hookID, EventID: uuid.NewString(), EventTime: formatTime(now), ContentType: "application/json",
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
