package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// recording is pages of 1,000 events that were made beforehand, gzipped as oktasim does it.
type recording struct {
	pages  [][]byte
	events int
	bytes  int // of the events, not compressed
}

// recordOrg has oktasim make pages of lifelike events, no two of them the same.
func recordOrg(pages int) *recording {
	const atOnce = 10 // pages; an org keeps all its events in memory
	var r recording
	for first := 0; first < pages; first += atOnce {
		n := min(atOnce, pages-first)
		org := &oktasim.Org{Seed: int64(1 + first), Clock: -time.Duration(pages-first-n) * time.Second}
		org.Generate(1000*n, time.Duration(n)*time.Second)
		events := org.Events()
		for i := range n {
			r.add(events[1000*i : 1000*(i+1)])
		}
	}
	return &r
}

// recordLarge makes pages of the 12 KB event of testdata/events.
func recordLarge(t testing.TB, pages int) *recording {
	t.Helper()
	event, err := os.ReadFile("../testdata/events/large_change_details.json")
	require.NoError(t, err)
	event = bytes.TrimSpace(event)
	var r recording
	now := time.Now().UTC()
	for page := range pages {
		var events [][]byte
		for i := range 1000 {
			at := now.Add(-time.Duration((pages-page)*1000-i) * time.Millisecond).Format("2006-01-02T15:04:05.000Z")
			e := uuidMember.ReplaceAll(event, fmt.Appendf(nil, `"uuid":"%08x-7b1d-11f0-8de9-0242ac120002"`, 1000*page+i))
			events = append(events, timeMember.ReplaceAll(e, fmt.Appendf(nil, `"published":%q`, at)))
		}
		r.add(events)
	}
	return &r
}

func (r *recording) add(events [][]byte) {
	r.pages = append(r.pages, pack(events))
	r.events += len(events)
	for _, e := range events {
		r.bytes += len(e)
	}
}

// lines writes the events as okta-logs-collector prints them: see oldPush.
func (r *recording) lines(t testing.TB, to io.Writer) {
	t.Helper()
	for _, page := range r.pages {
		z, err := gzip.NewReader(bytes.NewReader(page))
		require.NoError(t, err)
		body, err := io.ReadAll(z)
		require.NoError(t, err)
		var events []json.RawMessage
		require.NoError(t, json.Unmarshal(body, &events))
		var lines bytes.Buffer
		for _, event := range events {
			published := bytes.TrimPrefix(timeMember.Find(event), []byte(`"published":`))
			fmt.Fprintf(&lines, `{"event":%s,"level":"info","msg":"received event","time":%s}`+"\n", event, published)
		}
		_, err = to.Write(lines.Bytes())
		require.NoError(t, err)
	}
}

// player serves a recording as the System Log of each host it is asked as. Nothing is answered before open, and behind the last page is
// an empty one.
type player struct {
	*recording
	opened  chan struct{}
	waiting atomic.Int64 // requests before open
	behind  atomic.Int64 // requests for what is behind the last page
}

func play(r *recording) *player { return &player{recording: r, opened: make(chan struct{})} }

func (p *player) open() { close(p.opened) }

func (p *player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.waiting.Add(1)
	select {
	case <-p.opened:
	case <-r.Context().Done():
		p.waiting.Add(-1)
		return
	}
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Encoding", "gzip")
	h.Set("X-Rate-Limit-Limit", "1000000")
	h.Set("X-Rate-Limit-Remaining", "1000000")
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(time.Now().Unix()+60, 10))
	body := emptyPage
	if after < len(p.pages) {
		body = p.pages[after]
		after++
	} else {
		p.behind.Add(1)
	}
	h.Set("Link", fmt.Sprintf(`<http://%s/api/v1/logs?after=%d&limit=1000>; rel="next"`, r.Host, after))
	_, _ = w.Write(body)
}

var emptyPage = pack(nil)

// floorURL names the variable that makes the test binary read a log and throw it away, in a process of its own: see readFloor.
const floorURL = "OKTA_E2E_FLOOR"

// readFloor is the floor: it reads and inflates all pages behind a URL, and prints its CPU time for that, user and system, in
// nanoseconds.
func readFloor(from string) error {
	begin, err := ownCPU()
	if err != nil {
		return err
	}
	base, err := url.Parse(from)
	if err != nil {
		return err
	}
	for after := 0; ; after++ {
		base.RawQuery = fmt.Sprintf("after=%d&limit=1000", after)
		resp, err := http.Get(base.String())
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if !resp.Uncompressed {
			return fmt.Errorf("%s: the page did not come gzipped", base)
		}
		if n == int64(len("[]")) {
			break
		}
	}
	end, err := ownCPU()
	if err != nil {
		return err
	}
	fmt.Println((end - begin).Nanoseconds())
	return nil
}

// ownCPU is what this process has spent so far.
func ownCPU() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

func init() {
	if from := os.Getenv(floorURL); from != "" {
		if err := readFloor(from); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// floor is the CPU time that a process takes to read and inflate a recording: the least of three, as all else on the machine only adds to
// it.
func floor(t testing.TB, r *recording) time.Duration {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	var least time.Duration
	for range 3 {
		p := play(r)
		p.open()
		hosts := listenAs(t, 1, p)
		command := exec.Command(self)
		command.Env = append(os.Environ(), floorURL+"=http://"+hosts[0]+"/api/v1/logs")
		command.Stderr = os.Stderr
		output, err := command.Output()
		require.NoError(t, err)
		n, err := strconv.ParseInt(strings.TrimSpace(string(output)), 10, 64)
		require.NoError(t, err)
		if took := time.Duration(n); least == 0 || took < least {
			least = took
		}
	}
	return least
}
