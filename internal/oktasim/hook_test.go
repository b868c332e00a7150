package oktasim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// receiver is somebody who takes hooks, in memory.
type receiver struct {
	mu     sync.Mutex
	status int           // 0: 204
	hang   time.Duration // before an answer
	bodies []string
	heads  []http.Header
	at     []time.Time
	asked  http.Header // of the last verification
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.Method == http.MethodGet {
		r.asked = q.Header
		_ = json.NewEncoder(w).Encode(map[string]string{"verification": q.Header.Get("x-okta-verification-challenge")})
		return
	}
	body, _ := io.ReadAll(q.Body)
	r.bodies, r.heads, r.at = append(r.bodies, string(body)), append(r.heads, q.Header), append(r.at, time.Now())
	wait(q.Context(), r.hang)
	if r.status == 0 {
		r.status = http.StatusNoContent
	}
	w.WriteHeader(r.status)
}

func hookJSON(uri string, types ...string) string {
	items, _ := json.Marshal(types)
	return fmt.Sprintf(`{"name":"siem","events":{"type":"EVENT_TYPE","items":%s},"channel":{"type":"HTTP","version":"1.0.0","config":{"uri":%q,`+
		`"headers":[{"key":"X-Other","value":"Other value"}],"authScheme":{"type":"HEADER","key":"Authorization","value":"s3cret value"}}}}`,
		items, uri)
}

func (o *Org) call(method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "SSWS t")
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// hooking registers a hook for all eligible types and sends, in a bubble, until the returned func is called.
func hooking(t *testing.T, o *Org, to *receiver) (id string, stop func()) {
	t.Helper()
	pipe := Serve(to)
	o.Hooks.Client = pipe.Client()
	status, body := o.call("POST", "/api/v1/eventHooks", hookJSON("http://localhost/hooks", HookEligible()[:300]...))
	require.Equal(t, 200, status, body)
	id = gjson.Get(body, "id").Str
	status, body = o.call("POST", "/api/v1/eventHooks/"+id+"/lifecycle/verify", "")
	require.Equal(t, 200, status, body)
	require.Equal(t, "VERIFIED", gjson.Get(body, "verificationStatus").Str)
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() { _ = o.SendHooks(ctx) })
	return id, func() { cancel(); sending.Wait(); pipe.Close() }
}

