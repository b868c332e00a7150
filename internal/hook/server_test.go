package hook

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/atomic"
)

func TestNothingIsOpenedBeforeRunOrWithoutAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		synctest.Wait()
		require.Zero(t, st.pipe.tried())
		defer st.run(t)()
		require.Equal(t, []string{"here:1"}, st.pipe.open(), "that address and no other")
		st.Configure(Config{})
		synctest.Wait()
		require.Empty(t, st.pipe.open())
		_, err := st.Err()
		require.NoError(t, err)
	})
}

func TestATakenAddressIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		st.pipe.taken["here:1"] = errTaken
		began := time.Now()
		defer st.run(t)()
		time.Sleep(5 * time.Minute)
		since, err := st.Err()
		require.ErrorContains(t, err, "address already in use")
		require.Equal(t, began, since)
		require.Nil(t, st.Addr())
		require.Less(t, st.pipe.tried(), 20)
		require.Equal(t, 1, strings.Count(st.log.String(), "does not work, retrying"), st.log.String())

		st.pipe.mu.Lock()
		delete(st.pipe.taken, "here:1")
		st.pipe.mu.Unlock()
		time.Sleep(lastRetry)
		require.Equal(t, http.StatusNoContent, st.post(t))
		_, err = st.Err()
		require.NoError(t, err)
	})
}

// broken is a network whose listeners break a while after they were opened.
type broken struct {
	*network
	after time.Duration
	fixed atomic.Bool
}

func (b *broken) listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := b.network.listen(ctx, addr)
	if err == nil && !b.fixed.Load() {
		time.AfterFunc(b.after, func() { _ = l.Close() })
	}
	return l, err
}

func TestAListenerThatBreaksIsReplacedWithAPause(t *testing.T) {
	for after, most := range map[time.Duration]int{0: 25, time.Second: 25, time.Minute: 10} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newStand(t)
				b := &broken{network: st.pipe, after: after}
				st.Server.listen = b.listen
				stop := st.run(t)
				time.Sleep(10 * time.Minute)
				tries := st.pipe.tried()
				require.Greater(t, tries, 5)
				require.LessOrEqual(t, tries, most)
				if after < lastRetry {
					_, err := st.Err()
					require.ErrorContains(t, err, "listening: ")
				}

				b.fixed.Store(true)
				time.Sleep(after + lastRetry)
				require.Equal(t, http.StatusNoContent, st.post(t))
				_, err := st.Err()
				require.NoError(t, err)
				stop()
			})
		})
	}
}

func TestTheAddressMovesWithoutARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		defer st.run(t)()
		slow, err := st.pipe.dial(t.Context(), "", "")
		require.NoError(t, err)
		_, err = io.WriteString(slow, "POST /okta/acme HTTP/1.1\r\n")
		require.NoError(t, err)

		before := time.Now()
		st.cfg.Addr = "there:2"
		st.Configure(st.cfg)
		synctest.Wait()
		require.Equal(t, before, time.Now(), "a slow client holds nothing up")
		require.Equal(t, []string{"there:2"}, st.pipe.open())
		require.Equal(t, http.StatusNoContent, st.post(t))
		_, err = io.ReadAll(slow)
		require.NoError(t, err)
		require.Equal(t, lastRequests, time.Since(before), "nor does it live on")
	})
}

// New routes need no new listener, so a connection of Okta's lives on.
func TestOtherChangesKeepTheListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		defer st.run(t)()
		st.cfg.Header = "X-Hook"
		st.Configure(st.cfg)
		synctest.Wait()
		require.Equal(t, 1, st.pipe.tried())
		require.Equal(t, http.StatusUnauthorized, st.post(t))
	})
}

func TestWhileStoppingOktaIsToldToRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		stop := st.run(t)
		conn, err := st.pipe.dial(t.Context(), "", "")
		require.NoError(t, err)
		_, err = io.WriteString(conn, "POST /okta/acme HTTP/1.1\r\nHost: h\r\n")
		require.NoError(t, err)
		synctest.Wait()
		go stop()
		synctest.Wait()
		_, err = fmt.Fprintf(conn, "Authorization: %s\r\n\r\n", secret)
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
		time.Sleep(time.Minute)
		defer st.run(t)() // again, as Alloy may
		require.Equal(t, 204, st.post(t))
	})
}

func TestSlowClientsAreCut(t *testing.T) {
	head := "POST /okta/acme HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nAuthorization: " + secret + "\r\n"
	for name, c := range map[string]struct {
		sent string
		cut  time.Duration
	}{
		"nothing":      {"", headerTimeout},
		"half a line":  {"POS", headerTimeout},
		"half a head":  {head, headerTimeout},
		"half a body":  {head + "Content-Length: 1000\r\n\r\n{", readTimeout},
		"half a chunk": {head + "Transfer-Encoding: chunked\r\n\r\n10\r\n{", readTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newStand(t)
				defer st.run(t)()
				conn, err := st.pipe.dial(t.Context(), "", "")
				require.NoError(t, err)
				began := time.Now()
				_, err = io.WriteString(conn, c.sent)
				require.NoError(t, err)
				_, _ = io.ReadAll(conn)
				require.LessOrEqual(t, time.Since(began), c.cut+time.Second)
				require.Empty(t, st.received())
			})
		})
	}
}

