package ui

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"path"

	"github.com/gorilla/mux"

	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/internal/service"
	"github.com/grafana/alloy/internal/service/graphql"
	httpservice "github.com/grafana/alloy/internal/service/http"
	"github.com/grafana/alloy/internal/service/livedebugging"
	"github.com/grafana/alloy/internal/service/remotecfg"
	"github.com/grafana/alloy/internal/web/api"

	"github.com/grafana/alloy/okta/docs"
)

// ServiceName is upstream's name of this service.
const ServiceName = "ui"

// dist is the built interface. Git tracks only an empty file in it, which makes the directive valid in a fresh clone.
//
//go:embed all:dist
var dist embed.FS

// Options configures the service for its lifetime.
type Options struct {
	// Prefix is the path the interface and its API are served below, "/" or "/a/b" with or without a slash at its end.
	Prefix string
	// Callbacks connects live debugging with the components.
	Callbacks livedebugging.CallbackManager
	Logger    *slog.Logger

	// GraphQL serves the GraphQL API at /graphql below the prefix. GraphQLPlayground adds a page to try it, and does nothing
	// without GraphQL.
	GraphQL, GraphQLPlayground bool
}

// Service is the ui service. The zero value only has a Definition.
type Service struct {
	opts Options
}

var (
	_ service.Service            = (*Service)(nil)
	_ httpservice.ServiceHandler = (*Service)(nil)
)

// New returns a service that the runtime starts.
func New(opts Options) *Service {
	return &Service{opts: opts}
}

// Definition implements service.Service. The service has no configuration block.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name:      ServiceName,
		DependsOn: []string{httpservice.ServiceName, livedebugging.ServiceName, remotecfg.ServiceName},
		Stability: featuregate.StabilityGenerallyAvailable,
	}
}

// Run implements service.Service. The HTTP service does the work.
func (s *Service) Run(ctx context.Context, _ service.Host) error {
	<-ctx.Done()
	return nil
}

// Update implements service.Service.
func (s *Service) Update(any) error {
	return errors.New("the ui service has no configuration")
}

// Data implements service.Service.
func (s *Service) Data() any { return nil }

// ServiceHandler implements the HTTP service's ServiceHandler: the API, the documentation below docs/ and, for all other paths below the
// prefix, the interface.
func (s *Service) ServiceHandler(host service.Host) (base string, handler http.Handler) {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path
	}

	prefix := path.Join("/", s.opts.Prefix)
	r := mux.NewRouter()
	api.NewAlloyAPI(host, s.opts.Callbacks, s.opts.Logger).RegisterRoutes(path.Join(prefix, "api/v0/web"), r)
	manual := path.Join(prefix, "docs") + "/"
	r.PathPrefix(manual).Handler(http.StripPrefix(manual, documents(docs.Files)))
	if s.opts.GraphQL {
		graphql.RegisterRoutes(graphql.RegisterRoutesParams{
			Router:           r,
			Logger:           s.opts.Logger,
			URLPrefix:        prefix,
			Host:             host,
			EnablePlayground: s.opts.GraphQLPlayground,
		})
	}
	r.PathPrefix(prefix).Handler(pages(built, prefix))
	return prefix, r
}
