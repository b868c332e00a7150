package distribution

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
	"go.opentelemetry.io/otel"

	"github.com/grafana/alloy/internal/alloyseed"
	alloyruntime "github.com/grafana/alloy/internal/runtime"
	"github.com/grafana/alloy/internal/runtime/logging"
	"github.com/grafana/alloy/internal/runtime/tracing"
	"github.com/grafana/alloy/internal/service"
	"github.com/grafana/alloy/internal/service/cluster"
	httpservice "github.com/grafana/alloy/internal/service/http"
	"github.com/grafana/alloy/internal/service/labelstore"
	"github.com/grafana/alloy/internal/service/livedebugging"
	otelservice "github.com/grafana/alloy/internal/service/otel"
	"github.com/grafana/alloy/internal/service/remotecfg"
	"github.com/grafana/alloy/internal/static/config/instrumentation"
	"github.com/grafana/alloy/internal/util"

	"github.com/grafana/alloy/okta/internal/distribution/ui"
)

// daemon is Alloy's runtime with its services, and the configuration it loads.
type daemon struct {
	path        string // file or directory of the configuration
	clusterName string

	runtime *alloyruntime.Runtime
	http    *httpservice.Service
	cluster *cluster.Service

	loading sync.Mutex // SIGHUP and /-/reload may come together
}

// newDaemon wires the services, in the order of upstream's Run function (internal/alloycli/cmd_run.go), and starts nothing but the tracer.
// flagSet is what the support bundle reports, so no flag may hold a secret; more are services that upstream does not have.
func newDaemon(
	ctx context.Context, l *logging.Logger, flags *runFlags, flagSet *pflag.FlagSet, path string, more []service.Service,
) (*daemon, error) {
	sl := l.Slog()
	d := &daemon{path: path, clusterName: flags.cluster.name}

	t, err := tracing.New(tracing.DefaultOptions)
	if err != nil {
		return nil, fmt.Errorf("building tracer: %w", err)
	}
	// For libraries that take the global provider. Components get t itself.
	otel.SetTracerProvider(t)
	go func() {
		if err := t.Run(ctx); err != nil {
			sl.Error("running tracer returned an error", "err", err)
		}
	}()

	// The default registry, because dependencies register their metrics there.
	reg := prometheus.DefaultRegisterer
	for _, c := range append(versionCollectors(), newResourcesCollector(sl)) {
		util.MustRegisterOrGet(reg, c)
	}

	d.cluster, err = newCluster(&flags.cluster, flags.server.listenAddr, sl.With("service", "cluster"), reg, t)
	if err != nil {
		return nil, err
	}

	d.http = httpservice.New(httpservice.Options{
		Logger:   l,
		Tracer:   t,
		Gatherer: prometheus.DefaultGatherer,

		ReadyFunc: func() bool { return d.runtime.Ready() },
		ReloadFunc: func() error {
			_, err := d.load()
			return err
		},

		HTTPListenAddr:   flags.server.listenAddr,
		MemoryListenAddr: flags.server.memoryAddr,
		EnablePProf:      flags.server.enablePprof,
		MinStability:     flags.gate.minStability,
		BundleContext: httpservice.SupportBundleContext{
			RuntimeFlags:         flagValues(flagSet, flags.server.disableSupportBundle),
			DisableSupportBundle: flags.server.disableSupportBundle,
		},
	})

	remote, err := remotecfg.New(remotecfg.Options{
		Logger:      sl.With("service", "remotecfg"),
		ConfigPath:  path,
		StoragePath: flags.storagePath,
		Metrics:     reg,
	})
	if err != nil {
		return nil, fmt.Errorf("building the remotecfg service, which keeps its state in --storage.path %q: %w", flags.storagePath, err)
	}

	debugging := livedebugging.New()
	web := ui.New(ui.Options{
		Prefix:    flags.server.uiPrefix,
		Callbacks: debugging.Data().(livedebugging.CallbackManager),
		Logger:    sl.With("service", "ui"),

		GraphQL:           flags.server.graphql,
		GraphQLPlayground: flags.server.graphqlPlayground,
	})

	otelService := otelservice.New(sl.With("service", "otel"))
	if otelService == nil {
		return nil, fmt.Errorf("building the otel service failed")
	}

	if flags.directFanout {
		sl.Info("global label store is disabled")
	}
	labels := labelstore.New(sl, reg, !flags.directFanout)

	// loki.write sends the seed as a header and asks for it when it is built.
	alloyseed.Init(flags.storagePath, sl)

	d.runtime, err = alloyruntime.New(alloyruntime.Options{
		Logger:               l,
		Tracer:               t,
		DataPath:             flags.storagePath,
		Reg:                  reg,
		MinStability:         flags.gate.minStability,
		EnableCommunityComps: flags.gate.community,
		Services:             append([]service.Service{d.cluster, d.http, labels, debugging, otelService, remote, web}, more...),
		TaskShutdownDeadline: flags.shutdownDeadline,
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// load reads the configuration and hands it to the runtime. The sources are
// returned with an error too, to print its diagnostics against them.
//
// Unlike upstream, alloy_config_last_load_successful also falls to 0 when the configuration was parsed and the runtime then refused it.
func (d *daemon) load() (sources map[string][]byte, err error) {
	d.loading.Lock()
	defer d.loading.Unlock()

	defer func() {
		instrumentation.InstrumentConfig(err == nil, hashSources(sources), d.clusterName)
	}()

	sources, err = readSources(d.path)
	if err != nil {
		return nil, fmt.Errorf("reading config path %q: %w", d.path, err)
	}
	parsed, err := alloyruntime.ParseSources(sources)
	if err != nil {
		return sources, fmt.Errorf("reading config path %q: %w", d.path, explain(err))
	}
	d.http.SetSources(parsed.SourceFiles())
	if err := d.runtime.LoadSource(parsed, nil, d.path); err != nil {
		return sources, fmt.Errorf("loading config path %q: %w", d.path, explain(err))
	}
	return sources, nil
}

// flagValues lists the flags as the support bundle shows them.
func flagValues(fs *pflag.FlagSet, disabled bool) []string {
	values := []string{}
	if disabled {
		return values
	}
	fs.VisitAll(func(f *pflag.Flag) {
		values = append(values, f.Name+"="+f.Value.String())
	})
	return values
}
