//go:build race

package takeover_test

// raced: one seed is enough for the race detector, which makes a schedule ten times slower.
const raced = true
