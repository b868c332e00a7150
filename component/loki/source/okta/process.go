package okta

import (
	"fmt"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/service/livedebugging"

	"github.com/grafana/alloy/okta/internal/oktaapi"
	"github.com/grafana/alloy/okta/internal/poller"
)

// What outlives a component belongs to the process, not to an Alloy. A process may have several Alloys: flowcmd and alloyengine start Alloy
// inside another program. A service of Alloy would give each its own, and would need a line in every program that starts an Alloy. Here
// each variable says what its entries are kept by, and two Alloys share only what has one owner outside of both.
var (
	// budgets are by org: Okta's limit is for the org, whoever asks, so two Alloys that read one org must not each take a share of it.
	budgets oktaapi.Budgets
	// slots bound the pages in memory, which is the process's: a page takes some 3 MB.
	slots = oktaapi.NewSlots(8)
	// memories are by data path and org, or else by Alloy (see [alloyOf]), org and destination. They outlive components, so that one that
	// is renamed, or removed and added again, neither repeats nor skips events.
	memories poller.Memories
)

// alloyOf names the Alloy that opts come from, among those of the process. A component of one Alloy must neither take the memory of
// another's, as it would of a component that was renamed, nor wait for it. Each Alloy has services of its own, whose data stays the same
// for as long as it runs.
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
