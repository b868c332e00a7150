package main

import (
	"archive/zip"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// uid is that of the user in Grafana's own Alloy image, so that a volume of it can be read.
const uid = 473

// image writes alloy-okta-1.2.3-image.tar, an OCI layout with one index for all architectures.
func (r release) image(arches []string) error {
	base, err := r.baseLayer()
	if err != nil {
		return err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range arches {
		img, err := r.platformImage(arch, base)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	folder, err := os.MkdirTemp("", "image")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	written, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	name := "localhost/alloy-okta:" + r.version // podman and skopeo read the first, docker the second
	names := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name})
	if err := written.AppendIndex(index, names); err != nil {
		return err
	}
	return r.tarFolder(folder, filepath.Join(r.out, fmt.Sprintf("alloy-okta-%s-image.tar", r.version)))
}

func (r release) platformImage(arch string, base v1.Layer) (v1.Image, error) {
	program, err := r.layer([]node{
		{name: "usr/bin/alloy-okta", mode: 0o755, file: r.binary(platform{os: "linux", arch: arch})},
	})
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.AppendLayers(img, base, program); err != nil {
		return nil, err
	}
	return mutate.ConfigFile(img, &v1.ConfigFile{
		OS: "linux", Architecture: arch, Created: v1.Time{Time: r.time}, RootFS: must(img.ConfigFile()).RootFS,
		Config: v1.Config{
			User:         fmt.Sprintf("%d:%d", uid, uid),
			Entrypoint:   []string{"/usr/bin/alloy-okta"},
			Cmd:          []string{"run", "--storage.path=/var/lib/alloy-okta", "--server.http.listen-addr=0.0.0.0:12345", "/etc/alloy-okta"},
			Env:          []string{"PATH=/usr/bin"},
			WorkingDir:   "/var/lib/alloy-okta",
			ExposedPorts: map[string]struct{}{"12345/tcp": {}},
			Volumes:      map[string]struct{}{"/var/lib/alloy-okta": {}},
			Labels: map[string]string{
				"org.opencontainers.image.title":    "alloy-okta",
				"org.opencontainers.image.version":  r.version,
				"org.opencontainers.image.licenses": "Apache-2.0 AND AGPL-3.0-only",
				"org.opencontainers.image.created":  r.time.Format("2006-01-02T15:04:05Z"),
			},
		},
	})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err) // of an image in memory: cannot be
	}
	return value
}

// baseLayer is what the program finds in its root beside itself.
func (r release) baseLayer() (v1.Layer, error) {
	passwd := fmt.Sprintf("root:x:0:0:root:/root:/sbin/nologin\nalloy-okta:x:%d:%d:alloy-okta:/var/lib/alloy-okta:/sbin/nologin\n", uid, uid)
	group := fmt.Sprintf("root:x:0:\nalloy-okta:x:%d:\n", uid)
	nodes := []node{
		{name: "etc/passwd", mode: 0o644, content: []byte(passwd)},
		{name: "etc/group", mode: 0o644, content: []byte(group)},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: certificates()},
		{name: "tmp", mode: 0o1777, folder: true},
		// A volume that a runtime makes starts as this folder. As /tmp: OpenShift and --user run the container as somebody else.
		{name: "var/lib/alloy-okta", mode: 0o1777, folder: true, uid: uid, gid: uid},
		{name: "etc/alloy-okta/pipelines", mode: 0o755, folder: true},
		// logzio/logzio-okta wants the file mounted at this place: a mount over either name is seen.
		{name: "etc/alloy-okta/tenants-credentials.yml", mode: 0o777, link: "/usr/share/logstash/tenants-credentials.yml"},
		{name: "usr/share/logstash/tenants-credentials.yml", mode: 0o644, file: r.source("deploy/config/tenants-credentials.yml")},
	}
	config, err := r.configuration("etc/alloy-okta")
	if err != nil {
		return nil, err
	}
	zones, err := timeZones("usr/share/zoneinfo")
	if err != nil {
		return nil, err
	}
	return r.layer(slices.Concat(nodes, config, r.documents("usr/share/doc/alloy-okta"), zones))
}

func (r release) layer(nodes []node) (v1.Layer, error) {
	var buffer bytes.Buffer
	if err := writeTar(&buffer, withFolders(nodes), r.time); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buffer.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
}

// certificates returns Mozilla's roots, from the module that the binary has them from, for users who want to add their own.
func certificates() []byte {
	var buffer bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&buffer, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return buffer.Bytes()
}

// timeZones returns the time zones that come with Go.
func timeZones(folder string) ([]node, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib/time/zoneinfo.zip"))
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	var nodes []node
	err = fs.WalkDir(archive, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(archive, name)
		nodes = append(nodes, node{name: path.Join(folder, name), mode: 0o644, content: content})
		return err
	})
	return nodes, err
}

// tarFolder packs the files of a folder, in the order of their names.
func (r release) tarFolder(folder, target string) error {
	var nodes []node
	err := filepath.WalkDir(folder, func(file string, d os.DirEntry, err error) error {
		if err != nil || file == folder {
			return err
		}
		name, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		n := node{name: filepath.ToSlash(name), mode: 0o644, file: file}
		if d.IsDir() {
			n = node{name: n.name, mode: 0o755, folder: true}
		}
		nodes = append(nodes, n)
		return nil
	})
	if err != nil {
		return err
	}
	out, err := os.Create(target)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := writeTar(out, nodes, r.time); err != nil {
		return err
	}
	return out.Close()
}
