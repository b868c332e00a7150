// Command upstream puts loki.source.okta and loki.source.okta_event_hook into a checkout of grafana/alloy, as a change to it would:
// components, the packages and data that they need, tests, pages, and the files that Alloy generates. It runs in the root of this
// repository, and may be run again on the same checkout.
//
//	go run -C tools/upstream . -repository ../.. -dir /path/to/alloy -check library
//
// With -without, it leaves out options of loki.source.okta (see options.go), and loki.source.okta_event_hook, which uses some of them: all is
// the core, for a first change that can be read in one go.
//
// It prints what it did, what it left out and why, and what it did not find.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Where things go. The packages stand beside both components, for both import them.
const (
	ours       = "github.com/grafana/alloy/okta/"
	sources    = "internal/component/loki/source"
	library    = sources + "/internal/okta"
	theirs     = "github.com/grafana/alloy/"
	components = "component/loki/source"
)

// names are the components.
func (c *change) names() []string {
	if len(c.without) > 0 {
		return []string{"loki.source.okta"}
	}
	return []string{"loki.source.okta", "loki.source.okta_event_hook"}
}

func folderOf(name string) string { return strings.TrimPrefix(name, "loki.source.") }

// forTests are packages that only tests import.
var forTests = []string{"oktasim", "pipesim", "testbed"}

// leftOut are tests that are about this repository, by the end of their path.
var leftOut = map[string]string{
	"/docs_test.go":            "reads documents that are not Alloy's",
	"/redact/doc_test.go":      "reads documents that are not Alloy's",
	"/roles/catalog_test.go":   "reads a catalog of this repository",
	"/actors/catalog_test.go":  "reads a catalog of this repository",
	"/limits/write_test.go":    "is about the constants of this repository",
	"/fanout/move_test.go":     "is about the sources of this repository",
	"/okta/selector_test.go":   "imports Loki's parser, which is AGPL-3.0",
	"/okta/bench_unix_test.go": "measures what a build of this repository needs",
}

// rewrites are what changes in Go files, beside the name of Alloy's module.
var rewrites = strings.NewReplacer(
	`"`+ours+`component/`, `"`+theirs+`internal/component/`,
	`"`+ours+`internal/`, `"`+theirs+library+`/`,
	`"../../../../testdata/`, `"../internal/testdata/`, // of a component: the data lies beside the packages
	`"../../detections/rules/*/*.jsonl", `, ``, // more events for tests of redaction, which have others
)

func main() {
	var c change
	check := flag.String("check", "all", "what to vet and test then: all, library (what knows no Alloy: minutes less), or none")
	flag.StringVar(&c.from, "repository", ".", "this repository")
	flag.StringVar(&c.to, "dir", "", "the checkout of grafana/alloy")
	without := flag.String("without", "", "options to leave out, by name, or all")
	flag.Parse()
	if err := c.leaveOut(*without); err != nil {
		fail(err)
	}
	if err := c.make(*check); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "upstream:", err)
	os.Exit(1)
}

// change is what is done to a checkout.
type change struct {
	from, to string
	modules  map[string]bool   // imported, none of Alloy's own
	folders  map[string]string // from here to there
	queue    []string          // of those, what is to be copied
	without  map[string]bool   // options
	gone     []string          // arguments and blocks that were left out
}

func (c *change) make(check string) error {
	targets := map[string][]string{
		"none": nil, "library": {"./" + library + "/..."},
		"all": {"./" + library + "/...", "./" + sources + "/internal/fanout", "./" + sources + "/internal/registration"},
	}
	for _, name := range c.names() {
		targets["all"] = append(targets["all"], "./"+sources+"/"+folderOf(name))
	}
	if _, ok := targets[check]; !ok {
		return fmt.Errorf("-check=%s: it is all, library, or none", check)
	}
	if err := isAlloy(c.to); err != nil {
		return err
	}
	for _, step := range []func() error{c.copyAll, c.size, c.require, c.register, c.index, c.pages, c.templates, c.missing} {
		if err := step(); err != nil {
			return err
		}
	}
	if len(targets[check]) == 0 {
		return nil
	}
	for _, command := range []string{"vet", "test"} {
		fmt.Println("go", command, strings.Join(targets[check], " "))
		cmd := exec.Command("go", append([]string{command, "-p", "1"}, targets[check]...)...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = c.to, os.Stdout, os.Stderr
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -buildvcs=false")
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("go %s: %w", command, err)
		}
	}
	return nil
}

func isAlloy(dir string) error {
	if dir == "" {
		return fmt.Errorf("-dir is empty: it is a checkout of grafana/alloy")
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return fmt.Errorf("%s is no checkout of grafana/alloy: %w", dir, err)
	}
	if first, _, _ := strings.Cut(string(text), "\n"); strings.TrimSpace(first) != "module github.com/grafana/alloy" {
		return fmt.Errorf("%s is no checkout of grafana/alloy, its go.mod begins with %q", dir, first)
	}
	return nil
}

// missing says what a change to Alloy touches as well and this checkout, such as a module from the cache, does not have.
func (c *change) missing() error {
	for _, file := range []string{"syntax/go.mod", "collector/go.mod", "docs/sources/shared", ".git"} {
		if _, err := os.Stat(filepath.Join(c.to, file)); err != nil {
			fmt.Println("not in this checkout:", file)
		}
	}
	if len(c.without) > 0 {
		fmt.Println("left to do by hand: what the reference page says of options in its text, and their metrics")
	}
	fmt.Println("left to do by hand: the reference pages link to guides of this repository; after a change of go.mod, Alloy's own\n" +
		"`make generate-otel-collector-distro`; `make lint`; a proposal, written by who will maintain the component")
	return nil
}
