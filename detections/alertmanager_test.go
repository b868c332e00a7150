package detections

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/detections/lokitest"
	"github.com/grafana/alloy/okta/internal/event"
)

// notification is what a receiver of the Alertmanager got.
type notification struct {
	after    time.Duration // since the beginning
	receiver string
	alerts   []model.LabelSet // those that fire
}

func (n notification) String() string {
	out := fmt.Sprintf("%s after %s:", n.receiver, n.after)
	for _, labels := range n.alerts {
		out += fmt.Sprintf("\n  %s %s %s %s", labels["severity"], labels["alertname"], labels["actor"], labels["at"])
	}
	return out
}

// receiver notes what it gets. It wants no word of what is over.
type receiver struct {
	name  string
	begin time.Time
	mu    *sync.Mutex
	got   *[]notification
}

func (r receiver) SendResolved() bool { return false }

func (r receiver) Notify(_ context.Context, alerts ...*alert.Alert) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := notification{after: time.Since(r.begin), receiver: r.name}
	for _, a := range alerts {
		n.alerts = append(n.alerts, a.Labels)
	}
	*r.got = append(*r.got, n)
	return false, nil
}

// firing is an alert as a ruler has it at one evaluation after another.
type firing struct {
	labels   model.LabelSet
	interval time.Duration
	at       []time.Duration // since the beginning
}

// firings are the alerts of the rules, as Loki's ruler raises them between two times. It evaluates the rules of a group together, and each
// group at another moment, which its name decides; here a phase does, too.
func firings(t *testing.T, loki *lokitest.Loki, rules, sigma []Rule, phase string, from, to time.Time) (found []firing) {
	t.Helper()
	for _, g := range append(groups("okta", withAdministrators(rules)), groups("okta-sigma", sigma)...) {
		interval, hash := time.Duration(g.interval), fnv.New64a()
		hash.Write([]byte(g.name + phase))
		first := from.Add(time.Duration(hash.Sum64() % uint64(interval)).Truncate(time.Second))
		for _, rule := range g.rules {
			matrix, err := loki.Range(t.Context(), rule.Query, first, to, interval)
			require.NoError(t, err, rule.Name)
			for _, series := range matrix {
				f := firing{labels: model.LabelSet{"alertname": model.LabelValue(rule.Alert())}, interval: interval}
				for name, value := range series.Metric.Map() {
					f.labels[model.LabelName(name)] = model.LabelValue(value)
				}
				for name, value := range rule.alertLabels() {
					f.labels[model.LabelName(name)] = model.LabelValue(value)
				}
				for _, point := range series.Floats {
					f.at = append(f.at, time.UnixMilli(point.T).Sub(from))
				}
				found = append(found, f)
			}
		}
	}
	return found
}

func alertmanager(t *testing.T) *config.Config {
	t.Helper()
	content, err := os.ReadFile("../deploy/alerting/alertmanager.yaml")
	require.NoError(t, err)
	conf, err := config.Load(string(content))
	require.NoError(t, err)
	return conf
}

// notifications are what an Alertmanager with a configuration makes of alerts in a time. It is the real one, but for its API and its
// receivers, in a time of its own.
func notifications(t *testing.T, conf *config.Config, firings []firing, within time.Duration) (got []notification) {
	t.Helper()
	mutes := map[string][]timeinterval.TimeInterval{}
	for _, mute := range conf.TimeIntervals {
		mutes[mute.Name] = mute.TimeIntervals
	}
	synctest.Test(t, func(t *testing.T) {
		begin, log, registry, nop := time.Now(), slog.New(slog.DiscardHandler), prometheus.NewRegistry(), eventrecorder.NopRecorder()
		silences, err := silence.New(silence.Options{Retention: time.Hour, Logger: log, Metrics: registry, EventRecorder: nop})
		require.NoError(t, err)
		silencer := silence.NewSilencer(silences, log, nop)
		notified, err := nflog.New(nflog.Options{Retention: 120 * time.Hour, Logger: log, Metrics: registry})
		require.NoError(t, err)
		alerts, err := mem.NewAlerts(t.Context(), 30*time.Minute, 0, silencer, log, nop, registry, featurecontrol.NoopFlags{})
		require.NoError(t, err)
		defer alerts.Close()
		inhibitor := inhibit.NewInhibitor(alerts, conf.InhibitRules, log, nop)
		groups := marker.NewGroupMarker()
		var mu sync.Mutex
		receivers := map[string][]notify.Integration{}
		for _, r := range conf.Receivers {
			to := receiver{r.Name, begin, &mu, &got}
			receivers[r.Name] = []notify.Integration{notify.NewIntegration(to, to, "test", 0, r.Name)}
			if r.Name == "okta-nobody" {
				receivers[r.Name] = nil
			}
		}
		pipeline := notify.NewPipelineBuilder(registry, featurecontrol.NoopFlags{}, nop).New(receivers, func() time.Duration { return 0 },
			inhibitor, silencer, timeinterval.NewIntervener(mutes), groups, notified, nil)
		dispatcher := dispatch.NewDispatcher(alerts, dispatch.NewRoute(conf.Route, nil), pipeline, groups,
			func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) }, 30*time.Second, nil, log, nop,
			dispatch.NewDispatcherMetrics(false, registry, featurecontrol.NoopFlags{}))
		go inhibitor.Run()
		defer inhibitor.Stop()
		inhibitor.WaitForLoading()
		go dispatcher.Run(begin)
		defer dispatcher.Stop()
		dispatcher.WaitForLoading()

		due := map[time.Duration][]*alert.Alert{}
		for _, f := range firings {
			starts := f.at[0]
			for i, at := range f.at {
				if i > 0 && at > f.at[i-1]+f.interval {
					starts = at
				}
				// Loki's ruler sends an alert at each evaluation, as long as it fires, and that it holds for four more.
				due[at] = append(due[at], sent(f, begin, starts, at+4*f.interval))
				if i == len(f.at)-1 || f.at[i+1] > at+f.interval {
					due[at+f.interval] = append(due[at+f.interval], sent(f, begin, starts, at+f.interval))
				}
			}
		}
		for _, at := range slices.Sorted(maps.Keys(due)) {
			time.Sleep(time.Until(begin.Add(at)))
			require.NoError(t, alerts.Put(t.Context(), due[at]...))
		}
		time.Sleep(time.Until(begin.Add(within)))
	})
	return got
}

