package browser

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const maxPicture = 150 << 10 // bytes; they live in the repository

// shoot saves what the tab shows. A picture that is empty or too large fails the test.
func (b *tab) shoot(folder, name string) {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.Lessf(b.t, len(picture), maxPicture, "%s is too large", name)
	decoded, err := png.Decode(bytes.NewReader(picture))
	require.NoError(b.t, err)
	shades := map[color.Color]bool{}
	for y := range decoded.Bounds().Dy() {
		for x := range decoded.Bounds().Dx() {
			shades[decoded.At(x, y)] = true
		}
	}
	require.Greaterf(b.t, len(shades), 50, "%s shows nothing", name)
	require.NoError(b.t, os.WriteFile(filepath.Join(folder, name), picture, 0o644))
}

// The pictures of docs/images, taken of the real thing: `make screenshots` writes them there.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	require.NoError(t, os.MkdirAll(folder, 0o755))
	s := start(t, "", `redact { }`, "--backlog=2000", "--backlog-span=50m", "--rate=4/s")
	b := openTab(t)
	b.seeHealth(s, green, 30*time.Second)
	b.do(chromedp.EmulateViewport(1180, 1180))
	require.Eventually(t, func() bool { return len(s.sink.sorted()) > 2010 }, 2*time.Minute, time.Second)
	b.open(s.base + "/component/" + component)
	b.see("Debug info", "events_forwarded")
	b.shoot(folder, "component.png")

	b.do(chromedp.EmulateViewport(1180, 420))
	b.open(s.base + "/graph")
	b.see(`loki.write "default"`)
	require.Eventually(t, func() bool {
		return eval[bool](b, `!!document.querySelector('.react-flow__edge path[style*="stroke: "]')`)
	}, time.Minute, 200*time.Millisecond)
	b.shoot(folder, "graph.png")

	b.do(chromedp.EmulateViewport(1280, 360))
	b.open(s.base + "/debug/" + component)
	b.see(`"eventType":"`)
	b.shoot(folder, "live-debugging.png")

	s.control("token?value=another")
	b.seeHealth(s, red, 30*time.Second)
	b.do(chromedp.EmulateViewport(1180, 420))
	b.see("Okta refused the API token")
	b.shoot(folder, "refused.png")
}
