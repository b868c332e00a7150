package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// chromium is one browser for all tests, each of which gets its own tab.
var chromium struct {
	start func() (context.Context, error)
	stop  context.CancelFunc
}

func TestMain(m *testing.M) {
	profile, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	chromium.start = sync.OnceValues(func() (context.Context, error) {
		path, err := exec.LookPath("chromium")
		if err != nil {
			return nil, errors.New("a Chromium is needed by this test and there is none in PATH: run `.ci/deps chromium`, " +
				"or apt-get install chromium")
		}
		// The flags that a browser without a screen, run as root, needs.
		allocator, _ := chromedp.NewExecAllocator(ctx, chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.NoFirstRun,
			chromedp.DisableGPU, chromedp.UserDataDir(profile), chromedp.WindowSize(1280, 800),
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
			chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true))
		browser, _ := chromedp.NewContext(allocator)
		if err := chromedp.Do(browser); err != nil {
			return nil, fmt.Errorf("starting chromium: %w", err)
		}
		chromium.stop = func() { _ = chromedp.Cancel(browser) } // ends it and waits
		return browser, nil
	})
	code := m.Run()
	if chromium.stop != nil {
		chromium.stop()
	}
	cancel()
	_ = os.RemoveAll(profile)
	os.Exit(code)
}

// tab is a page of the browser. An exception that no script catches fails the test.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func openTab(t *testing.T) *tab {
	t.Helper()
	browser, err := chromium.start()
	require.NoError(t, err)
	ctx, cancel := chromedp.NewContext(browser)
	require.NoError(t, chromedp.Do(ctx)) // the tab lives as long as this context
	uncaught := make(chan string, 100)
	messages := chromedp.Console(ctx)
	go func() {
		defer close(uncaught)
		for message, err := range messages {
			if err != nil {
				return // the tab is closed
			}
			if message.Type == chromedp.ConsoleException {
				uncaught <- message.Text
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		for exception := range uncaught {
			t.Errorf("an exception that the page's scripts did not catch: %s", exception)
		}
	})
	return &tab{t: t, ctx: ctx}
}

// do runs steps of which none may take long.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, steps...))
}

// eval returns what a JavaScript expression gives in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err)
	return value
}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// text is what a reader sees, in the case that the style sheet gives it; empty while the page loads.
func (b *tab) text() string {
	b.t.Helper()
	return eval[string](b, `document.body?.innerText ?? ''`)
}

// see waits until the page shows all of the texts.
func (b *tab) see(texts ...string) {
	b.t.Helper()
	var shown string
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		shown = b.text()
		missing := ""
		for _, text := range texts {
			if !strings.Contains(shown, text) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("the page does not show %q; it shows:\n%s", missing, shown)
		}
	}
}

// rows returns the tables of a component's page: "Debug info / rate_limit / limit" -> "120".
func (b *tab) rows() map[string]string {
	b.t.Helper()
	rows := eval[[][2]string](b, `[...document.querySelectorAll('section tr')].filter(row => row.querySelector('td pre')).map(row => {
		const title = row.closest('section').querySelector('h2, h3').innerText;
		const [name, value] = row.querySelectorAll('td');
		return [title + ' / ' + name.innerText.trim(), value.innerText.trim()];
	})`)
	all := map[string]string{}
	for _, row := range rows {
		all[row[0]] = row[1]
	}
	return all
}

// health is the badge of a component's page.
type health struct {
	Text  string `json:"text"`
	Color string `json:"color"`
}

var (
	green = health{"healthy", "rgb(59, 129, 96)"}
	red   = health{"unhealthy", "rgb(210, 71, 109)"}
)

func (b *tab) health() health {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(`main h1 span span`)))
	return eval[health](b, `(badge => ({text: badge.textContent, color: getComputedStyle(badge).backgroundColor}))(
		[...document.querySelectorAll('main h1 span span')].at(-1))`)
}

// seeHealth opens the component's page until its badge is as expected: the page does not refresh itself.
func (b *tab) seeHealth(s *stand, want health, within time.Duration) {
	b.t.Helper()
	var got health
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		b.open(s.base + "/component/" + component)
		if got = b.health(); got == want {
			return
		}
	}
	b.t.Fatalf("the health is %+v after %v, expected %+v", got, within, want)
}
