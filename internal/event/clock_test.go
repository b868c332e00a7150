//go:build !linux

package event

import (
	"testing"
	"time"
)

var began = time.Now()

// threadTime is the time that has passed: only Linux tells what a thread has used of it.
func threadTime(testing.TB) time.Duration { return time.Since(began) }
