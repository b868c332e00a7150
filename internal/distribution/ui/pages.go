package ui

import (
	"bytes"
	_ "embed"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"text/template"

	"github.com/prometheus/common/server"
)

const index = "index.html"

// missing is served in place of an interface that was not built.
//
//go:embed missing.html
var missing string

// pages serves the interface in built below prefix, "/" or a path without a slash at its end. A path that names no file is answered with
// the start page, which routes it in the browser. Without a start page in built, every path is answered with 404 and a page that tells how
// to build it.
//
// It panics when the start page is not a template: that is an error of the build.
func pages(built fs.FS, prefix string) http.Handler {
	public := strings.TrimSuffix(prefix, "/")

	start, code := missing, http.StatusNotFound
	if source, err := fs.ReadFile(built, index); err == nil {
		start, code = string(source), http.StatusOK
	}
	page := render(start, public)

	// Unlike the file server of net/http this one knows the content types of web pages whatever the machine's registry says.
	files := http.StripPrefix(public, server.StaticFileServer(http.FS(built)))

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below, ok := strings.CutPrefix(r.URL.Path, public+"/")
		switch {
		case r.URL.Path == public: // relative links need the slash
			http.Redirect(w, r, public+"/", http.StatusFound)
		case !ok: // "/prefixed" is not below "/prefix"
			http.NotFound(w, r)
		case code == http.StatusOK && below != index && isFile(built, below):
			files.ServeHTTP(w, r)
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(code)
			_, _ = w.Write(page)
		}
	})
}

// documents serves the Markdown files in pages as text, which a browser shows where it would download Markdown. The interface's
// Documentation button and the alerts' runbook_url lead to them.
func documents(pages fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := fs.ReadFile(pages, r.URL.Path)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(text)
	})
}

func isFile(fsys fs.FS, name string) bool {
	fi, err := fs.Stat(fsys, name)
	return err == nil && !fi.IsDir()
}

// render fills in where the page is served. The delimiters are those that
// upstream's build puts into the start page (internal/web/ui/vite.config.ts).
func render(page, publicURL string) []byte {
	t := template.Must(template.New(index).Delims("{{!", "!}}").Parse(page))
	var out bytes.Buffer
	if err := t.Execute(&out, struct{ PublicURL string }{publicURL}); err != nil {
		panic(fmt.Errorf("rendering the start page: %w", err))
	}
	return out.Bytes()
}
