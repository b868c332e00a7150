// option: event_hook

package okta

import (
	"fmt"
	"net"
	"strconv"

	"github.com/grafana/alloy/syntax/alloytypes"

	"github.com/grafana/alloy/okta/internal/hook"
)

// Listen is where event hooks arrive. loki.source.okta_event_hook has the same block.
type Listen struct {
	ListenAddress string     `alloy:"listen_address,attr,optional"`
	ListenPort    int        `alloy:"listen_port,attr,optional"`
	ConnLimit     int        `alloy:"conn_limit,attr,optional"`
	TLS           *ListenTLS `alloy:"tls,block,optional"`
}

// ListenTLS is the listener's certificate. Files are read again when they change.
type ListenTLS struct {
	Cert     string            `alloy:"cert_pem,attr,optional"`
	CertFile string            `alloy:"cert_file,attr,optional"`
	Key      alloytypes.Secret `alloy:"key_pem,attr,optional"`
	KeyFile  string            `alloy:"key_file,attr,optional"`
}

// SetToDefault implements syntax.Defaulter. Only a reverse proxy on the same machine can reach the default address.
func (l *Listen) SetToDefault() {
	*l = Listen{ListenAddress: "127.0.0.1", ListenPort: 8080, ConnLimit: hook.DefaultConnLimit}
}

// Config is the listener without its routes. Errors name the value and what is allowed.
func (l *Listen) Config(header string) (hook.Config, error) {
	if l.ListenPort < 0 || l.ListenPort > 65535 {
		return hook.Config{}, fmt.Errorf("listen_port is %d: it must be between 0 (any free one) and 65535", l.ListenPort)
	}
	if l.ConnLimit < 1 {
		return hook.Config{}, fmt.Errorf("conn_limit is %d: it must be at least 1", l.ConnLimit)
	}
	cfg := hook.Config{
		Addr: net.JoinHostPort(l.ListenAddress, strconv.Itoa(l.ListenPort)), ConnLimit: l.ConnLimit, Header: header,
		Routes: map[string]hook.Route{},
	}
	if t := l.TLS; t != nil {
		cfg.TLS = &hook.TLS{Cert: t.Cert, CertFile: t.CertFile, Key: string(t.Key), KeyFile: t.KeyFile}
	}
	return cfg, nil
}

// HookSecrets are the secrets as they are compared. Errors tell which one is bad, never its value.
func HookSecrets(secrets []alloytypes.Secret) ([]hook.Secret, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("secrets is empty: it must hold the value that Okta sends, of at least %d bytes", hook.MinSecret)
	}
	all := make([]hook.Secret, len(secrets))
	for i, s := range secrets {
		var err error
		if all[i], err = hook.ParseSecret(string(s)); err != nil {
			return nil, fmt.Errorf("secrets[%d]: %w", i, err)
		}
	}
	return all, nil
}
