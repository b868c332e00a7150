package auth

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSSWSTakesTheTokenAsFilesAndConsolesGiveIt(t *testing.T) {
	for _, given := range []string{"00aBc_-9", " 00aBc_-9", "00aBc_-9\n", "\t00aBc_-9\r\n"} {
		s, err := NewSSWS(given)
		require.NoError(t, err)
		o := newOrg(t)
		req, err := http.NewRequest(http.MethodGet, logsURL, nil)
		require.NoError(t, err)
		require.NoError(t, s.Authorize(t.Context(), req))
		require.Equal(t, "SSWS 00aBc_-9", req.Header.Get("Authorization"))
		resp, err := o.RoundTrip(req)
		require.NoError(t, err)
		require.Equal(t, 401, resp.StatusCode)
		require.False(t, s.Challenge(resp))
		require.Equal(t, "ssws", s.Method())
	}
	_, err := NewSSWS("SSWSabc") // a token may begin like this
	require.NoError(t, err)
}

func TestSSWSTriesItsTokensInTurn(t *testing.T) {
	send := func(s *SSWS, status int) (token string, again bool) {
		req, err := http.NewRequest(http.MethodGet, logsURL, nil)
		require.NoError(t, err)
		require.NoError(t, s.Authorize(t.Context(), req))
		resp := reply(status, nil, "")
		resp.Request = req
		return req.Header.Get("Authorization"), s.Challenge(resp)
	}
	for name, c := range map[string]struct {
		tokens []string
		answer map[string]int // to each token
		want   []string       // the tokens of the requests, one retry for each
	}{
		"the first is good":        {[]string{"a", "b"}, map[string]int{"a": 200, "b": 200}, []string{"a", "a", "a"}},
		"the first is refused":     {[]string{"a", "b"}, map[string]int{"a": 401, "b": 200}, []string{"a", "b", "b", "b"}},
		"the first may not":        {[]string{"a", "b"}, map[string]int{"a": 403, "b": 200}, []string{"a", "b", "b", "b"}},
		"both are refused":         {[]string{"a", "b"}, map[string]int{"a": 401, "b": 401}, []string{"a", "b", "a", "b", "a", "b"}},
		"the third is good":        {[]string{"a", "b", "c"}, map[string]int{"a": 401, "b": 403, "c": 200}, []string{"a", "b", "c", "c"}},
		"the first is there twice": {[]string{"a", "a", "b"}, map[string]int{"a": 401, "b": 200}, []string{"a", "b", "b", "b"}},
		"the request is malformed": {[]string{"a", "b"}, map[string]int{"a": 400, "b": 200}, []string{"a", "a", "a"}},
		"there is one":             {[]string{"a"}, map[string]int{"a": 401}, []string{"a", "a", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := NewSSWS(c.tokens[0], c.tokens[1:]...)
			require.NoError(t, err)
			var used []string
			for range 3 { // as Client.Fetch does: a request, and one more when Challenge says so
				for tries := 0; tries < 2; tries++ {
					token, again := send(s, c.answer[strings.TrimPrefix(nextHeader(t, s), "SSWS ")])
					used = append(used, strings.TrimPrefix(token, "SSWS "))
					if !again {
						break
					}
				}
			}
			require.Equal(t, c.want, used)
		})
	}

	s, err := NewSSWS("a", "b")
	require.NoError(t, err)
	req, err := http.NewRequest(http.MethodGet, logsURL, nil)
	require.NoError(t, err)
	require.NoError(t, s.Authorize(t.Context(), req))
	resp := reply(401, nil, "")
	resp.Request = req
	require.True(t, s.Challenge(resp))
	require.True(t, s.Challenge(resp), "of two requests at once, both go on to the second token")
	require.Equal(t, "SSWS b", nextHeader(t, s))

	_, err = NewSSWS("a", "")
	require.ErrorContains(t, err, "api_token is empty")
}

// nextHeader is the Authorization header that the next request gets.
func nextHeader(t *testing.T, s *SSWS) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, logsURL, nil)
	require.NoError(t, err)
	require.NoError(t, s.Authorize(t.Context(), req))
	return req.Header.Get("Authorization")
}

