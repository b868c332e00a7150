// Package plumbing has what Alloy names of the original.
package plumbing

import "errors"

// HEAD is the original's.
const HEAD ReferenceName = "HEAD"

// ErrReferenceNotFound is never returned.
var ErrReferenceNotFound = errors.New("reference not found")

// The original's.
type (
	ReferenceName string
	Revision      string
	Hash          struct{}
	Reference     struct{}
)

// Nothing has a name or a hash.
func NewRemoteReferenceName(string, string) ReferenceName { return "" }
func (*Reference) Name() ReferenceName                    { return "" }
func (*Reference) Hash() Hash                             { return Hash{} }
func (Hash) String() string                               { return "" }
