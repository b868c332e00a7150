// Command platforms type-checks packages and their tests for other platforms than this one: all that the compiler would refuse, also in
// what they import. It reads the source, as go/packages does, so that nothing is compiled or cached: seconds for each platform, where
// `go vet` compiles every dependency first. It links nothing, does no assembly, and has not vet's analyzers; `make platforms` has.
//
//	go -C tools/platforms run . -dir ../.. -tags slim -modfile build/slim.mod ./internal/... ./component/...
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/tools/go/packages"
)

// all are the platforms that Alloy is built for (its docs/sources/set-up/supported-platforms.md), on the processors that it is released
// for.
const all = "linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64 freebsd/amd64 freebsd/arm64"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("platforms", flag.ContinueOnError)
	dir := flags.String("dir", ".", "the module's `folder`, from which packages are named")
	tags := flags.String("tags", "", "build `tags`")
	modfile := flags.String("modfile", "", "a `file` in go.mod's place")
	platforms := flags.String("platforms", all, "`GOOS/GOARCH` of each, with space between them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if len(strings.Fields(*platforms)) == 0 {
		return errors.New("name the platforms, such as windows/amd64")
	}
	if flags.NArg() == 0 {
		return errors.New("name the packages, such as ./internal/...")
	}
	failed := 0
	unmatched := flags.Args() // on all platforms so far: a package may be for one of them alone
	for _, platform := range strings.Fields(*platforms) {
		begin := time.Now()
		cfg, err := load(*dir, platform, []string{"-tags=" + *tags, "-modfile=" + *modfile})
		if err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
		complaints, count, err := check(cfg, flags.Args())
		if err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
		if unmatched, err = matchNothing(cfg, unmatched); err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
		for _, c := range complaints {
			fmt.Fprintf(out, "%s: %s\n", platform, c)
		}
		fmt.Fprintf(out, "%s: %d packages, %d errors, %.0f s\n", platform, count, len(complaints), time.Since(begin).Seconds())
		failed += len(complaints)
	}
	if failed > 0 {
		return fmt.Errorf("%d errors", failed)
	}
	if len(unmatched) > 0 {
		return fmt.Errorf("no package in %s on any of the platforms %q: %s", *dir, *platforms, strings.Join(unmatched, ", "))
	}
	return nil
}

// load is how packages and their tests are loaded for a platform such as windows/arm64: without cgo, as releases are built.
func load(dir, platform string, buildFlags []string) (packages.Config, error) {
	system, processor, ok := strings.Cut(platform, "/")
	if !ok {
		return packages.Config{}, fmt.Errorf("%q is no platform: it is GOOS/GOARCH, such as windows/amd64", platform)
	}
	return packages.Config{
		Dir: dir, Tests: true, BuildFlags: buildFlags,
		Env: append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor),
	}, nil
}

// matchNothing returns the patterns that no package matches. It reads names alone.
func matchNothing(cfg packages.Config, patterns []string) (nothing []string, err error) {
	cfg.Mode = packages.NeedName
	for _, pattern := range patterns {
		roots, err := packages.Load(&cfg, pattern)
		if err != nil {
			return nil, err
		}
		if len(roots) == 0 {
			nothing = append(nothing, pattern)
		}
	}
	return nothing, nil
}

// check returns what is wrong with packages, their tests and what they import, and how many these are.
func check(cfg packages.Config, patterns []string) (complaints []string, count int, err error) {
	cfg.Mode = packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps |
		packages.NeedTypes | packages.NeedTypesSizes
	roots, err := packages.Load(&cfg, patterns...)
	if err != nil {
		return nil, 0, err
	}
	known := map[string]bool{} // a package and the one with its tests say the same
	packages.Visit(roots, nil, func(p *packages.Package) {
		count++
		for _, e := range p.Errors {
			if c := e.Error(); !known[c] {
				known[c] = true
				complaints = append(complaints, c)
			}
		}
	})
	return complaints, count, nil
}
