package doctor

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/grafana/loki/pkg/push"

	"github.com/grafana/alloy/okta/internal/checkpoint"
	"github.com/grafana/alloy/okta/internal/event"
)

// dataPath checks the folder of the cursor, and which process has it. It creates nothing there, and takes no lock that a collector may
// need.
func (v *visit) dataPath(context.Context) Check {
	if v.DataPath == "" {
		return skip("none")
	}
	switch holder, err := checkpoint.Holder(v.DataPath); {
	case err != nil:
		return fail("make the folder readable for the user that runs the collector: --storage.path", "%v", err)
	case holder != nil:
		return pass("%v", holder)
	}
	dir := v.DataPath
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	path := dir
	for {
		info, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
			dir = filepath.Dir(dir)
			continue
		}
		switch {
		case err != nil:
			return fail("make the folder accessible for the user that runs the collector: --storage.path", "%v", err)
		case !info.IsDir():
			return fail("give --storage.path a folder", "%s is no folder", dir)
		case !writable(dir):
			return fail("give the folder to the user that runs the collector, or set --storage.path", "%s cannot be written", dir)
		case dir != path:
			return pass("%s will be created", path)
		}
		return pass("%s can be written", dir)
	}
}

// hooks listens for a moment, one visit at a time, as the orgs of a component have one listener. It does not listen when another process
// collects: that process may have the address, or be about to take it.
func (v *visit) hooks(context.Context) Check {
	if v.Hook == nil {
		return skip("no event hooks are configured")
	}
	if v.Hook.Err != nil {
		return fail("correct secrets or the certificate of the listener", "%v", v.Hook.Err)
	}
	if holder, _ := checkpoint.Holder(v.DataPath); holder != nil {
		return skip(v.Hook.Addr + " is not tried: the collector that runs may listen there")
	}
	v.shared.listening.Lock()
	defer v.shared.listening.Unlock()
	l, err := net.Listen("tcp", v.Hook.Addr)
	if err != nil {
		return fail("choose another listen_port, or end what listens there", "%v", err)
	}
	_ = l.Close()
	return pass("%s is free", v.Hook.Addr)
}

// needed are the members that entries must have for the queries of dashboards and of Sigma's rules (docs/entries.md).
var needed = []string{"eventType"}

// content checks an entry as it would be sent.
func (v *visit) content(context.Context) Check {
	if v.Formatter == nil {
		return skip("not known")
	}
	sample, err := event.Scan([]byte(`[{"uuid":"00000000-0000-0000-0000-000000000000","published":"2026-01-01T00:00:00.000Z",` +
		`"eventType":"user.session.start","severity":"INFO","outcome":{"result":"SUCCESS"}}]`))
	if err != nil || len(sample) == 0 {
		return skip("not known")
	}
	entry := v.Formatter.Entry(sample[0], v.opts.Now())
	var missing []string
	if len(entry.Labels) == 0 {
		return fail("let relabel_rules leave a label", "relabel_rules drop the event, or leave it no label")
	}
	if entry.Labels["job"] != event.Job {
		missing = append(missing, `the label job="`+event.Job+`"`)
	}
	if entry.Labels["org"] == "" {
		missing = append(missing, "the label org")
	}
	for _, name := range needed {
		if !slices.ContainsFunc(entry.StructuredMetadata, func(m push.LabelAdapter) bool { return m.Name == name }) {
			missing = append(missing, "the structured metadata "+name)
		}
	}
	if len(missing) > 0 {
		return warn("the dashboards and rules of detections/ ask for it: see docs/entries.md", "entries lack %s", strings.Join(missing, ", "))
	}
	return pass("entries have what dashboards and Sigma's rules ask for")
}
