// Package git stands in for go-git in the slim build, as ../go-discover does for another module: it clones nothing. Alloy's runtime imports
// it in every build, for import.git.
package git

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

var errSlim = errors.New("the slim build of `make run` has no import.git: use the program of `make build`")

// The original's, as far as Alloy names them.
const (
	GitDirName                     = ".git"
	DefaultSubmoduleRecursionDepth = 10
	AllTags                        = 0
)

// NoErrAlreadyUpToDate is never returned.
var NoErrAlreadyUpToDate = errors.New("already up-to-date")

// CloneOptions is the original's.
type CloneOptions struct {
	URL                     string
	ReferenceName           plumbing.ReferenceName
	Auth                    transport.AuthMethod
	RecurseSubmodules, Tags int
}

// FetchOptions is the original's.
type FetchOptions struct {
	RemoteName string
	Force      bool
	Auth       transport.AuthMethod
}

// CheckoutOptions is the original's.
type CheckoutOptions struct {
	Branch plumbing.ReferenceName
	Hash   plumbing.Hash
	Force  bool
}

// Filesystem is the original's, as far as Alloy reads it.
type Filesystem interface {
	Open(string) (io.ReadCloser, error)
	Stat(string) (fs.FileInfo, error)
	ReadDir(string) ([]fs.FileInfo, error)
}

// Repository and Worktree cannot be had.
type (
	Repository struct{}
	Worktree   struct{ Filesystem Filesystem }
)

// PlainCloneContext returns an error, and so does all else.
func PlainCloneContext(context.Context, string, bool, *CloneOptions) (*Repository, error) {
	return nil, errSlim
}

func PlainOpen(string) (*Repository, error)                           { return nil, errSlim }
func (*Repository) Worktree() (*Worktree, error)                      { return nil, errSlim }
func (*Repository) FetchContext(context.Context, *FetchOptions) error { return errSlim }
func (*Repository) Head() (*plumbing.Reference, error)                { return nil, errSlim }
func (*Repository) Tag(string) (*plumbing.Reference, error)           { return nil, errSlim }
func (*Repository) Reference(plumbing.ReferenceName, bool) (*plumbing.Reference, error) {
	return nil, errSlim
}
func (*Repository) ResolveRevision(plumbing.Revision) (*plumbing.Hash, error) { return nil, errSlim }
func (*Worktree) Checkout(*CheckoutOptions) error                             { return errSlim }
