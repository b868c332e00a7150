package testbed

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Alertmanager takes alerts in place of one, by its API v2, and keeps those that differ in their labels. It is safe for concurrent use.
type Alertmanager struct {
	URL string // its base URL, without a slash at the end

	server *http.Server
	mu     sync.Mutex
	known  map[string]bool // labels
	alerts []Alert
}

// Alert is an alert as it first came.
type Alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`     // the evaluation that raised it
	Source      string            `json:"generatorURL"` // a link to the query
}

// StartAlertmanager listens on a free port of the loopback interface until Close.
func StartAlertmanager() (*Alertmanager, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for alerts: %w", err)
	}
	a := &Alertmanager{URL: "http://" + listener.Addr().String(), known: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/alerts", a.take)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = a.server.Serve(listener) }()
	return a, nil
}

// Close stops listening.
func (a *Alertmanager) Close() error { return a.server.Close() }

// Alerts returns what has come so far, in the order of arrival.
func (a *Alertmanager) Alerts() []Alert {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Alert(nil), a.alerts...)
}

func (a *Alertmanager) take(w http.ResponseWriter, r *http.Request) {
	var alerts []Alert
	if err := json.NewDecoder(r.Body).Decode(&alerts); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, alert := range alerts {
		labels := fmt.Sprint(alert.Labels) // fmt sorts by key
		if !a.known[labels] {
			a.known[labels] = true
			a.alerts = append(a.alerts, alert)
		}
	}
}
