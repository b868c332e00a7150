// Package ssh has what Alloy names of the original.
package ssh

import "errors"

var errSlim = errors.New("not in the slim build")

// PublicKeys cannot be had.
type PublicKeys struct{}

// NewPublicKeys returns an error, and so does NewPublicKeysFromFile.
func NewPublicKeys(string, []byte, string) (*PublicKeys, error)         { return nil, errSlim }
func NewPublicKeysFromFile(string, string, string) (*PublicKeys, error) { return nil, errSlim }
