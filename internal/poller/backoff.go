package poller

import (
	"math/rand/v2"
	"time"
)

const (
	firstBackoff = time.Second
	maxBackoff   = time.Minute
)

// backoff is the wait after the n-th transient failure in a row, from 1: 1s doubling
// to a minute, of which the last half is random so that pollers do not march in step.
func backoff(n int) time.Duration {
	d := min(firstBackoff<<min(n-1, 10), maxBackoff)
	return d/2 + rand.N(d/2+1)
}

// refusedDelay is the wait after a refusal that needs an operator: 30 to 60
// seconds, so that a fixed token works within a minute and a wrong one costs little.
func refusedDelay() time.Duration {
	return 30*time.Second + rand.N(30*time.Second+1)
}
