package distribution

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	_ "unsafe" // for linkname

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/component/loki/write"
	alloyruntime "github.com/grafana/alloy/internal/runtime"
	"github.com/grafana/alloy/internal/runtime/logging"
	"github.com/grafana/alloy/internal/runtime/tracing"
	"github.com/grafana/alloy/internal/service"
	httpservice "github.com/grafana/alloy/internal/service/http"
	"github.com/grafana/alloy/internal/service/labelstore"
	"github.com/grafana/alloy/internal/service/livedebugging"
	otelservice "github.com/grafana/alloy/internal/service/otel"
	"github.com/grafana/alloy/internal/service/remotecfg"
	"github.com/grafana/alloy/syntax/diag"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/component/loki/source/okta_event_hook"
	"github.com/grafana/alloy/okta/internal/distribution/ui"
)

// loaded is a configuration as run would evaluate it, with nothing of it running.
type loaded struct {
	okta  []oktaSource
	hooks []hookSource
}

// oktaSource is a loki.source.okta, also one in a module.
type oktaSource struct {
	id       string // as in logs: "collect.default/loki.source.okta.default"
	dataPath string // which run would give it; it may not exist
	args     okta.Arguments
	sinks    []sink
}

// hookSource is a loki.source.okta_event_hook.
type hookSource struct {
	id    string
	args  okta_event_hook.Arguments
	sinks []sink
}

// sink is a component at which entries end, having passed no other like it.
type sink struct {
	id, name string
	write    *write.Arguments // nil: it is no loki.write
	through  []string         // names of the components between, in order
}

// load evaluates the configuration at path as run would do with these flags, and starts nothing: no component but those that fetch values
// for others is built, no port is opened, and nothing is written except below a folder that is gone when load returns. What is wrong with
// the configuration is printed as validate prints it, and not in the error. What a remotecfg block would fetch is not looked at.
func load(ctx context.Context, flags *runFlags, path string) (*loaded, error) {
	if err := flags.check(); err != nil {
		return nil, err
	}
	sources, err := readSources(path)
	if err != nil {
		return nil, err
	}
	diags, err := checkSafely(sources, &flags.gate)
	if err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		printDiagnostics(sources, diags)
		return nil, errors.New("validation failed")
	}
	l := &loading{storage: flags.storagePath, receivers: map[loki.LogsReceiver]*part{}}
	if err := l.evaluate(ctx, flags, sources, path); err != nil {
		if diags, ok := errors.AsType[diag.Diagnostics](err); ok {
			printDiagnostics(sources, diags)
			return nil, errors.New("could not perform the initial load successfully")
		}
		return nil, err
	}
	return l.result(), nil
}

// registered is upstream's list of components (internal/component/registry.go). Alloy's runtime takes another from its own tests only, and
// tells of a component in a module only while it runs.
//
//go:linkname registered github.com/grafana/alloy/internal/component.registered
var registered map[string]component.Registration

// registering is held while registered is not as upstream has it.
var registering sync.Mutex

// loading gathers what a configuration holds while it is evaluated.
type loading struct {
	storage string

	mu        sync.Mutex
	parts     []*part
	receivers map[loki.LogsReceiver]*part // by what it exports
}

// part is a component of the configuration.
type part struct {
	id, name string
	args     component.Arguments
}