func sent(f firing, begin time.Time, starts, ends time.Duration) *alert.Alert {
	return &alert.Alert{
		Alert:     model.Alert{Labels: f.labels, StartsAt: begin.Add(starts), EndsAt: begin.Add(ends)},
		UpdatedAt: time.Now(),
	}
}

// TestATakeoverIsAtMostThreeNotifications has a takeover of an administrator's account, and through it of a colleague's, notified of in
// whatever order the groups of rules are evaluated.
func TestATakeoverIsAtMostThreeNotifications(t *testing.T) {
	t.Parallel()
	loki := &lokitest.Loki{}
	end := day(t, loki, org, 500, "admin-takeover")
	rules := slices.DeleteFunc(rules(t), func(r Rule) bool { return r.Name == "feed-silent" }) // the log ends with the attack
	for _, phase := range strings.Split("abcdefghijklmnop", "") {
		from := end.Add(-20 * time.Minute)
		raised := firings(t, loki, rules, sigmaRules(t), phase, from, end.Add(3*time.Hour))
		require.Greater(t, len(raised), 20)
		told := notifications(t, alertmanager(t), raised, 30*time.Hour)
		for _, n := range told {
			t.Log(phase, n)
		}
		require.LessOrEqual(t, len(told), 3, phase)
		require.LessOrEqual(t, len(notifications(t, grafanaPolicy(t), raised, 30*time.Hour)), 5, "Grafana inhibits nothing: %s", phase)
		high := map[model.LabelValue]bool{}
		for _, n := range told {
			for _, labels := range n.alerts {
				high[labels["alertname"]] = true
			}
		}
		for _, rule := range rules {
			// OktaSignInThroughNewIdp is about the same sign-in as OktaResetThenStrangeSignIn.
			if rule.Severity == "high" && slices.Contains(rule.Scenarios, "admin-takeover") && rule.Name != "sign-in-through-new-idp" {
				require.True(t, high[model.LabelValue(rule.Alert())], "%s is told in phase %s", rule.Alert(), phase)
			}
		}
	}
}

