package oktasim

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

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

// challengeHook reports whether a receiver answers the challenge, in one of two tries.
func (o *Org) challengeHook(ctx context.Context, h eventHook) bool {
	o.mu.Lock()
	client := o.hookClient()
	o.mu.Unlock()
	for range hookTries {
		challenge := rand.Text()
		ask, err := h.request(ctx, http.MethodGet, nil)
		if err != nil {
			return false
		}
		ask.Header.Set(challengeHeader, challenge)
		resp, err := client.Do(ask)
		if err != nil {
			continue
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
		_ = resp.Body.Close()
		if err == nil && resp.StatusCode == http.StatusOK && json.Valid(body) && gjson.GetBytes(body, "verification").Str == challenge {
			return true
		}
	}
	return false
}

// request is one to the receiver. A verification has the same headers as a delivery, the secret's as well (Okta support, "Unable to verify
// event hook").
func (h eventHook) request(ctx context.Context, method string, body io.Reader) (*http.Request, error) {
	c := h.Channel.Config
	r, err := http.NewRequestWithContext(ctx, method, c.URI, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "Okta-Integrations")
	r.Header.Set("Accept", "application/json")
	for _, own := range c.Headers {
		r.Header.Set(own.Key, own.Value)
	}
	if c.Auth != nil {
		r.Header.Set(c.Auth.Key, h.secret)
	}
	return r, nil
}

// SendHooks sends event hooks until ctx ends, and returns ctx.Err(): to each active and verified hook what was logged since, of the
// types it is for, in batches, Hooks.Delay after the oldest of them was published. A failed delivery is an event in the log.
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
	rounds int
}

func (o *Org) dueBatches() (due []batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	delay := cmp.Or(o.Hooks.Delay, hookDelay)
	visible := o.visible()
	for _, h := range o.hooks {
		if !h.live() {
			continue
		}
		var events [][]byte
		next, ripe := h.next, false
		for ; next < visible && len(events) < hookBatch; next++ {
			e := o.log.events[next]
			kind := gjson.GetBytes(e.raw, "eventType").Str
			if slices.Contains(h.Events.Items, kind) {
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
		rounds := 1
		if mathrand.Float64() < o.Hooks.Repeat {
			rounds = 2
		}
		due = append(due, batch{*h, o.hookClient(), o.PublicURL, events, rounds})
	}
	return due
}

// sendBatch makes at most two attempts, and more of them when the batch is one that is repeated.
func (o *Org) sendBatch(ctx context.Context, b batch) {
	body := hookBody(b.base, b.hook.ID, b.events, o.Now())
	uuids := make([]string, len(b.events))
	for i, raw := range b.events {
		uuids[i] = gjson.GetBytes(raw, "uuid").Str
	}
	for range b.rounds {
		taken := false
		for try := 1; try <= hookTries && !taken; try++ {
			status := postHook(ctx, b, body)
			if ctx.Err() != nil {
				return
			}
			o.tried(Delivery{Hook: b.hook.ID, Try: try, Status: status, UUIDs: uuids})
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

// postHook returns the status; 0: there was none in time.
func postHook(ctx context.Context, b batch, body []byte) int {
	r, err := b.hook.request(ctx, http.MethodPost, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := b.client.Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	_ = resp.Body.Close()
	return resp.StatusCode
}

// logFailedHook is all that Okta tells of a delivery that failed: the events are not sent again.
func (o *Org) logFailedHook(h eventHook) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	failed := &play{Scenes: []script{{
		By: new(string), Vary: map[string][]any{"hook": {map[string]any{"id": h.ID, "name": h.Name}}},
		Events: []step{{[]string{"event_hook.delivery: failed"}, 1}},
	}}}
	s := o.company().perform(failed, now)[0]
	o.log.add(now.UnixMilli(), now.UnixMilli(), now.UnixMilli(), s.events[0])
}

// Hook registers a hook for as many eligible types as one takes, and verifies it, as an administrator does. It replaces a hook for the
// same uri, and changes nothing when the receiver does not answer the challenge.
func (o *Org) Hook(ctx context.Context, uri, header, secret string) error {
	if !hookURI(uri) {
		return fmt.Errorf("%q is no address that Okta would send to", uri)
	}
	types := HookEligible()
	h := eventHook{
		Verification: "VERIFIED", Name: uri, secret: secret,
		Events: hookEvents{Type: "EVENT_TYPE", Items: types[len(types)-hookTypes:]},
		Channel: channel{Type: "HTTP", Version: "1.0.0", Config: channelConfig{
			URI: uri, Headers: []hookHeader{}, Method: http.MethodPost, Auth: &hookHeader{Type: "HEADER", Key: header},
		}},
	}
	if !o.challengeHook(ctx, h) {
		return errors.New("the receiver does not answer the verification request")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hooks = slices.DeleteFunc(o.hooks, func(h *eventHook) bool { return h.Channel.Config.URI == uri })
	o.register(&h)
	return nil
}
