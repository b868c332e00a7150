package doctor

import "sync"

// shared is what the visits of one [Run] have in common. It is safe for concurrent use.
type shared struct {
	listening sync.Mutex // held while an address for event hooks is tried
}
