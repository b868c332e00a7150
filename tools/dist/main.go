// Command dist packs the binaries that `make dist` has built: archives, Debian and RPM packages, a container image for all of Linux'
// processors, a bill of materials for each binary, and SHA256SUMS over all of it. Linux' binaries have all components; those for other
// systems are the slim build, which needs no cgo there, and their archives are called so. The same inputs give the same bytes: all times
// are that of the commit, all owners are named, all order is fixed.
//
// It is a module of its own, so that what it needs stays out of the program's.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// release is what is packed.
type release struct {
	version string    // semantic version without v
	time    time.Time // of the commit
	root    string    // of the repository
	bin     string    // folder with alloy-okta-linux-amd64 and others, see binary
	out     string    // folder for the results
}

// platform is what a binary is for, in Go's words, and which of the builds it is.
type platform struct {
	os, arch string
	slim     bool // only the components of `make run`
}

// program is the name of the build: what is in it.
func (p platform) program() string {
	if p.slim {
		return "alloy-okta-slim"
	}
	return "alloy-okta"
}

// exe is what the name of a program ends with.
func (p platform) exe() string {
	if p.os == "windows" {
		return ".exe"
	}
	return ""
}

// binary returns the path of the binary for a platform: alloy-okta-linux-amd64, alloy-okta-slim-windows-amd64.exe.
func (r release) binary(p platform) string {
	return filepath.Join(r.bin, fmt.Sprintf("%s-%s-%s%s", p.program(), p.os, p.arch, p.exe()))
}

// name returns that of a result for a platform, without its ending: alloy-okta-1.2.3-linux-amd64, alloy-okta-slim-1.2.3-windows-amd64.
func (r release) name(p platform) string {
	return fmt.Sprintf("%s-%s-%s-%s", p.program(), r.version, p.os, p.arch)
}

// source returns the path of a file of the repository.
func (r release) source(name string) string { return filepath.Join(r.root, name) }

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var r release
	var seconds int64
	var arches, slim string
	flags := flag.NewFlagSet("dist", flag.ContinueOnError)
	flags.StringVar(&r.version, "version", "", "semantic version, such as v1.2.3")
	flags.Int64Var(&seconds, "time", 0, "time of the commit, in seconds since 1970")
	flags.StringVar(&r.root, "root", "../..", "root of the repository")
	flags.StringVar(&r.bin, "bin", "../../build/dist/bin", "folder with the binaries, alloy-okta-linux-amd64 and so on")
	flags.StringVar(&r.out, "out", "../../build/dist", "folder for the results")
	flags.StringVar(&arches, "arch", "amd64,arm64", "Linux' architectures, separated by commas")
	flags.StringVar(&slim, "slim", "", "platforms of slim binaries, such as darwin/arm64,windows/amd64")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if r.version == "" {
		return fmt.Errorf("-version is not set")
	}
	r.version = strings.TrimPrefix(r.version, "v")
	r.time = time.Unix(seconds, 0).UTC()
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	list := strings.Split(arches, ",")
	for _, arch := range list {
		if err := r.pack(platform{os: "linux", arch: arch}, r.check, r.archive, r.packages, r.billOfMaterials); err != nil {
			return err
		}
	}
	for _, name := range strings.FieldsFunc(slim, func(c rune) bool { return c == ',' }) {
		system, arch, _ := strings.Cut(name, "/")
		if err := r.pack(platform{system, arch, true}, r.check, r.archive, r.billOfMaterials); err != nil {
			return err
		}
	}
	if err := r.image(list); err != nil {
		return err
	}
	return r.checksums()
}

// pack has one binary packed in several ways.
func (r release) pack(p platform, ways ...func(platform) error) error {
	for _, way := range ways {
		if err := way(p); err != nil {
			return err
		}
	}
	return nil
}

// checksums writes SHA256SUMS in the format of sha256sum.
func (r release) checksums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var lines []string
	for _, e := range entries {
		if e.IsDir() || e.Name() == "SHA256SUMS" {
			continue
		}
		file, err := os.Open(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, file)
		file.Close()
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%x  %s\n", sum.Sum(nil), e.Name()))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(strings.Join(lines, "")), 0o644)
}
