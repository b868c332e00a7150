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

// all are the platforms that Alloy is built for (its docs/sources/set-up/supported-platforms.md), on the processors that it is released for.
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
	if flags.NArg() == 0 {
		return errors.New("name the packages, such as ./internal/...")
	}
	failed := 0
	for _, platform := range strings.Fields(*platforms) {
		begin := time.Now()
		complaints, count, err := check(*dir, platform, []string{"-tags=" + *tags, "-modfile=" + *modfile}, flags.Args())
		if err != nil {
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
	return nil
}

// check returns what is wrong on a platform such as windows/arm64 with packages, their tests and what they import, and how many these are.
// Without cgo, as releases are built.
func check(dir, platform string, buildFlags, patterns []string) (complaints []string, count int, err error) {
	system, processor, ok := strings.Cut(platform, "/")
	if !ok {
		return nil, 0, errors.New("a platform is GOOS/GOARCH, such as windows/amd64")
	}
	roots, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps |
			packages.NeedTypes | packages.NeedTypesSizes,
		Dir: dir, Tests: true, BuildFlags: buildFlags,
		Env: append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor),
	}, patterns...)
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
