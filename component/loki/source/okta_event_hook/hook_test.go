package okta_event_hook

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/syntax/encoding/alloyjson"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/vm"

	"github.com/grafana/alloy/okta/internal/hook"
	"github.com/grafana/alloy/okta/internal/testbed"
)

const secret = "00hunter2secretvalue"

const twoOrgs = `
http { listen_port = 0 }
org "acme" {
  url     = "https://acme.okta.com"
  secrets = ["` + secret + `", "the next secret of acme"]
  labels  = { region = "eu" }
}
org "other" {
  url     = "https://other.okta.com"
  secrets = ["the secret of other"]
}
`

func evaluate(t *testing.T, body string, receivers ...loki.LogsReceiver) (args Arguments, err error) {
	t.Helper()
	names, scope := []string{}, map[string]any{}
	for i, r := range receivers {
		names = append(names, fmt.Sprintf("r%d", i))
		scope[names[i]] = r
	}
	file, err := parser.ParseFile("config.alloy", []byte("forward_to = ["+strings.Join(names, ", ")+"]\n"+body))
	require.NoError(t, err)
	err = vm.New(file).Evaluate(vm.NewScope(scope), &args)
	return args, err
}

// site is a component and all that it shows of itself.
type site struct {
	*Component
	registry *prometheus.Registry
	logs     testbed.Log
}

func (s *site) everything(t *testing.T) string {
	t.Helper()
	families, err := s.registry.Gather()
	require.NoError(t, err)
	return fmt.Sprintf("%s %s %+v %v", s.logs.String(), s.CurrentHealth().Message, s.DebugInfo(), families)
}

func (s *site) count(t *testing.T, name string) float64 {
	t.Helper()
	families, err := s.registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "loki_source_okta_event_hook_"+name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func build(t *testing.T, body string, receivers ...loki.LogsReceiver) *site {
	t.Helper()
	args, err := evaluate(t, body, receivers...)
	require.NoError(t, err)
	s := &site{registry: prometheus.NewRegistry()}
	s.Component, err = New(component.Options{ID: "loki.source.okta_event_hook.test", Logger: slog.New(slog.NewTextHandler(&s.logs, nil)),
		Registerer: s.registry}, args)
	require.NoError(t, err)
	return s
}

func noticeOf(org string, events ...string) hook.Notice {
	n := hook.Notice{Org: org, Received: time.Now()}
	for _, raw := range events {
		var facts struct{ UUID string }
		_ = json.Unmarshal([]byte(raw), &facts)
		n.Events = append(n.Events, hook.Event{UUID: facts.UUID, Raw: []byte(raw)})
	}
	return n
}

func eventOf(uuid string) string {
	return fmt.Sprintf(`{"uuid":%q,"eventType":"user.session.start","published":"2026-08-21T10:00:00.123Z","severity":"WARN"}`, uuid)
}

// drain collects what a receiver gets until the test ends.
func drain(r loki.LogsReceiver) (got func() []loki.Entry, stop func()) {
	var mu sync.Mutex
	var entries []loki.Entry
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case e := <-r.Chan():
				mu.Lock()
				entries = append(entries, e)
				mu.Unlock()
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() []loki.Entry { mu.Lock(); defer mu.Unlock(); return entries }, func() { cancel(); <-done }
}

func uuids(entries []loki.Entry) (all []string) {
	for _, e := range entries {
		_, rest, _ := strings.Cut(e.Line, `"uuid":"`)
		uuid, _, _ := strings.Cut(rest, `"`)
		all = append(all, uuid)
	}
	return all
}

func TestHooksBecomeEntriesOfTheirOrg(t *testing.T) {
	receiver := loki.NewLogsReceiver()
	s := build(t, twoOrgs+`redact { mode = "mask" }`+"\n", receiver)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	defer func() { cancel(); <-done }()
	require.Eventually(t, func() bool { return s.server.Addr() != nil }, 20*time.Second, time.Millisecond)

	raw, err := os.ReadFile("../../../../testdata/events/hook_form.json")
	require.NoError(t, err)
	var got []loki.Entry
	post := func(path, secret string) int {
		body := fmt.Sprintf(`{"eventType":"com.okta.event_hook","data":{"events":[%s,null]}}`, raw)
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.server.Addr().String()+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Authorization", secret)
		r.Header.Set("Content-Type", "application/json")
		status := make(chan int, 1)
		go func() {
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				status <- 0
				return
			}
			_ = resp.Body.Close()
			status <- resp.StatusCode
		}()
		for {
			select {
			case e := <-receiver.Chan():
				got = append(got, e)
			case code := <-status:
				return code
			}
		}
	}
	require.Equal(t, 204, post("/okta/acme", secret))
	require.Equal(t, 204, post("/okta/other", "the secret of other"), "the same uuid in another org is another event")
	require.Equal(t, 204, post("/okta/acme", "the next secret of acme"))
	require.Equal(t, 401, post("/okta/other", secret))
	require.Len(t, got, 2)
	require.Equal(t, `{hook="true", job="loki.source.okta", org="acme.okta.com", region="eu"}`, got[0].Labels.String())
	require.Equal(t, `{hook="true", job="loki.source.okta", org="other.okta.com"}`, got[1].Labels.String())
	require.True(t, strings.HasPrefix(got[0].Line, `{"event":{"actor":{"id":"00u1k2mfa7Qw3ErTy5d7","type":"User","alternateId":"***"`), got[0].Line)
	require.NotContains(t, got[0].Line, "mara.lindqvist")
	require.Equal(t, "2026-08-21T09:18:54.666Z", got[0].Timestamp.Format(time.RFC3339Nano))
	require.Contains(t, fmt.Sprint(got[0].StructuredMetadata), "user.session.start")

	all := s.everything(t)
	for _, text := range []string{secret, "the secret of other", "mara.lindqvist", string(raw[:60])} {
		require.NotContains(t, all, text)
	}
	require.Equal(t, component.HealthTypeHealthy, s.CurrentHealth().Health)
	info := s.DebugInfo().(debugInfo)
	require.Equal(t, s.server.Addr().String(), info.Address)
	require.Equal(t, []string{"acme", "/okta/acme", "other", "/okta/other"}, []string{info.Orgs[0].Name, info.Orgs[0].Path, info.Orgs[1].Name, info.Orgs[1].Path})
	shown, err := alloyjson.MarshalBody(s.DebugInfo())
	require.NoError(t, err)
	require.Contains(t, string(shown), "events_forwarded")
}

