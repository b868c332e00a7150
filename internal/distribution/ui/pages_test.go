package ui

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

var built = fstest.MapFS{
	"index.html":       {Data: []byte(`<base href="{{! .PublicURL !}}/" />`)},
	"robots.txt":       {Data: []byte("User-agent: *")},
	"assets/index.js":  {Data: []byte(`const template = "{{! kept !}}";`)},
	"assets/index.css": {Data: []byte("body {}")},
}

func TestPagesServeTheInterface(t *testing.T) {
	for name, tc := range map[string]struct {
		prefix, path string
		code         int
		contentType  string
		body         string
	}{
		"the start page":            {"/", "/", 200, "text/html; charset=utf-8", `<base href="/" />`},
		"the start page, by name":   {"/", "/index.html", 200, "text/html; charset=utf-8", `<base href="/" />`},
		"a page of the browser":     {"/", "/component/loki.echo.e", 200, "text/html; charset=utf-8", `<base href="/" />`},
		"a folder is no file":       {"/", "/assets/", 200, "text/html; charset=utf-8", `<base href="/" />`},
		"a script, as it is":        {"/", "/assets/index.js", 200, "application/javascript", `const template = "{{! kept !}}";`},
		"a style sheet":             {"/", "/assets/index.css", 200, "text/css", "body {}"},
		"below a prefix":            {"/a/b", "/a/b/", 200, "text/html; charset=utf-8", `<base href="/a/b/" />`},
		"a page below a prefix":     {"/a/b", "/a/b/graph", 200, "text/html; charset=utf-8", `<base href="/a/b/" />`},
		"a file below a prefix":     {"/a/b", "/a/b/assets/index.css", 200, "text/css", "body {}"},
		"beside a prefix":           {"/a/b", "/a/bc", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		"above the files":           {"/", "/../pages.go", 200, "text/html; charset=utf-8", `<base href="/" />`},
		"above the files, below /a": {"/a", "/a/../../pages.go", 200, "text/html; charset=utf-8", `<base href="/a/" />`},
	} {
		t.Run(name, func(t *testing.T) {
			w := get(pages(built, tc.prefix), tc.path)
			require.Equal(t, tc.code, w.Code)
			require.Equal(t, tc.contentType, w.Header().Get("Content-Type"))
			require.Equal(t, tc.body, w.Body.String())
		})
	}
}

func TestThePrefixWithoutASlashRedirects(t *testing.T) {
	for _, dist := range []fs.FS{built, fstest.MapFS{}} {
		w := get(pages(dist, "/a/b"), "/a/b")
		require.Equal(t, http.StatusFound, w.Code)
		require.Equal(t, "/a/b/", w.Header().Get("Location"))
	}
}

func TestWithoutAnInterfaceAPageTellsHowToGetIt(t *testing.T) {
	for _, empty := range []fs.FS{fstest.MapFS{}, fstest.MapFS{".gitkeep": {}}} {
		for _, path := range []string{"/a/", "/a/graph", "/a/.gitkeep"} {
			w := get(pages(empty, "/a"), path)
			require.Equal(t, http.StatusNotFound, w.Code)
			require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
			require.Contains(t, w.Body.String(), "make build")
			require.Contains(t, w.Body.String(), `<base href="/a/" />`)
		}
	}
}

func TestAStartPageThatIsNoTemplateIsAnErrorOfTheBuild(t *testing.T) {
	require.Panics(t, func() { pages(fstest.MapFS{"index.html": {Data: []byte("{{! .No !}}")}}, "/") })
}

// get sends path as it is, where a client would clean it.
func get(h http.Handler, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.Path = path
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(b)
}
