package distribution

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/grafana/ckit/advertise"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/internal/util/windowspriority"
)

// runFlags holds the flags of run. Names and defaults are those of upstream's internal/alloycli/cmd_run.go, and a test compares them.
type runFlags struct {
	server  serverFlags
	cluster clusterFlags
	config  configFlags
	gate    gateFlags

	storagePath      string
	shutdownDeadline time.Duration
	directFanout     bool
	windowsPriority  string
}

// serverFlags configures the HTTP server that carries the UI, the metrics and the endpoints below /-/.
type serverFlags struct {
	listenAddr           string
	memoryAddr           string
	uiPrefix             string
	enablePprof          bool
	disableSupportBundle bool
	graphql              bool
	graphqlPlayground    bool
}

// clusterFlags configures clustering; see cluster.go for their use.
type clusterFlags struct {
	enabled             bool
	nodeName            string
	advertiseAddress    string
	joinAddresses       string
	discoverPeers       string
	advertiseInterfaces []string
	rejoinInterval      time.Duration
	maxJoinPeers        int
	name                string
	enableTLS           bool
	tlsCAPath           string
	tlsCertPath         string
	tlsKeyPath          string
	tlsServerName       string
	waitForSize         int
	waitTimeout         time.Duration
}

// gateFlags decides which registered components a configuration may use.
type gateFlags struct {
	minStability featuregate.Stability
	community    bool
}

func (f *runFlags) register(fs *pflag.FlagSet) {
	f.server.register(fs)
	f.cluster.register(fs)
	f.config.register(fs)
	f.gate.register(fs)

	fs.Bool("disable-reporting", false, "Accepted for compatibility: this build never reports usage")
	fs.StringVar(&f.storagePath, "storage.path", "data-alloy/", "Base directory where components can store data")
	fs.DurationVar(&f.shutdownDeadline, "feature.component-shutdown-deadline", 10*time.Minute,
		"Longest time to wait for a component to shut down before giving up and logging an error")
	fs.BoolVar(&f.directFanout, "feature.prometheus.direct-fanout.enabled", false,
		"Forward metrics without the global label store (experimental)")
	if runtime.GOOS == "windows" {
		fs.StringVar(&f.windowsPriority, "windows.priority", windowspriority.PriorityNormal,
			"Process priority (public preview). Supported values: "+strings.Join(slices.Collect(windowspriority.PriorityValues()), ", "))
	}
	registerDeprecated(fs, "cluster.use-discovery-v1")
	registerDeprecated(fs, "feature.prometheus.metric-validation-scheme")
}

// registerToLook registers what a command needs that evaluates a configuration and does not run it.
func (f *runFlags) registerToLook(fs *pflag.FlagSet) {
	f.config.register(fs)
	f.gate.register(fs)
	fs.StringVar(&f.storagePath, "storage.path", "data-alloy/", "Base directory where components store data, as given to run")
}

// mustHave has a command refuse to run without flags.
func mustHave(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag was registered by our caller
		}
	}
}

// redefault gives flags of strings other defaults than run has.
func redefault(fs *pflag.FlagSet, values map[string]string) {
	for name, value := range values {
		f := fs.Lookup(name)
		f.DefValue = value
		if err := f.Value.Set(value); err != nil {
			panic(err) // a string takes any
		}
	}
}

func (f *serverFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.listenAddr, "server.http.listen-addr", "127.0.0.1:12345", "Address to listen for HTTP traffic on")
	fs.StringVar(&f.memoryAddr, "server.http.memory-addr", "alloy.internal:12345",
		"Address to listen for in-memory HTTP traffic on. Change if it collides with a real address")
	fs.StringVar(&f.uiPrefix, "server.http.ui-path-prefix", "/", "Prefix to serve the HTTP UI at")
	fs.BoolVar(&f.enablePprof, "server.http.enable-pprof", true, "Enable /debug/pprof profiling endpoints")
	fs.BoolVar(&f.graphql, "server.http.enable-graphql", false, "Enable the GraphQL API at /graphql (experimental)")
	fs.BoolVar(&f.graphqlPlayground, "server.http.enable-graphql-playground", false,
		"Enable the GraphQL playground at /graphql/playground (experimental)")
	fs.BoolVar(&f.disableSupportBundle, "server.http.disable-support-bundle", false, "Disable the support bundle at /-/support")
}

