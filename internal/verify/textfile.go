package verify

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// figure is a metric about an org.
type figure struct {
	name, help string
	value      func(*Report) float64
	always     bool // written also when Okta or Loki could not be asked
}

func (s *Summary) figures(now time.Time) []figure {
	seconds := func(t time.Time) func(*Report) float64 {
		return func(*Report) float64 { return float64(t.UnixMilli()) / 1000 }
	}
	all := []figure{
		{"okta_verify_success", "1 if Okta and Loki could be asked about the range, else 0.", func(r *Report) float64 {
			if r.Err != "" {
				return 0
			}
			return 1
		}, true},
		{"okta_verify_last_run_timestamp_seconds", "When the range was verified.", seconds(now), true},
		{"okta_verify_range_start_timestamp_seconds", "Beginning of the range.", seconds(s.Since), true},
		{"okta_verify_range_end_timestamp_seconds", "End of the range.", seconds(s.Until), true},
		{"okta_verify_okta_events", "Events of the range in Okta's log.", func(r *Report) float64 { return float64(r.InOkta) }, false},
		{"okta_verify_loki_events", "Events of the range that are in Loki.", func(r *Report) float64 { return float64(r.InLoki) }, false},
	}
	for _, k := range Kinds {
		count := func(r *Report) float64 { return float64(r.Counts[k]) }
		all = append(all, figure{"okta_verify_" + string(k) + "_events", helps[k], count, false})
	}
	return all
}

var helps = map[Kind]string{
	Missing: "Events of the range that are not in Loki.",
	Doubled: "Events of the range that are in Loki more than once.",
	Altered: "Events of the range whose line in Loki is not what the configuration makes of them.",
	Unknown: "Events of the range of which it cannot be told whether Loki has them.",
	Dropped: "Events of the range that relabel_rules drop.",
	Foreign: "Entries in Loki that are not in the org's log.",
}

// Metrics writes gauges in the text format of Prometheus. There are no counts for an org of which nothing is known.
func (s *Summary) Metrics(w io.Writer, now time.Time) error {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	for _, f := range s.figures(now) {
		if _, err := fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s gauge\n", f.name, f.help, f.name); err != nil {
			return err
		}
		for _, r := range s.Orgs {
			if r.Err != "" && !f.always {
				continue
			}
			if _, err := fmt.Fprintf(w, "%s{component_id=\"%s\",org=\"%s\"} %s\n", f.name, quote.Replace(r.Component), quote.Replace(r.Org),
				strconv.FormatFloat(f.value(r), 'f', -1, 64)); err != nil {
				return err
			}
		}
	}
	return nil
}

// WriteTextfile writes the metrics to a file for node_exporter's textfile collector, which must never see half a file: it is written under
// a name that the collector does not read, and then renamed. Everybody may read it, as the collector is another user.
func (s *Summary) WriteTextfile(path string, now time.Time) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("writing metrics: %w", err)
		}
	}()
	if err := s.Metrics(f, now); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
