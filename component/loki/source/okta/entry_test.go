package okta

import (
	"github.com/grafana/loki/v3/pkg/logproto"

	"github.com/grafana/alloy/internal/component/common/loki"
)

// The entry that leaves the component is a loki.Entry around a logproto.Entry. Alloy spells that one push.Entry, and so do we: the
// two are one type, and Loki's small module with it links none of Loki. This does not compile when that changes.
var _ = loki.Entry{Entry: logproto.Entry{}}