func logged(uuid, kind string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"uuid":%q,"eventType":%q,"published":%q,"client":{"id":null,"zone":"null"},"request":{"ipChain":[{"ip":"192.0.2.1"}]},`+
		`"debugContext":{"debugData":{"n":1.50}}}`, uuid, kind, formatTime(at))
}

func TestHooksCarryEligibleEventsInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, to := &Org{PublicURL: "https://acme.okta.com"}, &receiver{}
		o.Append(logged("before", "user.session.start", time.Now()))
		id, stop := hooking(t, o, to)
		defer stop()
		began := time.Now()
		o.Append(logged("a", "user.lifecycle.create", began), logged("b", "policy.evaluate_sign_on", began))
		time.Sleep(4 * time.Second)
		synctest.Wait() // for the race detector
		o.Append(logged("c", "group.user_membership.add", time.Now()))
		time.Sleep(time.Minute)
		synctest.Wait() // for the race detector
		require.Len(t, to.bodies, 1, "what is close in time travels together")
		require.Equal(t, 10*time.Second, to.at[0].Sub(began))
		body := gjson.Parse(to.bodies[0])
		require.Equal(t, `["a","c"]`, body.Get("data.events.#.uuid").Raw, "neither what was logged before nor what is not eligible")
		require.Equal(t, "com.okta.event_hook", body.Get("eventType").Str)
		require.Equal(t, "https://acme.okta.com/api/v1/eventHooks/"+id, body.Get("source").Str)
		first := body.Get("data.events.0")
		require.False(t, first.Get("request").Exists() || first.Get("client.id").Exists(), "no request, no nulls")
		require.Equal(t, "192.0.2.1", first.Get("client.ipChain.0.ip").Str)
		require.Equal(t, id, first.Get("debugContext.debugData.targetEventHookIds").Str)
		require.Equal(t, "1.50", first.Get("debugContext.debugData.n").Raw)
		require.Equal(t, "s3cret value", to.heads[0].Get("Authorization"))
		require.Equal(t, "Other value", to.heads[0].Get("X-Other"))
		for _, same := range []string{"Authorization", "X-Other", "Accept", "User-Agent"} {
			require.Equal(t, to.heads[0].Get(same), to.asked.Get(same), "a verification has the headers of a delivery")
		}
		require.Equal(t, []Delivery{{Time: began.Add(10 * time.Second).UTC(), Hook: id, Try: 1, Status: 204, UUIDs: []string{"a", "c"}}}, o.Deliveries())
	})
}

// Once more after a time-out and a 5xx, never after a 4xx; then only the log tells.
func TestHooksAreRepeatedOnceAtMost(t *testing.T) {
	for name, c := range map[string]struct {
		to    *receiver
		tries []int
	}{
		"500":      {&receiver{status: 500}, []int{500, 500}},
		"time-out": {&receiver{hang: 4 * time.Second}, []int{0, 0}},
		"slow":     {&receiver{hang: 2 * time.Second}, []int{204}},
		"400":      {&receiver{status: 400}, []int{400}},
		"redirect": {&receiver{status: 302}, []int{302}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := &Org{}
				_, stop := hooking(t, o, c.to)
				defer stop()
				o.Append(logged("a", "user.lifecycle.create", time.Now()))
				time.Sleep(time.Minute)
				synctest.Wait() // for the race detector
				var tries []int
				for _, d := range o.Deliveries() {
					tries = append(tries, d.Status)
				}
				require.Equal(t, c.tries, tries)
				failed := gjson.GetBytes(o.Events()[o.Len()-1], "eventType").Str == "event_hook.delivery"
				require.Equal(t, c.tries[0] != 204, failed)
			})
		})
	}
}

func TestHooksCanBeLostRepeatedAndReversed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, to := &Org{}, &receiver{}
		_, stop := hooking(t, o, to)
		defer stop()
		step := func(h Hooks, uuids ...string) {
			h.Client = o.Hooks.Client
			o.Set(func(o *Org) { o.Hooks = h })
			for _, uuid := range uuids {
				o.Append(logged(uuid, "user.lifecycle.create", time.Now()))
			}
			time.Sleep(30 * time.Second)
			synctest.Wait() // for the race detector
		}
		step(Hooks{Lose: 1}, "a")
		require.Empty(t, to.bodies)
		step(Hooks{Repeat: 1}, "b")
		require.Len(t, to.bodies, 2)
		step(Hooks{Reverse: true, Delay: time.Second}, "c", "d")
		require.Equal(t, `["d","c"]`, gjson.Get(to.bodies[2], "data.events.#.uuid").Raw)
	})
}

func TestHooksAreRegisteredAsOktaDoes(t *testing.T) {
	o := &Org{Token: "t"}
	create := func(body string) string { _, answer := o.call("POST", "/api/v1/eventHooks", body); return answer }
	const uri = "https://siem.example/hooks"
	for want, body := range map[string]string{
		"E0000003": `{`,
		"'events.items': policy.evaluate_sign_on is not eligible": hookJSON(uri, "policy.evaluate_sign_on"),
		"must have 1 to 300 event types":                          hookJSON(uri),
		"must be an HTTPS URL":                                    hookJSON("http://siem.example/", "user.session.start"),
		"'name'":                                                  `{"name":""}`,
		"must have type HEADER":                                   strings.Replace(hookJSON(uri, "user.session.start"), "s3cret value", "", 1),
	} {
		require.Contains(t, create(body), want)
	}
	answer := create(hookJSON(uri, "user.session.start"))
	require.NotContains(t, answer, "s3cret")
	require.Equal(t, "UNVERIFIED", gjson.Get(answer, "verificationStatus").Str)
	require.Contains(t, create(hookJSON(uri, "user.session.start")), "exists already")
	path := "/api/v1/eventHooks/" + gjson.Get(answer, "id").Str
	for _, step := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", path, "", 200}, {"GET", "/api/v1/eventHooks", "", 200}, {"GET", "/api/v1/eventHooks/no", "", 404},
		{"PUT", path, hookJSON(uri, "user.session.end"), 200}, {"DELETE", path, "", 400},
		{"POST", path + "/lifecycle/deactivate", "", 200}, {"POST", path + "/lifecycle/activate", "", 200}, {"PATCH", path, "", 405},
		{"POST", path + "/lifecycle/deactivate", "", 200}, {"DELETE", path, "", 204}, {"GET", path, "", 404},
		{"POST", path + "/lifecycle/verify", "", 404},
	} {
		status, body := o.call(step.method, step.path, step.body)
		require.Equalf(t, step.status, status, "%s %s: %s", step.method, step.path, body)
	}
	o.Token = "another"
	status, _ := o.call("GET", "/api/v1/eventHooks", "")
	require.Equal(t, 401, status)
}

func TestHooksThatDoNotEchoTheChallengeFail(t *testing.T) {
	for name, answer := range map[string]string{
		"echo as text": "CHALLENGE", "other JSON": `{"challenge":"CHALLENGE"}`, "other challenge": `{"verification":"x"}`, "": `{"verification":""}`,
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				_, _ = io.WriteString(w, strings.ReplaceAll(answer, "CHALLENGE", r.Header.Get("x-okta-verification-challenge")))
			}))
			defer server.Close()
			o := &Org{}
			_, body := o.call("POST", "/api/v1/eventHooks", hookJSON(server.URL, "user.session.start"))
			status, body := o.call("POST", "/api/v1/eventHooks/"+gjson.Get(body, "id").Str+"/lifecycle/verify", "")
			require.Equal(t, 400, status, body)
			require.Equal(t, 2, asked)
		})
	}
}

// Only what changes a hook is an update.
func TestReadingAHookIsNoUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Org{}
		_, created := o.call("POST", "/api/v1/eventHooks", hookJSON("https://siem.example/hooks", HookEligible()[0]))
		path := "/api/v1/eventHooks/" + gjson.Get(created, "id").Str
		for _, c := range []struct {
			method, path, body string
			updates            bool
		}{
			{"GET", path, "", false},
			{"GET", "/api/v1/eventHooks", "", false},
			{"POST", path, "", false}, // which is refused
			{"POST", path + "/lifecycle/deactivate", "", true},
			{"POST", path + "/lifecycle/activate", "", true},
			{"PUT", path, hookJSON("https://siem.example/other", HookEligible()[0]), true},
		} {
			_, before := o.call("GET", path, "")
			time.Sleep(time.Minute)
			o.call(c.method, c.path, c.body)
			_, after := o.call("GET", path, "")
			was, is := gjson.Get(before, "lastUpdated").Str, gjson.Get(after, "lastUpdated").Str
			require.NotEmpty(t, was)
			require.Equal(t, c.updates, was != is, "%s %s", c.method, c.path)
		}
	})
}
