package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/x509"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/stretchr/testify/require"
)

// pack runs dist over a small program in alloy-okta's place.
func pack(t *testing.T, version string) (out string) {
	t.Helper()
	bin, out := t.TempDir(), t.TempDir()
	source := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600))
	for _, arch := range []string{"amd64", "arm64"} {
		compile(t, source, filepath.Join(bin, "alloy-okta-linux-"+arch), "linux", arch)
	}
	compile(t, source, filepath.Join(bin, "alloy-okta-slim-darwin-arm64"), "darwin", "arm64")
	compile(t, source, filepath.Join(bin, "alloy-okta-slim-windows-amd64.exe"), "windows", "amd64")
	require.NoError(t, run([]string{"-version", version, "-time", "1700000000", "-bin", bin, "-out", out, "-slim", "darwin/arm64,windows/amd64"}))
	return out
}

func compile(t *testing.T, source, out, system, arch string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, source)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
	output, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s", output)
}

func TestABinaryOfAnotherPlatformIsNotPacked(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"amd64", "arm64"} {
		shell, err := os.ReadFile("/bin/sh") // for this machine, and dynamic
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(bin, "alloy-okta-linux-"+name), shell, 0o755))
	}
	other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
	r := release{bin: bin}
	linux := func(arch string) platform { return platform{os: "linux", arch: arch} }
	require.ErrorContains(t, r.check(linux(runtime.GOARCH)), "is linked dynamically")
	require.ErrorContains(t, r.check(linux(other)), "is for EM_")
	require.ErrorContains(t, r.check(linux("mips")), "-arch or -slim has linux/mips: it must be")
	require.NoError(t, os.WriteFile(filepath.Join(bin, "alloy-okta-linux-amd64"), []byte("#!/bin/sh"), 0o755))
	require.Error(t, r.check(linux("amd64")))
}

func TestASlimBinaryIsForWhatItsNameSays(t *testing.T) {
	source, bin := filepath.Join(t.TempDir(), "main.go"), t.TempDir()
	require.NoError(t, os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600))
	slim := func(system, arch string) platform { return platform{system, arch, true} }
	all := []platform{slim("darwin", "amd64"), slim("darwin", "arm64"), slim("windows", "amd64"), slim("windows", "arm64")}
	r := release{bin: bin}
	for _, is := range all {
		compile(t, source, filepath.Join(bin, "program"), is.os, is.arch)
		program, err := os.ReadFile(filepath.Join(bin, "program"))
		require.NoError(t, err)
		for _, named := range all {
			require.NoError(t, os.WriteFile(r.binary(named), program, 0o755))
			err := r.check(named)
			switch {
			case is == named:
				require.NoError(t, err)
			case is.os == named.os:
				require.ErrorContains(t, err, "not for")
			default:
				require.ErrorContains(t, err, "reading ")
			}
		}
	}
	for _, p := range []platform{slim("plan9", "amd64"), slim("darwin", ""), slim("windows", "386")} {
		require.ErrorContains(t, r.check(p), "it must be linux, darwin or windows, and amd64 or arm64")
	}
}

func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	all := map[string]string{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		require.NoError(t, err)
		all[e.Name()] = string(content)
	}
	return all
}

func TestTwoRunsGiveTheSameBytes(t *testing.T) {
	first, second := contents(t, pack(t, "v1.2.3")), contents(t, pack(t, "v1.2.3"))
	var names []string
	for name := range first {
		names = append(names, name)
		require.True(t, first[name] == second[name], "%s differs", name)
	}
	require.ElementsMatch(t, []string{
		"alloy-okta-1.2.3-linux-amd64.tar.gz", "alloy-okta-1.2.3-linux-arm64.tar.gz",
		"alloy-okta-1.2.3-linux-amd64.cdx.json", "alloy-okta-1.2.3-linux-arm64.cdx.json",
		"alloy-okta_1.2.3_amd64.deb", "alloy-okta_1.2.3_arm64.deb",
		"alloy-okta-1.2.3-1.x86_64.rpm", "alloy-okta-1.2.3-1.aarch64.rpm",
		"alloy-okta-1.2.3-image.tar", "SHA256SUMS",
		"alloy-okta-slim-1.2.3-darwin-arm64.tar.gz", "alloy-okta-slim-1.2.3-darwin-arm64.cdx.json",
		"alloy-okta-slim-1.2.3-windows-amd64.zip", "alloy-okta-slim-1.2.3-windows-amd64.cdx.json",
	}, names)
}