// Okta sends an org's secret with the verification, too: another's is refused there.
func TestAHookWithAWrongSecretIsNotVerified(t *testing.T) {
	s := build(t, twoOrgs, loki.NewLogsReceiver())
	verify := func(secret string) int {
		r := httptest.NewRequest("GET", "/okta/acme/", nil)
		r.Header.Set("X-Okta-Verification-Challenge", "challenge")
		r.Header.Set("Authorization", secret)
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, r)
		return w.Code
	}
	require.Equal(t, []int{200, 200, 401, 200}, []int{verify(secret), verify("the next secret of acme"), verify("the secret of other"), verify("")})
	require.Equal(t, 1, strings.Count(s.everything(t), "event hook refused: its secret is none of those configured"))
}

func TestRedeliveriesAreForwardedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		receiver := loki.NewLogsReceiver()
		s := build(t, twoOrgs+`line_format = "event"`, receiver)
		got, stop := drain(receiver)
		defer stop()
		require.NoError(t, s.receive(t.Context(), noticeOf("acme", eventOf("a"), eventOf("b"), `{"n":1}`)))
		require.NoError(t, s.receive(t.Context(), noticeOf("acme", eventOf("b"), eventOf("c"), `{"n":1}`)))
		synctest.Wait()
		require.Equal(t, []string{"a", "b", "", "c", ""}, uuids(got()), "without a uuid nothing tells a repeat")
		require.Equal(t, eventOf("a"), got()[0].Line)
		require.Equal(t, 1.0, s.count(t, "duplicate_events_total"))
		require.Equal(t, 5.0, s.count(t, "entries_total"))

		args, err := evaluate(t, twoOrgs, receiver)
		require.NoError(t, err)
		require.NoError(t, s.Update(args))
		require.NoError(t, s.receive(t.Context(), noticeOf("acme", eventOf("c"))))
		synctest.Wait()
		require.Len(t, got(), 5, "a reload forgets nothing")
	})
}

