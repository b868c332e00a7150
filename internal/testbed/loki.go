package testbed

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed loki.yaml
var lokiConfig string

var lokiTemplate = template.Must(template.New("loki.yaml").Parse(lokiConfig))

// lokiPageSize is how many entries one query of a Reader asks for. Loki's default allows 5000, but also limits messages between
// its own parts to 4 MB, which 1000 events of ordinary size stay below.
const lokiPageSize = 1000

// Loki is a real Loki in one process, with its storage in a folder. It can be stopped or killed and started again over the
// same data, at the same addresses.
type Loki struct {
	Bin string // the program, as built by make loki
	Dir string // an existing folder for its configuration, log and data

	// Hiding has flushed chunks leave memory at once, as Loki does by default. What lies in the future then stays hidden from the
	// flush until its time has come, and a stream that comes back is not safe from a crash.
	Hiding bool
	// HidesOld has what is older than three hours hidden until its chunk is flushed, as Loki does by default.
	HidesOld bool

	// Whole has queries evaluated in one piece, as the ruler evaluates rules. Otherwise Loki cuts them into shards, whose results count
	// against its limit of 500 series. They may take ten minutes.
	Whole bool

	// DefaultLimits leaves Loki's limits at their defaults. Otherwise it takes entries of any age, as fast as they come.
	DefaultLimits bool

	// Rules is a rule file that its ruler evaluates, nil for none, and Alertmanager the base URL to which it sends alerts.
	Rules        []byte
	Alertmanager string

	// Tenants has Loki keep tenants apart, and refuse requests without X-Scope-OrgID.
	Tenants bool

	// Where it listens. Chosen among the free loopback ports by the first Start when empty.
	HTTPAddr, GRPCAddr string

	*Process // the running program; nil before Start
}

// Start starts Loki and waits until it takes writes and queries, or ctx ends.
func (l *Loki) Start(ctx context.Context) error {
	for _, addr := range []*string{&l.HTTPAddr, &l.GRPCAddr} {
		if *addr != "" {
			continue
		}
		free, err := FreeAddr()
		if err != nil {
			return fmt.Errorf("starting loki: %w", err)
		}
		*addr = free
	}
	var config bytes.Buffer
	if err := lokiTemplate.Execute(&config, l); err != nil {
		return fmt.Errorf("starting loki: writing its configuration: %w", err)
	}
	configFile := filepath.Join(l.Dir, "loki.yaml")
	if err := os.WriteFile(configFile, config.Bytes(), 0o600); err != nil {
		return fmt.Errorf("starting loki: writing its configuration: %w", err)
	}
	if l.Rules != nil {
		tenant := filepath.Join(l.Dir, "rules", "fake") // as Loki calls the tenant when there is no authentication
		if err := os.MkdirAll(tenant, 0o700); err != nil {
			return fmt.Errorf("starting loki: writing its rules: %w", err)
		}
		if err := os.WriteFile(filepath.Join(tenant, "rules.yaml"), l.Rules, 0o600); err != nil {
			return fmt.Errorf("starting loki: writing its rules: %w", err)
		}
	}
	process, err := Command{
		Name:    "loki",
		Path:    l.Bin,
		Args:    []string{"-config.file=" + configFile},
		Dir:     l.Dir,
		LogFile: filepath.Join(l.Dir, "loki.log"),
	}.Start()
	if err != nil {
		return err
	}
	l.Process = process
	if err := process.Ready(ctx, l.URL()+"/ready"); err != nil {
		process.Kill()
		return err
	}
	return nil
}

// URL is Loki's base URL, without a slash at the end.
func (l *Loki) URL() string { return "http://" + l.HTTPAddr }

// Reader reads what this Loki holds.
func (l *Loki) Reader() Reader { return Reader{URL: l.URL()} }

// Host and Port serve the configuration template.

// Host returns the host of a host:port pair.
func (*Loki) Host(addr string) (string, error) {
	host, _, err := net.SplitHostPort(addr)
	return host, err
}

// Port returns the port of a host:port pair.
func (*Loki) Port(addr string) (string, error) {
	_, port, err := net.SplitHostPort(addr)
	return port, err
}