// A second act of the same actor, while the alert about the first one fires, is told of, unless nothing of it differs.
func TestASecondActInTheWindowIsTold(t *testing.T) {
	t.Parallel()
	f, err := event.New(event.Options{Org: org})
	require.NoError(t, err)
	start := time.Date(2026, 8, 21, 10, 1, 0, 0, time.UTC)
	grant := func(after time.Duration, to, ip string) string {
		return fmt.Sprintf(`{"uuid":"u%d","published":%q,"eventType":"user.account.privilege.grant","outcome":{"result":"SUCCESS"},`+
			`"actor":{"id":"00u1","alternateId":"mara@acme.example"},"client":{"ipAddress":%q},"target":[{"id":"00u2","type":"User",`+
			`"alternateId":%q}],"debugContext":{"debugData":{"privilegeGranted":"Super administrator"}}}`,
			after, start.Add(after).Format("2006-01-02T15:04:05.000Z"), ip, to)
	}
	only := slices.DeleteFunc(rules(t), func(r Rule) bool { return r.Name != "super-admin-granted" })
	require.Len(t, only, 1)
	for name, c := range map[string]struct {
		second string
		told   int
	}{
		"none":                       {grant(0, "jonas@acme.example", "203.0.113.7"), 1},
		"to another user":            {grant(8*time.Minute, "zoe@acme.example", "203.0.113.7"), 2},
		"from another address":       {grant(8*time.Minute, "jonas@acme.example", "198.51.100.7"), 2},
		"in another quarter of hour": {grant(16*time.Minute, "jonas@acme.example", "203.0.113.7"), 2},
		"the same in the same one":   {grant(8*time.Minute, "jonas@acme.example", "203.0.113.7"), 1},
	} {
		loki := &lokitest.Loki{}
		for _, e := range entries(t, f, []byte(grant(0, "jonas@acme.example", "203.0.113.7")+"\n"+c.second)) {
			loki.Push(e)
		}
		raised := firings(t, loki, only, nil, "", start.Add(-5*time.Minute), start.Add(2*time.Hour))
		told := notifications(t, alertmanager(t), raised, 4*time.Hour)
		require.Len(t, told, c.told, name)
		require.Equal(t, "okta-at-once", told[0].receiver)
		require.Len(t, told[len(told)-1].alerts, c.told, "%s: the last one tells of all that fires", name)
	}
}

// alarm is an alert that fires from the tenth minute to the thirtieth.
func alarm(name, pack, severity, actor string) firing {
	f := firing{interval: 10 * time.Minute, at: []time.Duration{10 * time.Minute, 20 * time.Minute, 30 * time.Minute}}
	f.labels = model.LabelSet{"alertname": model.LabelValue(name), "source": "okta", "pack": model.LabelValue(pack),
		"severity": model.LabelValue(severity), "org": org, "actor_id": model.LabelValue(actor)}
	return f
}

func ours(name, severity, actor string) firing { return alarm(name, "alloy-okta", severity, actor) }

