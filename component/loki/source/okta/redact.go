// option: redact

package okta

import (
	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/internal/redact"
)

// Redact is what is taken out of events.
type Redact struct {
	Mode    string            `alloy:"mode,attr,optional"`
	Key     alloytypes.Secret `alloy:"key,attr,optional"`
	Presets []string          `alloy:"presets,attr,optional"`
	Paths   []string          `alloy:"paths,attr,optional"`
}

// SetToDefault implements syntax.Defaulter.
func (r *Redact) SetToDefault() {
	*r = Redact{Mode: redact.ModeMask, Presets: []string{redact.PresetUserIdentity}}
}

// Options returns nil without a block.
func (r *Redact) Options() *redact.Options {
	if r == nil {
		return nil
	}
	presets := append([]string{}, r.Presets...) // not nil, which is the default
	return &redact.Options{Mode: r.Mode, Key: []byte(r.Key), Presets: presets, Paths: r.Paths}
}