// A byte every four seconds for each of the connections there may be: Okta's hook takes the place of one of them.
func TestSlowLorisDoesNotKeepOktaOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		defer st.run(t)()
		for range 3 * DefaultConnLimit {
			conn, err := st.pipe.dial(t.Context(), "", "")
			require.NoError(t, err)
			go func() {
				for {
					if _, err := io.WriteString(conn, "P"); err != nil {
						return
					}
					time.Sleep(4 * time.Second)
				}
			}()
		}
		for range 30 {
			began := time.Now()
			require.Equal(t, http.StatusNoContent, st.post(t))
			require.Less(t, time.Since(began), time.Second, "Okta waits for three")
			time.Sleep(time.Second)
		}
	})
}

// A request that is being served is nobody's to close.
func TestAuthenticatedRequestsKeepTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		st.cfg.ConnLimit = 1
		entered, release := make(chan struct{}), make(chan struct{})
		route := st.cfg.Routes["/okta/acme"]
		route.Receive = func(context.Context, Notice) error { close(entered); <-release; return nil }
		st.cfg.Routes = map[string]Route{"/okta/acme": route}
		st.Configure(st.cfg)
		defer st.run(t)()
		status := make(chan int)
		go func() { status <- st.post(t) }()
		<-entered
		for range 5 {
			conn, err := st.pipe.dial(t.Context(), "", "")
			require.NoError(t, err)
			_, err = conn.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
		}
		close(release)
		require.Equal(t, 204, <-status)
	})
}

// A certificate that is replaced on disk is served to the next client, whether it names the host (SNI) or not.
func TestCertificatesRotateWithAndWithoutSNI(t *testing.T) {
	dir := t.TempDir()
	files := TLS{CertFile: filepath.Join(dir, "c.pem"), KeyFile: filepath.Join(dir, "k.pem")}
	write := func(serial int64, at time.Time) {
		cert, key := selfSigned(t, serial)
		for file, content := range map[string][]byte{files.CertFile: cert, files.KeyFile: key} {
			require.NoError(t, os.WriteFile(file, content, 0o600))
			require.NoError(t, os.Chtimes(file, at, at))
		}
	}
	now := time.Now()
	write(1, now.Add(-time.Hour))
	st := newStand(t)
	st.listen = func(ctx context.Context, _ string) (net.Listener, error) {
		return (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	}
	st.cfg.TLS = &files
	st.Configure(st.cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = st.Run(ctx) }()
	defer func() { cancel(); <-done }()
	require.Eventually(t, func() bool { return st.Addr() != nil }, 10*time.Second, time.Millisecond)

	serial := func(name string) int64 {
		conn, err := tls.Dial("tcp", st.Addr().String(), &tls.Config{ServerName: name, InsecureSkipVerify: true})
		require.NoError(t, err)
		defer conn.Close()
		require.Equal(t, "", conn.ConnectionState().NegotiatedProtocol)
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	lookAt := func() { st.cert.mu.Lock(); st.cert.looked = time.Time{}; st.cert.mu.Unlock() }
	for _, name := range []string{"hooks.example", ""} {
		require.Equal(t, int64(1), serial(name))
	}
	write(2, now)
	lookAt()
	for _, name := range []string{"hooks.example", ""} {
		require.Equal(t, int64(2), serial(name))
	}

	require.NoError(t, os.WriteFile(files.KeyFile, []byte("no key"), 0o600)) // half of a rotation
	lookAt()
	require.Equal(t, int64(2), serial(""))
	require.Contains(t, st.log.String(), "the previous one stays in use")

	cert, key := selfSigned(t, 3)
	st.cfg.TLS = &TLS{Cert: string(cert), Key: string(key)}
	require.NoError(t, st.cfg.Validate())
	addr := st.Addr()
	st.Configure(st.cfg)
	require.Eventually(t, func() bool { return serial("") == 3 }, 10*time.Second, time.Millisecond)
	require.Equal(t, addr, st.Addr(), "without another listener")
}

func selfSigned(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "hooks.example"}, DNSNames: []string{"hooks.example"},
		NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// A certificate that is not there yet is waited for, like an address.
func TestAMissingCertificateIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStand(t)
		dir := t.TempDir()
		st.cfg.TLS = &TLS{CertFile: filepath.Join(dir, "c.pem"), KeyFile: filepath.Join(dir, "k.pem")}
		st.Configure(st.cfg)
		defer st.run(t)()
		_, err := st.Err()
		require.ErrorContains(t, err, "reading the certificate")
		require.Zero(t, st.pipe.tried())
		cert, key := selfSigned(t, 1)
		require.NoError(t, os.WriteFile(st.cfg.TLS.CertFile, cert, 0o600))
		require.NoError(t, os.WriteFile(st.cfg.TLS.KeyFile, key, 0o600))
		time.Sleep(lastRetry)
		synctest.Wait()
		require.Equal(t, []string{"here:1"}, st.pipe.open())
	})
}