// A receiver that blocks for more than two seconds makes Okta send the hook once more. Who had an event does not get it again.
func TestABlockedReceiverRefusesTheHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := loki.NewLogsReceiver(), loki.NewLogsReceiver()
		s := build(t, twoOrgs, one, two)
		first, stop := drain(one)
		defer stop()
		began := time.Now()
		require.ErrorIs(t, s.receive(t.Context(), noticeOf("acme", eventOf("a"), eventOf("b"))), errBlocked)
		require.Equal(t, 2*time.Second, time.Since(began))
		health := s.CurrentHealth()
		require.Equal(t, component.HealthTypeUnhealthy, health.Health)
		require.Contains(t, health.Message, "receiver .receiver takes no entries since 2000-01-01T00:00:02Z")
		second, stopSecond := drain(two)
		defer stopSecond()
		require.NoError(t, s.receive(t.Context(), noticeOf("acme", eventOf("a"), eventOf("b"))))
		synctest.Wait()
		require.Equal(t, []string{"a", "b"}, uuids(first()))
		require.Equal(t, []string{"a", "b"}, uuids(second()))
		require.Equal(t, component.HealthTypeHealthy, s.CurrentHealth().Health)
	})
}

func TestSeveralHooksShareTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := build(t, twoOrgs, loki.NewLogsReceiver())
		began := time.Now()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { _ = s.receive(t.Context(), noticeOf("acme", eventOf("a"))) })
		}
		all.Wait()
		require.Equal(t, 2*time.Second, time.Since(began), "Okta waits for three")
	})
}

func TestRulesMayDropAndTheSetIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		receiver := loki.NewLogsReceiver()
		s := build(t, twoOrgs+`labels = { hook = "", team = "sec" }`, receiver)
		got, stop := drain(receiver)
		defer stop()
		for i := range 3 * remembered {
			require.NoError(t, s.receive(t.Context(), noticeOf("other", eventOf(fmt.Sprint(i)))))
		}
		synctest.Wait()
		require.Len(t, got(), 3*remembered)
		require.Equal(t, remembered, s.org("other").recent.Len())
		require.Equal(t, `{job="loki.source.okta", org="other.okta.com", team="sec"}`, got()[0].Labels.String())
	})
}

// Alloy starts, and the component says what is wrong.
func TestATakenPortIsUnhealthyAndNoMore(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	s := build(t, strings.Replace(twoOrgs, "listen_port = 0", fmt.Sprintf("listen_port = %d", port), 1), loki.NewLogsReceiver())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	require.Eventually(t, func() bool { return s.CurrentHealth().Health == component.HealthTypeUnhealthy }, 20*time.Second, time.Millisecond)
	require.Contains(t, s.CurrentHealth().Message, "event hooks cannot be received, retrying: listening: listen tcp")
	cancel()
	<-done
}

func TestBadArgumentsAreRefused(t *testing.T) {
	org := func(body string) string { return "org \"a\" {\n" + body + "\n}" }
	good := org(`url = "https://a.okta.com"` + "\n" + `secrets = ["` + secret + `"]`)
	for want, body := range map[string]string{
		"no org block":                          ``,
		"secrets is empty":                      org("url = \"https://a.okta.com\"\nsecrets = []"),
		"secrets[0]: a secret has 5 bytes":      org("url = \"https://a.okta.com\"\nsecrets = [\"short\"]"),
		"there are two of this name":            good + "\n" + good,
		"url: ":                                 org("url = \"http://a.okta.com\"\nsecrets = [\"" + secret + "\"]"),
		`path "okta/a": it must begin`:          good + "\npath = \"okta\"",
		`header "a:b"`:                          good + "\nheader = \"a:b\"",
		"listen_port is 70000":                  good + "\nhttp { listen_port = 70000 }",
		"conn_limit is 0":                       good + "\nhttp { conn_limit = 0 }",
		"exactly one of cert_pem and cert_file": good + "\nhttp {\n tls { }\n}",
		`line_format "x"`:                       good + "\nline_format = \"x\"",
	} {
		_, err := evaluate(t, body, loki.NewLogsReceiver())
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), secret)
	}
	_, err := evaluate(t, good)
	require.ErrorContains(t, err, "forward_to is empty")
}

// A metric that is taken refuses the component with an error, and the others do not stay behind.
func TestAMetricThatIsTakenIsNoPanic(t *testing.T) {
	args, err := evaluate(t, twoOrgs, loki.NewLogsReceiver())
	require.NoError(t, err)
	registry := prometheus.NewRegistry()
	opts := component.Options{ID: "test", Logger: slog.New(slog.DiscardHandler), Registerer: registry}
	taken := newMetrics().all()[2]
	registry.MustRegister(taken)
	_, err = New(opts, args)
	require.ErrorContains(t, err, "building loki.source.okta_event_hook: registering metrics: duplicate")

	registry.Unregister(taken)
	_, err = New(opts, args)
	require.NoError(t, err, "nothing was left behind")
}
