package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// arrival is an event as a destination got it.
type arrival struct {
	body   string            // what stands for the event, as JSON
	time   time.Time         // zero where the protocol has none
	fields map[string]string // what came with it
}

// sink is a destination that is not Loki. It refuses all that comes for a time, counted from the first refusal, and then takes it.
type sink struct {
	outage time.Duration

	mu       sync.Mutex
	since    time.Time
	refused  int
	arrivals []arrival
}

func (s *sink) refuses() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		s.since = time.Now()
	}
	if time.Since(s.since) >= s.outage {
		return false
	}
	s.refused++
	return true
}

// end has the sink take what comes from now on.
func (s *sink) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = 0
}

func (s *sink) take(arrivals ...arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals = append(s.arrivals, arrivals...)
}

func (s *sink) seen() (refused int, arrivals []arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused, s.arrivals
}

// serve starts a destination that speaks HTTP. read makes arrivals of a request's body; it runs on the server's goroutine.
func (s *sink) serve(t *testing.T, path, contentType string, reply []byte,
	read func(header http.Header, body []byte) ([]arrival, error),
) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := unzipped(r)
		if err == nil && r.URL.Path != path {
			err = errors.New("unexpected path " + r.URL.Path)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if s.refuses() {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		arrivals, err := read(r.Header, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.take(arrivals...)
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(reply)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func unzipped(r *http.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(r.Body)
	}
	plain, err := gzip.NewReader(r.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}

// otlp starts an OTLP/HTTP listener (https://opentelemetry.io/docs/specs/otlp/#otlphttp) and returns its endpoint.
func (s *sink) otlp(t *testing.T) string {
	t.Helper()
	reply, err := plogotlp.NewExportResponse().MarshalProto()
	require.NoError(t, err)
	return s.serve(t, "/v1/logs", "application/x-protobuf", reply, func(header http.Header, body []byte) ([]arrival, error) {
		request := plogotlp.NewExportRequest()
		if err := request.UnmarshalProto(body); err != nil {
			return nil, err
		}
		var arrivals []arrival
		for _, resource := range request.Logs().ResourceLogs().All() {
			for _, scope := range resource.ScopeLogs().All() {
				for _, record := range scope.LogRecords().All() {
					a, err := arrivalOf(record)
					if err != nil {
						return nil, err
					}
					a.fields["authorization"], a.fields["user-agent"] = header.Get("Authorization"), header.Get("User-Agent")
					for name, value := range resource.Resource().Attributes().All() {
						a.fields["resource."+name] = value.AsString()
					}
					arrivals = append(arrivals, a)
				}
			}
		}
		return arrivals, nil
	})
}

func arrivalOf(record plog.LogRecord) (arrival, error) {
	a := arrival{body: record.Body().AsString(), time: record.Timestamp().AsTime(), fields: map[string]string{
		"severity": record.SeverityText(), "severity_number": record.SeverityNumber().String(), "event_name": record.EventName(),
	}}
	for name, value := range record.Attributes().All() {
		a.fields["attribute."+name] = value.AsString()
	}
	if a.time.UnixNano() == 0 {
		return a, errors.New("a record without a time")
	}
	return a, nil
}

// splunk starts an HTTP Event Collector (https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector)
// and returns its URL.
func (s *sink) splunk(t *testing.T) string {
	t.Helper()
	const path = "/services/collector"
	reply := []byte(`{"text":"Success","code":0}`)
	return s.serve(t, path, "application/json", reply, func(header http.Header, body []byte) ([]arrival, error) {
		var arrivals []arrival
		for decoder := json.NewDecoder(bytes.NewReader(body)); ; {
			var e struct {
				Time                            float64
				Host, Source, SourceType, Event string
				Index                           string
				Fields                          map[string]any
			}
			err := decoder.Decode(&e)
			if errors.Is(err, io.EOF) {
				return arrivals, nil
			}
			if err != nil {
				return nil, err
			}
			fields, err := json.Marshal(e.Fields)
			if err != nil {
				return nil, err
			}
			arrivals = append(arrivals, arrival{body: e.Event, time: time.UnixMilli(int64(e.Time*1000 + 0.5)).UTC(), fields: map[string]string{
				"authorization": header.Get("Authorization"), "host": e.Host, "source": e.Source, "sourcetype": e.SourceType, "index": e.Index,
				"fields": string(fields),
			}})
		}
	}) + path
}

// kafka starts a broker with one topic and returns its address. What it took is read by a consumer of the real protocol.
func (s *sink) kafka(t *testing.T, topic string) string {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, topic))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	broker.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		if !s.refuses() {
			return nil, nil, false
		}
		produce := request.(*kmsg.ProduceRequest)
		response := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range produce.Topics {
			refusal := kmsg.NewProduceResponseTopic()
			refusal.Topic, refusal.TopicID = topic.Topic, topic.TopicID
			for _, partition := range topic.Partitions {
				refused := kmsg.NewProduceResponseTopicPartition()
				refused.Partition, refused.ErrorCode = partition.Partition, kerr.NotEnoughReplicas.Code
				refusal.Partitions = append(refusal.Partitions, refused)
			}
			response.Topics = append(response.Topics, refusal)
		}
		return response, nil, true
	})
	consumer, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...), kgo.ConsumeTopics(topic))
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			fetched := consumer.PollFetches(t.Context())
			if fetched.IsClientClosed() || t.Context().Err() != nil {
				return
			}
			for record := range fetched.RecordsAll() {
				s.take(arrival{body: string(record.Value), time: record.Timestamp.UTC()})
			}
		}
	}()
	t.Cleanup(func() {
		consumer.Close()
		<-done
	})
	return broker.ListenAddrs()[0]
}
