package distribution

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/internal/oktaapi"
)

// loadedOrg is an org of a configuration that is not run.
type loadedOrg struct {
	source *oktaSource
	okta.Resolved
}

// loadOrgs are those of all components of the configuration at path, see load. Without any it is an error.
func loadOrgs(ctx context.Context, flags *runFlags, path string) (all []loadedOrg, err error) {
	config, err := load(ctx, flags, path)
	if err != nil {
		return nil, err
	}
	for i := range config.okta {
		source := &config.okta[i]
		orgs, err := source.args.Resolve(log.NewNopLogger())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source.id, err)
		}
		for _, org := range orgs {
			all = append(all, loadedOrg{source, org})
		}
	}
	if len(all) == 0 {
		return nil, errNoOrg
	}
	return all, nil
}

var errNoOrg = errors.New("the configuration has no loki.source.okta with an org")

// pointOf reads a time, a day, or a duration before now.
func pointOf(name, text string, now time.Time) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago).UTC().Truncate(time.Second), nil
	}
	t, err := okta.Moment(name, text)
	if err != nil {
		return t, fmt.Errorf(`%w, or a duration before now such as "36h"`, err)
	}
	return t.Truncate(time.Millisecond), nil
}

// kept checks that Okta still has the events of a time.
func kept(name string, t, now time.Time) error {
	if oldest := now.Add(-oktaapi.Retention).Truncate(time.Second); t.Before(oldest) { // as a duration before now is
		return fmt.Errorf("%s is %s: Okta keeps events for 90 days, so it must be %s or later", name, at(t), at(oldest))
	}
	return nil
}