func (l *loading) evaluate(ctx context.Context, flags *runFlags, sources map[string][]byte, path string) error {
	registering.Lock()
	defer registering.Unlock()
	for _, name := range component.AllNames() {
		had := registered[name]
		defer func() { registered[name] = had }()
		registered[name] = l.instead(had)
	}
	dir, err := scratch(l.storage)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	services, logger, tracer, err := idleServices(flags)
	if err != nil {
		return err
	}
	rt, err := alloyruntime.New(alloyruntime.Options{
		Logger: logger, Tracer: tracer, DataPath: dir, Reg: prometheus.NewRegistry(),
		MinStability: flags.gate.minStability, EnableCommunityComps: flags.gate.community, Services: services,
		TaskShutdownDeadline: flags.shutdownDeadline,
	})
	if err != nil {
		return err
	}
	parsed, err := alloyruntime.ParseSources(sources)
	if err != nil {
		return explain(err)
	}
	done := make(chan error, 1)
	go func() { done <- rt.LoadSource(parsed, nil, path) }() // takes no context, and may wait for a remote file
	select {
	case err := <-done:
		return explain(err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// scratch makes a folder into which import.git clones. It is in the storage path where none can be made among temporary files: the image's
// /tmp cannot be written when its root is read-only, as it is to be run.
func scratch(storage string) (string, error) {
	dir, err := os.MkdirTemp("", Name+"-")
	if err == nil {
		return dir, nil
	}
	if dir, inStorage := os.MkdirTemp(storage, Name+"-"); inStorage == nil {
		return dir, nil
	}
	return "", fmt.Errorf("making a temporary folder: %w: set TMPDIR to one, or --storage.path", err)
}

// idleServices are those that components ask for. None is started, and remotecfg, which would fetch when it is configured, does nothing.
func idleServices(flags *runFlags) ([]service.Service, *logging.Logger, *tracing.Tracer, error) {
	logger, err := logging.NewDeferred(io.Discard)
	if err != nil {
		return nil, nil, nil, err
	}
	tracer, err := tracing.New(tracing.DefaultOptions)
	if err != nil {
		return nil, nil, nil, err
	}
	silent, reg := slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	alone := flags.cluster
	alone.enabled = false // a node that only looks must not join
	nodes, err := newCluster(&alone, flags.server.listenAddr, silent, reg, tracer)
	if err != nil {
		return nil, nil, nil, err
	}
	return []service.Service{
		nodes,
		httpservice.New(httpservice.Options{Logger: logger, Tracer: tracer, Gatherer: reg, MinStability: flags.gate.minStability}),
		labelstore.New(silent, reg, !flags.directFanout), livedebugging.New(), otelservice.New(silent),
		idle{definition: (&remotecfg.Service{}).Definition()}, idle{definition: (&ui.Service{}).Definition()},
	}, logger, tracer, nil
}

// idle is a service that does nothing but have data.
type idle struct {
	definition service.Definition
	data       any
}

func (i idle) Definition() service.Definition              { return i.definition }
func (idle) Run(ctx context.Context, _ service.Host) error { <-ctx.Done(); return nil }
func (idle) Update(any) error                              { return nil }
func (i idle) Data() any                                   { return i.data }

// evaluated begins the names of components that are built as run does, since other components' arguments are made of what they export.
var evaluated = []string{"local.", "remote.", "okta.", "loki.relabel", "discovery.relabel"}

// instead returns a registration whose component does nothing but be there, unless others need its values.
func (l *loading) instead(r component.Registration) component.Registration {
	build := r.Build
	real := slices.ContainsFunc(evaluated, func(name string) bool { return strings.HasPrefix(r.Name, name) })
	r.Build = func(opts component.Options, args component.Arguments) (component.Component, error) {
		p := l.add(opts.ID, r.Name, args)
		export := opts.OnStateChange
		opts.OnStateChange = func(e component.Exports) {
			l.exports(p, e)
			export(e)
		}
		if real {
			return build(opts, args)
		}
		if r.Exports != nil {
			opts.OnStateChange(stand(r.Exports, opts.ID))
		}
		return passive{p}, nil
	}
	return r
}

// passive is a component that only remembers its arguments.
type passive struct{ *part }

func (passive) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (p passive) Update(args component.Arguments) error {
	p.args = args
	return nil
}

func (l *loading) add(id, name string, args component.Arguments) *part {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &part{id: id, name: name, args: args}
	l.parts = append(l.parts, p)
	return p
}

// exports notes the receivers that a component exports.
func (l *loading) exports(p *part, e component.Exports) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range receiversIn(reflect.ValueOf(e)) {
		l.receivers[r] = p
	}
}

var receiverType = reflect.TypeFor[loki.LogsReceiver]()

// stand returns exports of the type of e, with receivers that nobody listens to.
func stand(e component.Exports, id string) component.Exports {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			if f := v.Field(i); f.Type() == receiverType && f.CanSet() {
				f.Set(reflect.ValueOf(loki.NewLogsReceiver(loki.WithComponentID(id))))
			}
		}
	}
	return v.Interface()
}

// receiversIn returns the receivers in the fields of a struct, and in lists there.
func receiversIn(v reflect.Value) (all []loki.LogsReceiver) {
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case !f.CanInterface():
		case f.Type() == receiverType:
			all = append(all, f.Interface().(loki.LogsReceiver))
		case f.Kind() == reflect.Slice && f.Type().Elem() == receiverType:
			for j := range f.Len() {
				all = append(all, f.Index(j).Interface().(loki.LogsReceiver))
			}
		}
	}
	return slices.DeleteFunc(all, func(r loki.LogsReceiver) bool { return r == nil })
}

// result sorts the components that commands look at by their names.
func (l *loading) result() *loaded {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.parts, func(a, b *part) int { return cmp.Compare(a.id, b.id) })
	all := &loaded{}
	for _, p := range l.parts {
		switch args := p.args.(type) {
		case okta.Arguments:
			all.okta = append(all.okta, oktaSource{id: p.id, dataPath: filepath.Join(l.storage, p.id), args: args, sinks: l.sinks(args.ForwardTo)})
		case okta_event_hook.Arguments:
			all.hooks = append(all.hooks, hookSource{id: p.id, args: args, sinks: l.sinks(args.ForwardTo)})
		}
	}
	return all
}

// sinks follows entries from receivers to where they end.
func (l *loading) sinks(receivers []loki.LogsReceiver) (all []sink) {
	seen := map[*part]bool{}
	var follow func([]loki.LogsReceiver, []string)
	follow = func(to []loki.LogsReceiver, through []string) {
		for _, r := range to {
			p := l.receivers[r]
			if p == nil || seen[p] {
				continue
			}
			seen[p] = true
			onward := receiversIn(reflect.ValueOf(p.args))
			if len(onward) > 0 {
				follow(onward, append(slices.Clip(through), p.id))
				continue
			}
			s := sink{id: p.id, name: p.name, through: through}
			if args, ok := p.args.(write.Arguments); ok {
				s.write = &args
			}
			all = append(all, s)
		}
	}
	follow(receivers, nil)
	return all
}
