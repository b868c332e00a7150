package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

func TestBearerTokenIsFetchedOnceAndUsedUntilItsMargin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		require.Equal(t, "private_key_jwt", a.Method())
		for range 3 {
			status, err := get(t.Context(), o.client(), a)
			require.NoError(t, err)
			require.Equal(t, 200, status)
		}
		require.Equal(t, []string{"/oauth2/v1/token 200", "/api/v1/logs 200", "/api/v1/logs 200", "/api/v1/logs 200"}, o.log())

		time.Sleep(time.Hour - time.Minute - time.Second)
		_, err := get(t.Context(), o.client(), a)
		require.NoError(t, err)
		require.Equal(t, []string{"/api/v1/logs 200"}, o.log())

		time.Sleep(time.Second)
		_, err = get(t.Context(), o.client(), a)
		require.NoError(t, err)
		require.Equal(t, []string{"/oauth2/v1/token 200", "/api/v1/logs 200"}, o.log(), "renewed between pages, before Okta refuses it")
		require.Equal(t, "private_key_jwt", a.Method())
	})
}

func TestTokenRequestHasTheFormThatOktaDocuments(t *testing.T) {
	o, a := newApp(t)
	_, err := get(t.Context(), o.client(), a)
	require.NoError(t, err)
	form := o.forms[0]
	require.Len(t, form, 4)
	require.Equal(t, "client_credentials", form.Get("grant_type"))
	require.Equal(t, "okta.logs.read", form.Get("scope"))
	require.Equal(t, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", form.Get("client_assertion_type"))
}

func TestTheTokenURLIsExactWhateverTheOrgURLLooksLike(t *testing.T) {
	for _, given := range []string{
		orgURL, orgURL + "/", "https://ACME.okta.com:443/admin/dashboard?x=1#y", "https://user:canary@acme.okta.com",
	} {
		o, a := newApp(t, func(opts *Options) { opts.OrgURL = mustURL(t, given) })
		status, err := get(t.Context(), o.client(), a)
		require.NoError(t, err, given)
		require.Equal(t, 200, status)
		require.NotContains(t, a.String(), "canary")
	}
}

func TestAnOddExpiresInCausesNoRefreshStorm(t *testing.T) {
	for name, c := range map[string]struct {
		expiresIn any
		usable    time.Duration
	}{
		"an hour":        {3600, time.Hour - time.Minute},
		"as a string":    {"3600", time.Hour - time.Minute},
		"two minutes":    {120, 90 * time.Second},
		"ten seconds":    {10, 7500 * time.Millisecond},
		"one second":     {1, time.Second},
		"a part of one":  {0.001, time.Second},
		"zero":           {0, 4 * time.Minute},
		"negative":       {-5, 4 * time.Minute},
		"null":           {nullJSON{}, 4 * time.Minute},
		"nonsense":       {"soon", 4 * time.Minute},
		"more than ever": {1e300, 24*time.Hour - time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, a := newApp(t)
				o.expiresIn, o.life = c.expiresIn, 48*time.Hour
				for range 50 {
					_, err := get(t.Context(), o.client(), a)
					require.NoError(t, err)
				}
				require.Equal(t, 1, o.minted)
				time.Sleep(c.usable - time.Millisecond)
				_, err := get(t.Context(), o.client(), a)
				require.NoError(t, err)
				require.Equal(t, 1, o.minted)
				time.Sleep(time.Millisecond)
				_, err = get(t.Context(), o.client(), a)
				require.NoError(t, err)
				require.Equal(t, 2, o.minted)
			})
		})
	}
}

type nullJSON struct{}

func (nullJSON) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func TestASlowTokenEndpointWithTinyLifetimesStillServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		o.expiresIn = 1
		o.wire = func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == tokenPath {
				time.Sleep(5 * time.Second)
			}
			return nil, nil
		}
		_, err := get(t.Context(), o.client(), a)
		require.NoError(t, err)
		require.Equal(t, 1, o.minted)
	})
}

func TestARefusedTokenIsDroppedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		_, err := get(t.Context(), o.client(), a)
		require.NoError(t, err)
		for range 2 {
			o.revokeAll()
			o.log()
			status, err := get(t.Context(), o.client(), a)
			require.NoError(t, err)
			require.Equal(t, 200, status)
			require.Equal(t, []string{"/api/v1/logs 401 E0000011", "/oauth2/v1/token 200", "/api/v1/logs 200"}, o.log())
			_, err = get(t.Context(), o.client(), a)
			require.NoError(t, err)
		}
	})
}

func TestATokenThatDiesBeforeItsTimeIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		o.life = time.Minute // while expires_in says an hour
		for range 5 {
			status, err := get(t.Context(), o.client(), a)
			require.NoError(t, err)
			require.Equal(t, 200, status)
			time.Sleep(time.Minute + time.Second)
		}
	})
}

func TestRefusingEveryTokenCausesNoMintingLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		o.life = -time.Second // every token is dead on arrival
		for range 20 {
			time.Sleep(time.Second)
			status, err := get(t.Context(), o.client(), a)
			require.NoError(t, err)
			require.Equal(t, 401, status)
		}
		require.LessOrEqual(t, o.minted, 21, "the first, then at most one per poll")
	})
}

func TestChallengeIsTrueOncePerToken(t *testing.T) {
	o, a := newApp(t)
	req, err := http.NewRequest(http.MethodGet, logsURL, nil)
	require.NoError(t, err)
	require.NoError(t, a.Authorize(t.Context(), req))
	refused := func() *http.Response {
		resp := reply(401, nil, `{"errorCode":"E0000011","errorSummary":"Invalid token provided"}`)
		resp.Request = req
		return resp
	}
	require.True(t, a.Challenge(refused()))
	require.False(t, a.Challenge(refused()), "dropped before")

	next, err := http.NewRequest(http.MethodGet, logsURL, nil)
	require.NoError(t, err)
	require.NoError(t, a.Authorize(t.Context(), next))
	require.True(t, a.Challenge(refused()), "a newer token is there by now")
	require.Equal(t, 2, o.minted)

	anonymous := refused()
	anonymous.Request = next
	require.False(t, a.Challenge(anonymous), "the replacement was refused on its first use")

	for _, status := range []int{200, 403, 404, 429, 500} {
		require.False(t, a.Challenge(reply(status, nil, "")), status)
	}
	require.False(t, a.Challenge(reply(400, nil, `{"errorCode":"E0000053","errorSummary":"Invalid filter"}`)))
}

func TestChallengeLeavesTheBodyReadable(t *testing.T) {
	_, a := newApp(t)
	body := strings.Repeat(`{"errorCode":"E0000031"}`, 20_000)
	resp := reply(400, nil, body)
	require.False(t, a.Challenge(resp))
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, body, string(text))

	broken := errors.New("connection reset")
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), failing{broken}))
	require.False(t, a.Challenge(resp))
	text, err = io.ReadAll(resp.Body)
	require.ErrorIs(t, err, broken)
	require.Equal(t, "{", string(text))
}

func TestConcurrentCallersShareOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		release := make(chan struct{})
		o.wire = func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == tokenPath {
				<-release
			}
			return nil, nil
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := get(t.Context(), o.client(), a)
				require.NoError(t, err)
			})
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wg.Go(func() {
			_, err := get(impatient, o.client(), a)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
		time.Sleep(2 * time.Second)
		close(release)
		wg.Wait()
		require.Equal(t, 1, o.minted)
	})
}

func TestARefreshWhoseOwnerGivesUpIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		calls := 0
		o.wire = func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == tokenPath {
				if calls++; calls == 1 {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
			}
			return nil, nil
		}
		owner, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := get(owner, o.client(), a)
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		for range 3 {
			wg.Go(func() {
				_, err := get(t.Context(), o.client(), a)
				require.NoError(t, err)
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		require.Equal(t, 2, calls)
	})
}

func TestWaitersShareTheRefusalOfARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		calls := 0
		o.wire = func(r *http.Request) (*http.Response, error) {
			calls++
			time.Sleep(time.Second)
			return reply(503, nil, ""), nil
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := get(t.Context(), o.client(), a)
				require.ErrorContains(t, err, "answered 503")
			})
		}
		wg.Wait()
		require.Equal(t, 1, calls)
	})
}

func TestATokenEndpointThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		o.wire = func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		start := time.Now()
		_, err := get(t.Context(), o.client(), a)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, tokenTimeout, time.Since(start))
		require.NotErrorAs(t, err, new(*Error))
	})
}

func TestAWrongClockIsCorrectedFromOktasDate(t *testing.T) {
	for name, skew := range map[string]time.Duration{
		"ours runs ten minutes ahead": -10 * time.Minute, "ours runs ten minutes behind": 10 * time.Minute,
		"ours is a day ahead": -24 * time.Hour, "ours is a year behind": 365 * 24 * time.Hour,
	} {
		for _, dpop := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o, a := newApp(t)
					o.skew, o.dpop = skew, dpop
					for range 2 {
						status, err := get(t.Context(), o.client(), a)
						require.NoError(t, err)
						require.Equal(t, 200, status)
					}
					o.skew = 0 // NTP came back
					time.Sleep(time.Hour)
					for range 2 {
						status, err := get(t.Context(), o.client(), a)
						require.NoError(t, err)
						require.Equal(t, 200, status)
					}
				})
			})
		}
	}
}

func TestASmallClockErrorCostsNoExtraRequest(t *testing.T) {
	for name, skew := range map[string]time.Duration{"ahead": -25 * time.Second, "behind": 3 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, a := newApp(t, func(opts *Options) { opts.DPoP = DPoPAlways })
				o.skew, o.dpop = skew, true
				_, err := get(t.Context(), o.client(), a)
				require.NoError(t, err)
				require.Equal(t, []string{"/oauth2/v1/token 400 use_dpop_nonce", "/oauth2/v1/token 200", "/api/v1/logs 200"}, o.log())
			})
		})
	}
}

func TestADateIsBelievedOnlyIfOktaBlamesTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newApp(t)
		o.wire = func(r *http.Request) (*http.Response, error) {
			if len(o.forms) > 0 {
				return nil, nil
			}
			o.forms = append(o.forms, nil)
			// A proxy with a clock of its own answers for Okta.
			return reply(503, map[string]string{"Date": "Sat, 01 Jan 2000 00:00:00 GMT"}, ""), nil
		}
		_, err := get(t.Context(), o.client(), a)
		require.Error(t, err)
		_, err = get(t.Context(), o.client(), a)
		require.NoError(t, err)
		require.Equal(t, []string{"/oauth2/v1/token 200", "/api/v1/logs 200"}, o.log())
	})
}

func TestRotatedKeyFileIsPickedUpWithoutARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "okta.jwk")
		first, second := testRSA(), generateRSA(2048)
		o, a := newApp(t, func(opts *Options) { opts.PrivateKey, opts.KeyID, opts.PrivateKeyFile = "", "", path })

		_, err := get(t.Context(), o.client(), a)
		var refused *Error
		require.ErrorAs(t, err, &refused)
		require.True(t, refused.Refused())
		require.ErrorIs(t, err, os.ErrNotExist)
		require.ErrorContains(t, err, "private_key_file cannot be read")

		write := func(key jose.JSONWebKey) {
			require.NoError(t, os.WriteFile(path, []byte(jwkText(t, key)), 0o600))
		}
		write(jose.JSONWebKey{Key: first, KeyID: "kid-1", Algorithm: "RS256"})
		_, err = get(t.Context(), o.client(), a)
		require.NoError(t, err, "a file that appears later is picked up")

		o.keys.Keys = []jose.JSONWebKey{{Key: &second.PublicKey, KeyID: "kid-2"}}
		write(jose.JSONWebKey{Key: second, KeyID: "kid-2"})
		time.Sleep(time.Hour)
		_, err = get(t.Context(), o.client(), a)
		require.NoError(t, err)

		require.NoError(t, os.WriteFile(path, []byte("oops"), 0o600))
		o.keys.Keys[0].KeyID = "kid-3"
		time.Sleep(time.Hour)
		_, err = get(t.Context(), o.client(), a)
		require.ErrorContains(t, err, "kid is invalid")
		require.ErrorContains(t, err, "an older key is in use, since private_key_file")
	})
}
