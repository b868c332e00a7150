// Package environment is the component okta.environment: it reads the environment variables and the list of orgs that tell image and
// packages what to do, and exports them for their configuration (deploy/config). A value that is not allowed ends the start, and the error
// names the variable. Expressions in a configuration could not name it, and would take an unknown value for the default.
package environment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
)

func init() {
	component.Register(component.Registration{
		Name:      "okta.environment",
		Stability: featuregate.StabilityGenerallyAvailable,
		Args:      Arguments{},
		Exports:   Exports{},

		Build: func(opts component.Options, _ component.Arguments) (component.Component, error) {
			return newComponent(opts, os.Getenv)
		},
	})
}

// Arguments of okta.environment: there are none.
type Arguments struct{}

// Exports are what the variables say; docs/install.md has them.
type Exports struct {
	Orgs        okta.Orgs `alloy:"orgs,attr"`        // in OKTA_URL, and in the file
	Destination string    `alloy:"destination,attr"` // "logzio", "loki" or "stdout"

	PollInterval    string   `alloy:"poll_interval,attr"`
	InitialLookback string   `alloy:"initial_lookback,attr"`
	RequestTimeout  string   `alloy:"request_timeout,attr"`
	PageSize        int      `alloy:"page_size,attr"`
	RedactPresets   []string `alloy:"redact_presets,attr"`
	LogLevel        string   `alloy:"log_level,attr"`

	LokiURL        string            `alloy:"loki_url,attr"` // without a path of Loki's API, and without a slash at its end
	LogzioToken    alloytypes.Secret `alloy:"logzio_token,attr"`
	LogzioEndpoint string            `alloy:"logzio_endpoint,attr"`
}

// lookInterval is how often the file is read. A text is used once it was read twice in a row: a file that is just being written may be cut
// off.
const lookInterval = 5 * time.Second

// Component implements okta.environment.
type Component struct {
	opts   component.Options
	values values

	mut     sync.Mutex
	text    string // of the file, as it is used
	health  component.Health
	trouble component.Health // zero: the file is as text
}

var _ component.HealthComponent = (*Component)(nil)

// newComponent reads variables and file. With an error, the exports collect nothing: then the components that use them report no trouble of
// their own, and nothing that should be masked is sent in clear.
func newComponent(opts component.Options, getenv func(string) string) (*Component, error) {
	c := &Component{opts: opts}
	var notes []note
	var err error
	c.values, notes, err = read(getenv)
	for _, n := range notes {
		opts.Logger.Warn("ignoring an environment variable", "name", n.name, "value", n.value, "allowed", n.allowed)
	}
	text, fileErr := c.values.readFile()
	var orgs okta.Orgs
	if fileErr == nil {
		orgs, fileErr = c.values.orgs(text)
	}
	if err := errors.Join(err, fileErr); err != nil {
		opts.OnStateChange(nothing().exports(okta.Orgs{}))
		return nil, errors.New(oneLine(err))
	}
	c.take(text, orgs)
	return c, nil
}

// take has a text of the file used from now on.
func (c *Component) take(text string, orgs okta.Orgs) {
	health := component.Health{Health: component.HealthTypeHealthy, Message: fmt.Sprintf("%d orgs", len(orgs)), UpdateTime: time.Now()}
	if len(orgs) == 0 {
		health.Health = component.HealthTypeUnhealthy
		health.Message = "there is no org to collect: OKTA_URL is empty, and so is the list in " + c.values.tenantsFile
		c.opts.Logger.Error("there is no org to collect", "OKTA_URL", "", "TENANTS_FILE", c.values.tenantsFile)
	}
	c.mut.Lock()
	c.text, c.health, c.trouble = text, health, component.Health{}
	c.mut.Unlock()
	c.opts.OnStateChange(c.values.exports(orgs))
}

// Run implements component.Component: it follows changes of the file. A text that cannot be used changes nothing.
func (c *Component) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	c.mut.Lock()
	seen := c.text
	c.mut.Unlock()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		text, err := c.values.readFile()
		if err == nil && text != seen {
			seen = text
			continue
		}
		if err == nil {
			err = c.look(text)
		}
		c.refuse(err)
	}
}

// look takes a text of the file, unless it is used already.
func (c *Component) look(text string) error {
	c.mut.Lock()
	counts := text == c.text
	c.mut.Unlock()
	if counts {
		return nil
	}
	orgs, err := c.values.orgs(text)
	if err == nil {
		c.take(text, orgs)
	}
	return err
}

// refuse says once what is wrong with the file; nil: nothing is.
func (c *Component) refuse(err error) {
	c.mut.Lock()
	defer c.mut.Unlock()
	if err == nil {
		c.trouble = component.Health{}
		return
	}
	message := fmt.Sprintf("the list of orgs is of no use, the one before stays: %v", err)
	if c.trouble.Message != message {
		c.trouble = component.Health{Health: component.HealthTypeUnhealthy, Message: message, UpdateTime: time.Now()}
		c.opts.Logger.Error("the list of orgs is of no use, the one before stays", "err", err)
	}
}

// Update implements component.Component. The environment of a process does not change.
func (c *Component) Update(component.Arguments) error { return nil }

// CurrentHealth implements component.HealthComponent.
func (c *Component) CurrentHealth() component.Health {
	c.mut.Lock()
	defer c.mut.Unlock()
	if c.trouble.Message != "" {
		return c.trouble
	}
	return c.health
}