// A tree between two tags, with changes: `git describe --tags --dirty`.
func TestAVersionBetweenTagsIsOneOfAllFormats(t *testing.T) {
	out := pack(t, "v1.2.3-4-g0123abc-dirty")
	sums := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	sums.Dir = out
	output, err := sums.CombinedOutput()
	require.NoErrorf(t, err, "%s", output)
	require.Len(t, contents(t, out), 14)
}

func TestSlimArchivesHaveTheProgramAndExamples(t *testing.T) {
	out := pack(t, "v1.2.3")
	want := func(program string) []string {
		return []string{program, "quickstart.alloy", "terminal.alloy", "LICENSE", "NOTICE", "CHANGELOG.md", "install.md"}
	}
	packed, err := zip.OpenReader(filepath.Join(out, "alloy-okta-slim-1.2.3-windows-amd64.zip"))
	require.NoError(t, err)
	defer packed.Close()
	var names []string
	for _, f := range packed.File {
		names = append(names, strings.TrimPrefix(f.Name, "alloy-okta-slim-1.2.3-windows-amd64/"))
		require.Equal(t, int64(1700000000), f.Modified.Unix())
		require.NotZero(t, f.UncompressedSize64)
	}
	require.ElementsMatch(t, want("alloy-okta.exe"), names)

	list, err := exec.Command("tar", "-tzf", filepath.Join(out, "alloy-okta-slim-1.2.3-darwin-arm64.tar.gz")).Output()
	require.NoError(t, err)
	names = strings.Fields(strings.ReplaceAll(string(list), "alloy-okta-slim-1.2.3-darwin-arm64/", ""))
	require.ElementsMatch(t, want("alloy-okta"), names)
}

func TestTheImageHasWhatTheProgramNeeds(t *testing.T) {
	folder := t.TempDir()
	output, err := exec.Command("tar", "-xf", filepath.Join(pack(t, "v1.2.3"), "alloy-okta-1.2.3-image.tar"), "-C", folder).CombinedOutput()
	require.NoErrorf(t, err, "%s", output)
	root, err := layout.ImageIndexFromPath(folder)
	require.NoError(t, err)
	top, err := root.IndexManifest()
	require.NoError(t, err)
	require.Len(t, top.Manifests, 1)
	index, err := root.ImageIndex(top.Manifests[0].Digest)
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 2)
	for i, arch := range []string{"amd64", "arm64"} {
		require.Equal(t, &v1.Platform{OS: "linux", Architecture: arch}, manifest.Manifests[i].Platform)
		img, err := index.Image(manifest.Manifests[i].Digest)
		require.NoError(t, err)
		config, err := img.ConfigFile()
		require.NoError(t, err)
		require.Equal(t, arch, config.Architecture)
		require.Equal(t, "473:473", config.Config.User)
		require.Equal(t, []string{"/usr/bin/alloy-okta"}, config.Config.Entrypoint)
		require.Equal(t, "/etc/alloy-okta", config.Config.Cmd[len(config.Config.Cmd)-1])
		require.Contains(t, config.Config.Volumes, "/var/lib/alloy-okta")
		files := filesOf(t, img)
		require.True(t, x509.NewCertPool().AppendCertsFromPEM(files["etc/ssl/certs/ca-certificates.crt"]))
		require.Greater(t, bytes.Count(files["etc/ssl/certs/ca-certificates.crt"], []byte("BEGIN CERTIFICATE")), 100)
		require.True(t, strings.HasPrefix(string(files["usr/share/zoneinfo/Europe/Berlin"]), "TZif"))
		for _, name := range []string{
			"usr/bin/alloy-okta", "etc/alloy-okta/config.alloy", "etc/alloy-okta/pipelines/loki.alloy",
			"etc/alloy-okta/pipelines/logzio-module.alloy", "usr/share/doc/alloy-okta/NOTICE",
		} {
			require.NotEmpty(t, files[name], name)
		}
	}
}

func filesOf(t *testing.T, img v1.Image) map[string][]byte {
	t.Helper()
	layers, err := img.Layers()
	require.NoError(t, err)
	files := map[string][]byte{}
	for _, layer := range layers {
		reader, err := layer.Uncompressed()
		require.NoError(t, err)
		archive := tar.NewReader(reader)
		for {
			header, err := archive.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			content, err := io.ReadAll(archive)
			require.NoError(t, err)
			files[header.Name] = content
		}
		require.NoError(t, reader.Close())
	}
	return files
}
