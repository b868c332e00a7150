// Package certstore stands in for Windows' certificate store, which the original reads through cgo: without it, Alloy's HTTP server
// (internal/static/server) does not compile for Windows. A configuration that wants a certificate of that store is told that it cannot be had.
package certstore

import (
	"crypto"
	"crypto/x509"
	"errors"
)

var errNone = errors.New("this build was made without cgo and cannot read Windows' certificate store: use cert_file and key_file")

// StoreType is one of Windows' stores.
type StoreType int

// Store is the original's, as far as Alloy asks for it.
type Store interface {
	Identities() ([]Identity, error)
	Import(data []byte, password string) error
	Close()
}

// Identity is the original's.
type Identity interface {
	Certificate() (*x509.Certificate, error)
	CertificateChain() ([]*x509.Certificate, error)
	Signer() (crypto.Signer, error)
	Delete() error
	Close()
}

// StringToStoreType returns an error.
func StringToStoreType(string) (StoreType, error) { return 0, errNone }

// OpenSpecificStore returns an error.
func OpenSpecificStore(StoreType, string) (Store, error) { return nil, errNone }
