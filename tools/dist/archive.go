package main

import (
	"archive/zip"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"time"
)

// archive writes alloy-okta-1.2.3-linux-amd64.tar.gz, and for Windows, which has no tar of its own everywhere, a zip.
func (r release) archive(p platform) error {
	folder := r.name(p)
	nodes := append([]node{{name: folder, mode: 0o755, folder: true},
		{name: folder + "/alloy-okta" + p.exe(), mode: 0o755, file: r.binary(p)},
	}, r.documents(folder)...)
	if p.slim {
		// The service's configuration needs components that are not in it.
		for _, name := range []string{"quickstart.alloy", "terminal.alloy"} {
			nodes = append(nodes, node{name: folder + "/" + name, mode: 0o644, file: r.source("syntax/" + name)})
		}
	} else {
		config, err := r.configuration(folder)
		if err != nil {
			return err
		}
		nodes = append(append(nodes,
			node{name: folder + "/tenants-credentials.yml", mode: 0o644, file: r.source("deploy/config/tenants-credentials.yml")},
			node{name: folder + "/alloy-okta.service", mode: 0o644, file: r.source("deploy/linux/alloy-okta.service")},
			node{name: folder + "/alloy-okta.default", mode: 0o644, file: r.source("deploy/linux/alloy-okta.default")},
		), config...)
	}
	if p.os == "windows" {
		return r.create(folder+".zip", func(w io.Writer) error { return writeZip(w, nodes, r.time) })
	}
	return r.create(folder+".tar.gz", func(w io.Writer) error {
		compressed := gzip.NewWriter(w)
		if err := writeTar(compressed, nodes, r.time); err != nil {
			return err
		}
		return compressed.Close()
	})
}

// create has a result written.
func (r release) create(name string, write func(io.Writer) error) error {
	file, err := os.Create(filepath.Join(r.out, name))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := write(file); err != nil {
		return err
	}
	return file.Close()
}

// writeZip writes files as they come, all of one time. A zip needs no folders of its own.
func writeZip(w io.Writer, nodes []node, when time.Time) error {
	out := zip.NewWriter(w)
	for _, n := range nodes {
		if n.folder {
			continue
		}
		entry, err := out.CreateHeader(&zip.FileHeader{Name: n.name, Method: zip.Deflate, Modified: when})
		if err != nil {
			return err
		}
		file, err := os.Open(n.file)
		if err != nil {
			return err
		}
		_, err = io.Copy(entry, file)
		file.Close()
		if err != nil {
			return err
		}
	}
	return out.Close()
}
