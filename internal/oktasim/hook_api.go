package oktasim

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// eventHooks serves /api/v1/eventHooks to SSWS tokens: create, read, replace, delete, and the life cycle.
func (o *Org) eventHooks(w http.ResponseWriter, r *http.Request) {
	id, action, _ := strings.Cut(strings.Trim(strings.TrimPrefix(r.URL.Path, hooksPath), "/"), "/")
	if r.Method == http.MethodPost && action == "lifecycle/verify" {
		o.verifyHook(w, r, id)
		return
	}
	o.serve(w, r, func(r *http.Request) reply {
		if _, refused := o.authenticate(r, logsScope); refused != nil {
			return *refused
		}
		answer, e := o.hookAction(r, id, action)
		if e != nil {
			return o.refusal(e)
		}
		return o.hookReply(answer)
	})
}

// hookReply carries a hook or a list of them; nil is 204.
func (o *Org) hookReply(answer any) reply {
	h := http.Header{}
	o.quota.showOn(h, o.limit(), o.now())
	if answer == nil {
		return reply{http.StatusNoContent, h, nil}
	}
	return reply{http.StatusOK, h, encodePlain(answer)}
}

// hookAction runs under the mutex.
func (o *Org) hookAction(r *http.Request, id, action string) (any, *apiError) {
	if id == "" {
		switch r.Method {
		case http.MethodGet:
			return append([]*eventHook{}, o.hooks...), nil
		case http.MethodPost:
			return o.createHook(r.Body)
		}
		return nil, errMethod
	}
	h := o.hook(id)
	if h == nil {
		return nil, errNotFound(id)
	}
	switch r.Method + " " + action {
	case "GET ":
		return h, nil
	case "PUT ":
		changed, e := readHook(r.Body)
		if e != nil {
			return nil, e
		}
		if changed.Channel.Config.URI != h.Channel.Config.URI { // another address has to prove itself
			h.Verification = "UNVERIFIED"
		}
		h.Name, h.Events, h.Channel, h.secret = changed.Name, changed.Events, changed.Channel, changed.secret
	case "DELETE ":
		if h.Status == "ACTIVE" {
			return nil, errInvalid("eventHook", "An active event hook cannot be deleted.")
		}
		o.hooks = slices.DeleteFunc(o.hooks, func(other *eventHook) bool { return other == h })
		return nil, nil
	case "POST lifecycle/activate":
		h.Status, h.next = "ACTIVE", o.visible()
	case "POST lifecycle/deactivate":
		h.Status = "INACTIVE"
	default:
		return nil, errMethod
	}
	h.LastUpdated = formatTime(o.now())
	return h, nil
}

func (o *Org) hook(id string) *eventHook {
	at := slices.IndexFunc(o.hooks, func(h *eventHook) bool { return h.ID == id })
	if at < 0 {
		return nil
	}
	return o.hooks[at]
}

func (o *Org) createHook(body io.Reader) (any, *apiError) {
	h, e := readHook(body)
	if e != nil {
		return nil, e
	}
	if slices.ContainsFunc(o.hooks, func(other *eventHook) bool { return other.Name == h.Name }) {
		return nil, errInvalid("name", "An event hook with this name exists already.")
	}
	h.Verification = "UNVERIFIED"
	o.register(h)
	return h, nil
}

func (o *Org) register(h *eventHook) {
	h.ID = "who" + strconv.FormatUint(1e16+rand.Uint64N(9e16), 10)
	h.Status, h.CreatedBy, h.Created, h.next = "ACTIVE", "00uAdministrator0000", formatTime(o.now()), o.visible()
	h.LastUpdated = h.Created
	o.hooks = append(o.hooks, h)
}

// readHook reads and checks what a client sent.
func readHook(body io.Reader) (*eventHook, *apiError) {
	var h eventHook
	if err := json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&h); err != nil {
		return nil, &apiError{http.StatusBadRequest, "E0000003", "The request body was not well-formed.", nil}
	}
	config := &h.Channel.Config
	switch {
	case h.Name == "":
		return nil, errInvalid("name", "The field cannot be left blank")
	case h.Events.Type != "EVENT_TYPE":
		return nil, errInvalid("events.type", "must be EVENT_TYPE")
	case len(h.Events.Items) == 0 || len(h.Events.Items) > hookTypes:
		return nil, errInvalid("events.items", "must have 1 to "+strconv.Itoa(hookTypes)+" event types")
	case h.Channel.Type != "HTTP" || h.Channel.Version != "1.0.0":
		return nil, errInvalid("channel", "must be HTTP, version 1.0.0")
	case !hookURI(config.URI):
		return nil, errInvalid("channel.config.uri", "must be an HTTPS URL")
	case config.Auth != nil && (config.Auth.Type != "HEADER" || config.Auth.Key == "" || config.Auth.Value == ""):
		return nil, errInvalid("channel.config.authScheme", "must have type HEADER, a key and a value")
	}
	eligible := HookEligible()
	for _, item := range h.Events.Items {
		if !slices.Contains(eligible, item) {
			return nil, errInvalid("events.items", item+" is not eligible for event hooks")
		}
	}
	if config.Auth != nil {
		h.secret, config.Auth.Value = config.Auth.Value, ""
	}
	config.Method = http.MethodPost
	if config.Headers == nil {
		config.Headers = []hookHeader{}
	}
	return &h, nil
}

// hookURI reports whether Okta would send to a URL. Plain HTTP to loopback is this simulator's own, for a receiver without certificate.
func hookURI(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	loopback := ip != nil && ip.IsLoopback() || u.Hostname() == "localhost"
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

// verifyHook makes the receiver prove that it wants hooks: a GET with a challenge, which the answer must echo in JSON.
func (o *Org) verifyHook(w http.ResponseWriter, r *http.Request, id string) {
	o.mu.Lock()
	_, refused := o.authenticate(r, logsScope)
	var asked eventHook
	if h := o.hook(id); h != nil && refused == nil {
		asked = *h
	}
	o.mu.Unlock()
	verified := asked.ID != "" && o.challengeHook(r.Context(), asked)
	o.serve(w, r, func(r *http.Request) reply {
		h := o.hook(id)
		switch {
		case refused != nil:
			return *refused
		case h == nil:
			return o.refusal(errNotFound(id))
		case !verified:
			return o.refusal(errInvalid("channel.config.uri", "The event hook could not be verified."))
		case !h.live() && o.liveHooks() == activeHooks:
			return o.refusal(errInvalid("eventHook", "The org has "+strconv.Itoa(activeHooks)+" active and verified event hooks."))
		}
		if !h.live() {
			h.next = o.visible()
		}
		h.Verification, h.LastUpdated = "VERIFIED", formatTime(o.now())
		return o.hookReply(h)
	})
}

func (o *Org) liveHooks() (n int) {
	for _, h := range o.hooks {
		if h.live() {
			n++
		}
	}
	return n
}
