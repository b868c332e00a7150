package browser

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// At the root, and behind a reverse proxy's path.
var prefixes = map[string]string{"at the root": "", "under a path prefix": "/ops/alloy"}

func TestTheComponentPageShowsAllButTheToken(t *testing.T) {
	t.Parallel()
	for name, prefix := range prefixes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, prefix, "", "--backlog=40", "--backlog-span=30m", "--rate=0/s")
			require.Eventually(t, func() bool { return len(s.sink.sorted()) == 40 }, time.Minute, 50*time.Millisecond)
			b := openTab(t)

			// From the list, as an operator gets there.
			b.open(s.base + "/")
			b.see(component, "loki.process.security", "loki.write.default")
			b.click(`a[href$="component/` + component + `"]`)
			b.see("Arguments", "Debug info", "Dependencies")
			require.Equal(t, green, b.health())
			b.see("polling")

			rows := b.rows()
			require.Equal(t, "(secret)", rows["Arguments / api_token"])
			require.Equal(t, strconv.Quote(s.org), rows["Arguments / url"])
			require.Equal(t, `"500ms"`, rows["Arguments / poll_interval"])

			require.Equal(t, strconv.Quote(s.org), rows["Debug info / org"])
			require.Equal(t, `"ssws"`, rows["Debug info / auth_method"])
			require.Equal(t, `"polling"`, rows["Debug info / state"])
			require.Equal(t, "40", rows["Debug info / events_forwarded"])
			require.Regexp(t, `^"[01]s"$`, rows["Debug info / lag"])
			require.Regexp(t, `^"20\d\d-\d\d-\d\dT`, rows["Debug info / last_poll"])
			require.Regexp(t, `^"20\d\d-\d\d-\d\dT`, rows["Debug info / last_event"])
			require.Contains(t, rows, "Debug info / checkpoint_age")
			limits := map[string]string{}
			for name, value := range rows {
				if strings.HasPrefix(name, "Debug info / rate_limit / ") {
					limits[name[strings.LastIndex(name, " ")+1:]] = value
				}
			}
			require.Equal(t, "6000", limits["limit"], rows)
			require.Equal(t, "0.5", limits["share"])

			manual := eval[string](b, `[...document.querySelectorAll('a')].find(a => a.textContent.includes('Documentation')).href`)
			require.Equal(t, s.base+"/docs/loki.source.okta.md", manual)
			require.Contains(t, s.get("/docs/loki.source.okta.md"), "## Arguments")
			require.LessOrEqual(t, eval[float64](b, `document.documentElement.scrollWidth - window.innerWidth`), 0.0, "nothing runs off the page")

			require.NotContains(t, eval[string](b, `document.documentElement.outerHTML`), token)
			require.NotContains(t, s.get("/api/v0/web/components/"+component), token, "nor does what the page is made of")
		})
	}
}

func TestTheGraphShowsTheWayToLokiAndTheFlow(t *testing.T) {
	t.Parallel()
	for name, prefix := range prefixes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, prefix, "", "--backlog=0", "--rate=20/s")
			b := openTab(t)
			b.open(s.base + "/graph")
			b.see(`loki.source.okta "acme"`, `loki.process "security"`, `loki.write "default"`)
			b.do(chromedp.WaitReady(chromedp.CSS(`.react-flow__edge`)))
			edges := eval[[]string](b, `[...document.querySelectorAll('.react-flow__edge')].map(e => e.dataset.id).sort()`)
			require.Equal(t, []string{"loki.process.security|loki.write.default|0", component + "|loki.process.security|0"}, edges)

			// An edge is painted and labeled with its rate once entries were seen to pass.
			require.Eventually(t, func() bool {
				return eval[bool](b, `!!document.querySelector('.react-flow__edge[data-id^="`+component+`|"] path[style*="stroke: "]')`)
			}, time.Minute, 200*time.Millisecond)
		})
	}
}

func TestTheLiveDebuggingPageShowsEntriesAsTheyPass(t *testing.T) {
	t.Parallel()
	for name, prefix := range prefixes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, prefix, "", "--backlog=0", "--rate=0/s")
			b := openTab(t)
			b.open(s.base + "/component/" + component)
			b.see("Live debugging")
			b.click(`a[href$="debug/` + component + `"]`)
			b.see("Live feed of debug data", "Listening for incoming data...")
			var shown string
			for end := time.Now().Add(time.Minute); !strings.Contains(shown, `"eventType":"`) &&
				time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
				s.control("generate?n=1") // the stream begins a moment after the page says that it listens
				shown = b.text()
			}
			b.see("[OUT]: timestamp: ", `entry: {"event":{`, `"eventType":"`, `"msg":"received event"`, `env="demo"`)
		})
	}
}

func TestTheHealthTurnsRedOnARevokedTokenAndGreenAgain(t *testing.T) {
	t.Parallel()
	for name, prefix := range prefixes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, prefix, "", "--backlog=5", "--backlog-span=1m", "--rate=0/s")
			b := openTab(t)
			b.seeHealth(s, green, 30*time.Second)

			s.control("token?value=another")
			b.seeHealth(s, red, 30*time.Second)
			b.see("Okta refused the API token (401 E0000011: Invalid token provided", "create a new one")
			rows := b.rows()
			require.Regexp(t, `^"refused since 20`, rows["Debug info / state"])
			require.Contains(t, rows["Debug info / last_error"], "E0000011")
			require.NotEmpty(t, rows["Debug info / last_error_request_id"])
			require.NotContains(t, b.text(), token)
			b.open(s.base + "/")
			b.see("Unhealthy")

			// A refusal is retried within a minute, without anybody touching alloy-okta.
			s.control("token?value=" + token)
			b.seeHealth(s, green, 90*time.Second)
			b.see("polling")
		})
	}
}
