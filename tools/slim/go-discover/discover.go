// Package discover stands in for github.com/hashicorp/go-discover in the slim build of `make run`, by a module file of its own
// (-modfile): it finds no peers, and needs no cloud's SDK. Alloy's cluster service (internal/service/cluster/discovery) imports it in
// every build.
package discover

import (
	"errors"
	"log"
)

var errSlim = errors.New("the slim build of `make run` finds no peers: use --cluster.join-addresses, or the program of `make build`")

// Provider is what a cloud would implement.
type Provider interface {
	Addrs(args map[string]string, l *log.Logger) ([]string, error)
	Help() string
}

// Providers is empty.
var Providers map[string]Provider

// Discover cannot be had.
type Discover struct{}

// Option is for New.
type Option func(*Discover) error

// New returns an error.
func New(...Option) (*Discover, error) { return nil, errSlim }

// WithProviders is what Alloy gives to New.
func WithProviders(map[string]Provider) Option { return nil }

// Addrs returns an error.
func (*Discover) Addrs(string, *log.Logger) ([]string, error) { return nil, errSlim }
