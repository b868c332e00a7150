package hook

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// TLS is a certificate and its key, each as text or as the name of a file. Files are read again when they change.
type TLS struct {
	Cert, CertFile string // PEM, the server's certificate first
	Key, KeyFile   string // PEM
}

// String keeps the key out of logs.
func (TLS) String() string { return "(tls)" }

// GoString keeps the key out of logs.
func (t TLS) GoString() string { return t.String() }

// Validate refuses a pair that is incomplete or, as far as it is given as text, not one. It reads no file.
func (t TLS) Validate() error {
	switch {
	case (t.Cert == "") == (t.CertFile == ""):
		return errors.New("tls: exactly one of cert_pem and cert_file is required")
	case (t.Key == "") == (t.KeyFile == ""):
		return errors.New("tls: exactly one of key_pem and key_file is required")
	case t.Cert != "" && t.Key != "":
		if _, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key)); err != nil {
			return fmt.Errorf("tls: %w", err)
		}
	}
	return nil
}

func (t TLS) read() (*tls.Certificate, error) {
	pem := func(text, file string) ([]byte, error) {
		if file == "" {
			return []byte(text), nil
		}
		return os.ReadFile(file)
	}
	cert, err := pem(t.Cert, t.CertFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	key, err := pem(t.Key, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("reading certificate and key: %w", err)
	}
	return &pair, nil
}

// stamp tells one version of a file from another. Kubernetes replaces the folder, which Stat follows.
type stamp struct {
	time time.Time
	size int64
}

func (t TLS) stamps() (s [2]stamp) {
	for i, file := range []string{t.CertFile, t.KeyFile} {
		if info, err := os.Stat(file); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// lookAgain is how often files are looked at, at most: anybody can start handshakes.
const lookAgain = time.Second

// certificate is the pair in use. It is safe for concurrent use.
type certificate struct {
	logger log.Logger

	mu     sync.Mutex
	config TLS
	pair   *tls.Certificate
	tried  bool     // config was read, with or without success
	files  [2]stamp // as they were then
	looked time.Time
}

// set uses a configuration. On an error the pair before stays in use.
func (c *certificate) set(config TLS) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.config != config {
		c.config, c.tried = config, false
	}
	return c.load()
}

func (c *certificate) load() error {
	c.looked = time.Now()
	now := c.config.stamps()
	if c.pair != nil && c.tried && now == c.files {
		return nil
	}
	c.tried, c.files = true, now
	pair, err := c.config.read()
	if err != nil {
		return err
	}
	c.pair = pair
	return nil
}

// get fits tls.Config.GetCertificate, which crypto/tls asks for every client, with SNI or without, as there is no other certificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if files := c.config.CertFile != "" || c.config.KeyFile != ""; files && time.Since(c.looked) >= lookAgain {
		if err := c.load(); err != nil {
			level.Warn(c.logger).Log("msg", "event hook certificate not reloaded, the previous one stays in use", "err", err)
		}
	}
	return c.pair, nil
}
