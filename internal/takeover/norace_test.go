//go:build !race

package takeover_test

const raced = false