func TestSSWSRefusesWhatIsNoToken(t *testing.T) {
	for given, want := range map[string]string{
		"":                      "api_token is empty",
		" \n":                   "api_token is empty",
		"SSWS 00canary":         `begins with "SSWS": write the token value alone`,
		"ssws\t00canary":        `begins with "SSWS"`,
		"SSWS":                  `begins with "SSWS"`,
		"Bearer 00canary":       `begins with "Bearer"`,
		"DPoP 00canary":         `begins with "DPoP"`,
		"Authorization: SSWS x": `begins with "Authorization:"`,
		`"00canary"`:            "quotation marks",
		"TOKEN=00canary":        "api_token reads TOKEN=...: write the token value alone",
		`export A_1="00canary"`: "api_token reads A_1=...",
		"OKTA_TOKEN = 00canary": "api_token reads OKTA_TOKEN=...",
		"00can\nary":            "control or non-ASCII character at byte 5",
		"00can ary":             "a space, control",
		"00can\x00ary":          "at byte 5",
		"00canäry":              "non-ASCII character at byte 5",
	} {
		_, err := NewSSWS(given)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "ary")
	}
}

func TestBadOptionsAreRefusedByNameWithoutIO(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Options)
		want   []string
	}{
		"no url": {func(o *Options) { o.OrgURL = nil }, []string{"url is empty"}},
		"plain http": {
			func(o *Options) { o.OrgURL = mustURL(t, "http://acme.okta.com") }, []string{`url has scheme "http": it must be https`},
		},
		"no client id":  {func(o *Options) { o.ClientID = " " }, []string{"client_id is empty"}},
		"odd client id": {func(o *Options) { o.ClientID = "a b" }, []string{`client_id "a b" is not allowed`}},
		"both keys": {
			func(o *Options) { o.PrivateKeyFile = "/x" }, []string{"private_key and private_key_file are both set: exactly one"},
		},
		"no key":    {func(o *Options) { o.PrivateKey = "" }, []string{"neither private_key nor private_key_file is set"}},
		"blank key": {func(o *Options) { o.PrivateKey = "\n" }, []string{"neither private_key nor private_key_file is set"}},
		"wrong key": {
			func(o *Options) { o.PrivateKey = "hello" }, []string{"private_key is not a private key; allowed are a PEM private key"},
		},
		"empty scopes": {func(o *Options) { o.Scopes = []string{} }, []string{`scopes is empty: it must name at least "okta.logs.read"`}},
		"joined scopes": {
			func(o *Options) { o.Scopes = []string{"okta.logs.read okta.users.read"} },
			[]string{`scopes has "okta.logs.read okta.users.read": a scope is one word`},
		},
		"unknown dpop": {func(o *Options) { o.DPoP = "yes" }, []string{`dpop is "yes": it must be "auto", "always" or "never"`}},
		"everything at once": {
			func(o *Options) { *o = Options{Scopes: []string{""}} }, []string{"url is", "client_id is", "private_key", "scopes has"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{OrgURL: mustURL(t, orgURL), ClientID: clientID, PrivateKey: pkcs8(t, testRSA())}
			require.NoError(t, o.Validate())
			c.change(&o)
			for _, want := range c.want {
				require.ErrorContains(t, o.Validate(), want)
			}
			_, err := NewPrivateKeyJWT(o)
			require.EqualError(t, err, o.Validate().Error())
		})
	}
}

func TestLoopbackMayBePlainHTTP(t *testing.T) {
	for _, host := range []string{"127.0.0.1:8080", "localhost", "[::1]:80"} {
		o := Options{OrgURL: mustURL(t, "http://"+host), ClientID: clientID, PrivateKeyFile: "/does/not/exist"}
		require.NoError(t, o.Validate())
	}
}

func TestAKeyFileThatIsThereAndWrongIsRefusedAtLoad(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	for path, want := range map[string]string{
		dir:                              "is a directory: a regular file is required",
		"/dev/null":                      "is a special file: a regular file is required",
		file("empty", "", 0o600):         "is empty",
		file("garbage", "canary", 0o600): "is not a private key",
		file("big", strings.Repeat(" ", maxKeyFile+1), 0o600): "a key file has at most",
		filepath.Join(dir, "garbage/below"):                   "private_key_file cannot be read",
	} {
		o := Options{OrgURL: mustURL(t, orgURL), ClientID: clientID, PrivateKeyFile: path}
		require.NoError(t, o.Validate(), "validation opens no file")
		_, err := NewPrivateKeyJWT(o)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "private_key_file")
		require.NotContains(t, err.Error(), "canary")
		a, err := NewWithoutKeyFile(o)
		require.NoError(t, err)
		_, err = a.current(t.Context())
		require.ErrorContains(t, err, want, "who needs a token is told")
	}
	_, err := NewPrivateKeyJWT(Options{OrgURL: mustURL(t, orgURL), ClientID: clientID, PrivateKeyFile: filepath.Join(dir, "later.pem")})
	require.NoError(t, err, "it may appear later")
}
