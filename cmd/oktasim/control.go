package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/grafana/alloy/okta/internal/oktasim"
)

// feed appends events at a rate that can be changed.
type feed struct {
	ctx  context.Context
	org  *oktasim.Org
	mu   sync.Mutex // guards what follows
	halt context.CancelFunc
	done sync.WaitGroup
}

func (f *feed) set(perSecond float64) {
	f.stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithCancel(f.ctx)
	f.halt = cancel
	f.done.Go(func() { _ = f.org.Live(ctx, perSecond) }) // ctx.Err(), always
}

func (f *feed) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.halt != nil {
		f.halt()
		f.done.Wait()
	}
}

// handler serves the org and, beside it, the control paths of doc.go.
func handler(org *oktasim.Org, live *feed) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", org)
	handle := func(pattern string, f func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := f(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
	}
	do := func(name string, f func(q url.Values) error) {
		handle("POST /_oktasim/"+name, func(w http.ResponseWriter, r *http.Request) error {
			if err := f(r.URL.Query()); err != nil {
				return err
			}
			w.WriteHeader(http.StatusNoContent)
			return nil
		})
	}

	handle("GET /_oktasim/events", func(w http.ResponseWriter, r *http.Request) error {
		from, err := number(r.URL.Query(), "from", 0, 0)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		for _, raw := range org.EventsFrom(from) {
			_, _ = w.Write(raw)
			_, _ = io.WriteString(w, "\n")
		}
		return nil
	})
	handle("GET /_oktasim/stats", func(w http.ResponseWriter, _ *http.Request) error {
		return writeJSON(w, statsOf(org))
	})
	handle("GET /_oktasim/requests", func(w http.ResponseWriter, _ *http.Request) error {
		return writeJSON(w, org.Requests())
	})
	handle("GET /_oktasim/hooks", func(w http.ResponseWriter, _ *http.Request) error {
		return writeJSON(w, org.Deliveries())
	})
	do("generate", func(q url.Values) error { return generate(org, q) })
	do("scenario", func(q url.Values) error { return play(org, q) })
	handle("POST /_oktasim/append", func(w http.ResponseWriter, r *http.Request) error {
		events, err := eventsIn(r.Body)
		if err != nil {
			return err
		}
		org.Append(events...)
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	do("rate", func(q url.Values) error {
		rate, err := strconv.ParseFloat(q.Get("per_second"), 64)
		if err != nil || !(rate >= 0 && rate <= 1e6) {
			return fmt.Errorf("per_second %q: want a number from 0 to 1000000", q.Get("per_second"))
		}
		live.set(rate)
		return nil
	})
	do("token", func(q url.Values) error {
		token := q.Get("value")
		if token == "" {
			return errors.New(`value "": want the token to accept`)
		}
		org.Set(func(o *oktasim.Org) { o.Token = token })
		return nil
	})
	do("refuse", func(q url.Values) error {
		status, err := number(q, "status", -1, 0)
		if err != nil || status != 0 && status != 401 && status != 403 && status != 404 {
			return fmt.Errorf("status %q: want 401, 403 or 404, or 0 for none", q.Get("status"))
		}
		org.Set(func(o *oktasim.Org) { o.Refuse = status })
		return nil
	})
	do("fault", func(q url.Values) error { return inject(org, q) })
	do("revoke", func(url.Values) error { org.RevokeAccessTokens(); return nil })
	do("nonce", func(url.Values) error { org.RotateNonce(); return nil })
	return mux
}

func generate(org *oktasim.Org, q url.Values) error {
	n, err := number(q, "n", -1, 1)
	if err != nil {
		return err
	}
	interval, err := time.ParseDuration(cmp.Or(q.Get("span"), "0s"))
	if err != nil || interval < 0 {
		return fmt.Errorf("span %q: want a duration such as 1h or 0s", q.Get("span"))
	}
	org.Generate(n, interval)
	return nil
}

// play lets an attack begin, by default so that it ends now.
func play(org *oktasim.Org, q url.Values) error {
	if !q.Has("ago") {
		return org.PlayLast(q.Get("name"))
	}
	ago, err := time.ParseDuration(q.Get("ago"))
	if err != nil || ago < 0 {
		return fmt.Errorf("ago %q: want a duration such as 10m, or 0s for now", q.Get("ago"))
	}
	return org.Play(q.Get("name"), org.Now().Add(-ago))
}

// eventsIn returns the lines of a body of NDJSON.
func eventsIn(r io.Reader) ([][]byte, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	var events [][]byte
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if !json.Valid(line) {
			return nil, fmt.Errorf("line %d of the body is not JSON", len(events)+1)
		}
		events = append(events, line)
	}
	return events, nil
}

// inject queues a fault by its name, or clears all that are queued.
func inject(org *oktasim.Org, q url.Values) error {
	count, err := number(q, "count", 1, 0)
	if err != nil {
		return err
	}
	if count == 0 {
		org.ClearInjections()
		return nil
	}
	answer, err := org.Fault(q.Get("name"))
	if err != nil {
		return err
	}
	org.Inject(answer, count)
	return nil
}

// stats is what /_oktasim/stats says.
type stats struct {
	Events    int              `json:"events"`
	Requests  int              `json:"requests"`  // answered ones
	Responses map[int]int      `json:"responses"` // by status; 0: the client left first
	Windows   []oktasim.Window `json:"windows"`   // minutes of the rate limit
}

func statsOf(org *oktasim.Org) stats {
	s := stats{Events: org.Len(), Responses: map[int]int{}, Windows: append([]oktasim.Window{}, org.Windows()...)}
	maps.Copy(s.Responses, org.Responses())
	for _, n := range s.Responses {
		s.Requests += n
	}
	return s
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// number reads a whole number of at least least; otherwise without one, which a negative value means there is none.
func number(q url.Values, name string, otherwise, least int) (int, error) {
	s := q.Get(name)
	if s == "" && otherwise >= 0 {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least {
		return 0, fmt.Errorf("%s %q: want a whole number, %d or more", name, s, least)
	}
	return n, nil
}
