package distribution

import (
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"
)

// resourcesCollector exposes what the process and the machine's network use, as the alloy_resources_* metrics that upstream's dashboards
// and alerts read (upstream internal/alloycli/resources_collector.go).
type resourcesCollector struct {
	log *slog.Logger

	startTime, cpu, rss, virtual, received, sent *prometheus.Desc
}

var _ prometheus.Collector = (*resourcesCollector)(nil)

func newResourcesCollector(l *slog.Logger) *resourcesCollector {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("alloy_resources_"+name, help, nil, nil)
	}
	return &resourcesCollector{
		log:       l,
		startTime: desc("process_start_time_seconds", "Start time of the process since Unix epoch in seconds."),
		cpu:       desc("process_cpu_seconds_total", "Total user and system CPU time spent in seconds."),
		rss:       desc("process_resident_memory_bytes", "Current resident memory size in bytes."),
		virtual:   desc("process_virtual_memory_bytes", "Current virtual memory size in bytes."),
		received:  desc("machine_rx_bytes_total", "Total bytes, host-wide, received across all network interfaces."),
		sent:      desc("machine_tx_bytes_total", "Total bytes, host-wide, sent across all given network interface."),
	}
}

// Describe implements prometheus.Collector.
func (c *resourcesCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.startTime, c.cpu, c.rss, c.virtual, c.received, c.sent} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. What the platform does not tell is left out and logged.
func (c *resourcesCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	counter := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	failed := func(what string, err error) {
		c.log.Error("failed to collect resources metric", "name", what, "err", err)
	}

	proc, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		failed("process", err)
		return
	}
	if created, err := proc.CreateTime(); err != nil {
		failed("start time", err)
	} else {
		gauge(c.startTime, (time.Duration(created) * time.Millisecond).Seconds())
	}
	if times, err := proc.Times(); err != nil {
		failed("cpu", err)
	} else {
		counter(c.cpu, times.User+times.System)
	}
	if memory, err := proc.MemoryInfo(); err != nil {
		failed("memory", err)
	} else {
		gauge(c.virtual, float64(memory.VMS))
		gauge(c.rss, float64(memory.RSS))
	}
	if interfaces, err := net.IOCounters(true); err != nil {
		failed("network", err)
	} else {
		var received, sent uint64
		for _, i := range interfaces {
			received += i.BytesRecv
			sent += i.BytesSent
		}
		counter(c.received, float64(received))
		counter(c.sent, float64(sent))
	}
}