// Each alert reaches somebody, in time: none is over before its group is told.
func TestWhatIsToldToWhom(t *testing.T) {
	t.Parallel()
	newIdp, reset := ours("OktaSignInThroughNewIdp", "high", "00u1"), ours("OktaResetThenStrangeSignIn", "high", "00u1")
	as := func(f firing, actor string) firing {
		f.labels["actor"] = model.LabelValue(actor)
		return f
	}
	nobody := func(f firing) firing {
		delete(f.labels, "actor_id")
		return f
	}
	until := func(f firing, end time.Duration) firing {
		for last := f.at[len(f.at)-1] + f.interval; last < end; last += f.interval {
			f.at = append(f.at, last)
		}
		return f
	}
	later := func(f firing, by time.Duration) firing {
		f.labels["at"] = model.LabelValue(by.String())
		for i := range f.at {
			f.at[i] += by
		}
		return f
	}
	const atOnce, day, system = "okta-at-once 11m0s 1", "okta-working-day 25m0s 1", "system@okta.com"
	for name, c := range map[string]struct {
		firings []firing
		want    []string
	}{
		"high":               {[]firing{ours("A", "high", "00u1")}, []string{atOnce}},
		"high of two actors": {[]firing{ours("A", "high", "00u1"), ours("A", "high", "00u2")}, []string{atOnce, atOnce}},
		"medium":             {[]firing{ours("A", "medium", "00u1")}, []string{day}},
		"medium beside high": {[]firing{ours("A", "high", "00u1"), ours("B", "medium", "00u1")}, []string{atOnce}},
		"medium of another":  {[]firing{ours("A", "high", "00u1"), ours("B", "medium", "00u2")}, []string{atOnce, day}},
		"low":                {[]firing{ours("A", "low", "00u1")}, []string{"okta-reports 25m0s 1"}},
		"low of two actors":  {[]firing{ours("A", "low", "00u1"), ours("A", "low", "00u2")}, []string{"okta-reports 25m0s 2"}},
		"Sigma, high":        {[]firing{alarm("A", "sigma", "high", "00u1")}, []string{"okta-at-once 16m0s 1"}},
		"Sigma, beside ours": {[]firing{ours("A", "high", "00u1"), alarm("B", "sigma", "high", "00u1")}, []string{atOnce}},
		"Sigma, medium":      {[]firing{alarm("A", "sigma", "medium", "00u1")}, nil},
		"by a new provider":  {[]firing{newIdp}, []string{"okta-at-once 25m0s 1"}},
		"after a reset":      {[]firing{newIdp, reset}, []string{atOnce}},
		"about no actor":     {[]firing{ours("A", "high", ""), ours("B", "medium", "")}, []string{atOnce, day}},

		"Sigma, high, beside medium of ours": {[]firing{ours("A", "medium", "00u1"), alarm("B", "sigma", "high", "00u1")},
			[]string{day, "okta-at-once 16m0s 1"}},
		"Okta's system": {[]firing{as(ours("A", "high", "00u0"), system), as(ours("B", "medium", "00u0"), system),
			as(alarm("C", "sigma", "high", "00u0"), system)}, []string{atOnce, day, "okta-at-once 16m0s 1"}},
		"unknown": {[]firing{ours("A", "high", "unknown"), ours("B", "medium", "unknown"), alarm("C", "sigma", "high", "unknown")},
			[]string{atOnce, day, "okta-at-once 16m0s 1"}},
		"without the label": {[]firing{nobody(ours("A", "high", "")), nobody(ours("B", "medium", "")),
			nobody(alarm("C", "sigma", "high", ""))}, []string{atOnce, day, "okta-at-once 16m0s 1"}},
		"a provider and a reset of nobody": {[]firing{ours("OktaSignInThroughNewIdp", "high", "unknown"),
			ours("OktaResetThenStrangeSignIn", "high", "unknown")}, []string{atOnce, "okta-at-once 25m0s 1"}},

		"medium that outlives high": {[]firing{ours("A", "high", "00u1"), until(ours("B", "medium", "00u1"), 70*time.Minute)},
			[]string{atOnce, "okta-working-day 45m0s 1"}},
		"high, and one an hour longer": {[]firing{ours("A", "high", "00u1"),
			until(ours("B", "medium", "00u1"), 130*time.Minute), until(ours("OktaSignOnPolicyDowngraded", "high", "00u1"), 130*time.Minute)},
			[]string{"okta-at-once 11m0s 2"}},
	} {
		var got []string
		for _, n := range notifications(t, alertmanager(t), c.firings, 20*time.Hour) {
			got = append(got, fmt.Sprintf("%s %s %d", n.receiver, n.after, len(n.alerts)))
		}
		require.ElementsMatch(t, c.want, got, name)
	}
	for _, c := range []struct {
		severity string
		fires    time.Duration // the shortest of this severity
		by       time.Duration // later comes the second act
		want     []string
	}{
		{"high", 30 * time.Minute, 20 * time.Minute, []string{atOnce, "okta-at-once 31m0s 2"}},
		{"high", 30 * time.Minute, 2 * time.Hour, []string{atOnce, "okta-at-once 2h11m0s 1"}},
		{"medium", 30 * time.Minute, 20 * time.Minute, []string{day, "okta-working-day 45m0s 1"}},
		{"medium", 30 * time.Minute, time.Hour, []string{day, "okta-working-day 1h25m0s 1"}},
		{"medium", 30 * time.Minute, 2 * time.Hour, []string{day, "okta-working-day 2h25m0s 1"}},
		{"low", 2 * time.Hour, 20 * time.Minute, []string{"okta-reports 25m0s 1", "okta-reports 1h15m0s 2"}},
		{"low", 2 * time.Hour, 3 * time.Hour, []string{"okta-reports 25m0s 1", "okta-reports 3h25m0s 1"}},
		{"low", 2 * time.Hour, 8 * time.Hour, []string{"okta-reports 25m0s 1", "okta-reports 8h25m0s 1"}},
	} {
		act := func() firing { return until(ours("A", c.severity, "00u1"), 10*time.Minute+c.fires) }
		var got []string
		for _, n := range notifications(t, alertmanager(t), []firing{act(), later(act(), c.by)}, 20*time.Hour) {
			got = append(got, fmt.Sprintf("%s %s %d", n.receiver, n.after, len(n.alerts)))
		}
		require.Equal(t, c.want, got, "%s, a second act %s later", c.severity, c.by)
	}
	for _, rule := range withAdministrators(rules(t)) {
		fires := time.Duration(rule.Window/rule.Interval) * time.Duration(rule.Interval)
		told := 20 * time.Minute // group_interval
		if rule.Severity == "low" || rule.Severity == "informational" {
			told = 50 * time.Minute
		}
		require.Greater(t, fires, told, "%s may be over before it is told", rule.Name)
	}
}

// TestWhatLooksBackLongHasItsOwnInhibition: Alertmanager's rule for those of high severity forgets them when another one ends.
func TestWhatLooksBackLongHasItsOwnInhibition(t *testing.T) {
	conf := alertmanager(t)
	var long []string
	for _, rule := range withAdministrators(rules(t)) {
		if rule.Severity == "high" && time.Duration(rule.Window) > 30*time.Minute {
			long = append(long, rule.Alert())
		}
	}
	slices.Sort(long)
	require.Contains(t, fmt.Sprint(conf.InhibitRules[2].SourceMatchers), strings.Join(long, "|")+`"`)
}