func (f *clusterFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&f.enabled, "cluster.enabled", false, "Start in clustered mode")
	fs.StringVar(&f.nodeName, "cluster.node-name", "", "The name to use for this node; the host name if empty")
	fs.StringVar(&f.advertiseAddress, "cluster.advertise-address", "", "Address to advertise to the cluster")
	fs.StringVar(&f.joinAddresses, "cluster.join-addresses", "", "Comma-separated list of addresses to join the cluster at")
	fs.StringVar(&f.discoverPeers, "cluster.discover-peers", "", "List of key-value tuples for discovering peers")
	fs.StringSliceVar(&f.advertiseInterfaces, "cluster.advertise-interfaces", advertise.DefaultInterfaces,
		`Interfaces used to infer an address to advertise; "all" for any`)
	fs.DurationVar(&f.rejoinInterval, "cluster.rejoin-interval", time.Minute, "How often to rejoin the list of peers")
	fs.IntVar(&f.maxJoinPeers, "cluster.max-join-peers", 5, "Number of peers to join from the discovered set")
	fs.StringVar(&f.name, "cluster.name", "", "The name of the cluster to join")
	fs.BoolVar(&f.enableTLS, "cluster.enable-tls", false, "Use TLS between peers")
	fs.StringVar(&f.tlsCAPath, "cluster.tls-ca-path", "", "Path to the CA certificate file")
	fs.StringVar(&f.tlsCertPath, "cluster.tls-cert-path", "", "Path to the certificate file")
	fs.StringVar(&f.tlsKeyPath, "cluster.tls-key-path", "", "Path to the key file")
	fs.StringVar(&f.tlsServerName, "cluster.tls-server-name", "", "Server name to use for TLS communication")
	fs.IntVar(&f.waitForSize, "cluster.wait-for-size", 0,
		"Number of instances to wait for before components that use clustering start their work; 0 does not wait")
	fs.DurationVar(&f.waitTimeout, "cluster.wait-timeout", 0, "Longest time to wait for cluster.wait-for-size; 0 waits without limit")
}

func (f *gateFlags) register(fs *pflag.FlagSet) {
	f.minStability = featuregate.StabilityGenerallyAvailable
	fs.Var(&f.minStability, "stability.level", "Minimum stability level of features to enable. Supported "+
		"values: "+strings.Join(featuregate.AllowedValues(), ", "))
	fs.BoolVar(&f.community, "feature.community-components.enabled", false, "Enable community components")
}

// registerDeprecated accepts a flag that upstream accepts and ignores.
func registerDeprecated(fs *pflag.FlagSet, name string) {
	const msg = "This flag is deprecated and has no effect."
	fs.Bool(name, false, msg)
	if err := fs.MarkDeprecated(name, msg); err != nil {
		panic(err) // the flag was registered on the line above
	}
}

// check refuses combinations of flags that no run could honor, before anything is started.
func (f *runFlags) check() error {
	for _, experimental := range []struct {
		flag string
		set  bool
	}{
		{"feature.prometheus.direct-fanout.enabled", f.directFanout},
		{"server.http.enable-graphql", f.server.graphql},
		{"server.http.enable-graphql-playground", f.server.graphqlPlayground},
	} {
		if experimental.set && !f.gate.minStability.Permits(featuregate.StabilityExperimental) {
			return fmt.Errorf("--%s needs --stability.level=experimental, not %s", experimental.flag, f.gate.minStability.String())
		}
	}
	if runtime.GOOS == "windows" && f.windowsPriority != windowspriority.PriorityNormal {
		if err := featuregate.CheckAllowed(featuregate.StabilityPublicPreview, f.gate.minStability, "Windows process priority"); err != nil {
			return err
		}
	}
	return f.config.check()
}
