package okta

import (
	"fmt"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/service/livedebugging"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
)

// What outlives a component is the process's, and not an Alloy's, of which there may be several: flowcmd and alloyengine start Alloy inside
// another program. A service of Alloy would give each its own, and needs a line in every program that starts an Alloy; here each says by
// what it is told apart, and two Alloys share only what has one owner outside of both.
var (
	// budgets are by org: Okta's limit is the org's, whoever asks, so that two Alloys that read one org must not each take a share of it.
	budgets oktaapi.Budgets
	// slots bound the pages in memory, of which there is one: a page takes some 3 MB.
	slots = oktaapi.NewSlots(8)
	// memories are by data path and org, or else by Alloy (see [alloyOf]), org and destination. They outlive components, so that one that
	// is renamed, or removed and returned, neither repeats nor skips.
	memories poller.Memories
)

// alloyOf tells apart the Alloys of a process. What one of them delivered is no news to another, whose component is no renamed one, and
// neither waits until the other's ends. Each has services of its own, whose data stays the same for as long as it runs.
func alloyOf(opts component.Options) string {
	if opts.GetServiceData == nil { // in unit tests
		return ""
	}
	data, err := opts.GetServiceData(livedebugging.ServiceName)
	if err != nil || data == nil {
		return ""
	}
	return fmt.Sprintf("%p\n", data)
}
