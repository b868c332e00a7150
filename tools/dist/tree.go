package main

import (
	"archive/tar"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// node is an entry of a tar archive.
type node struct {
	name     string // without a slash at the start
	mode     int64
	uid, gid int
	link     string // target, for a symbolic link
	folder   bool
	content  []byte
	file     string // read for the content instead
}

// configuration returns deploy/config as it stands below a folder.
func (r release) configuration(folder string) ([]node, error) {
	var nodes []node
	root := r.source("deploy/config")
	for _, pattern := range []string{"*.alloy", "pipelines/*.alloy"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			name, err := filepath.Rel(root, file)
			if err != nil {
				return nil, err
			}
			if file, err = filepath.EvalSymlinks(file); err != nil { // a module of syntax/
				return nil, err
			}
			nodes = append(nodes, node{name: path.Join(folder, filepath.ToSlash(name)), mode: 0o644, file: file})
		}
	}
	return nodes, nil
}

// documents returns what goes with every package: licenses and the page about the installation.
func (r release) documents(folder string) []node {
	var nodes []node
	for _, name := range []string{"LICENSE", "NOTICE", "CHANGELOG.md", "docs/install.md"} {
		nodes = append(nodes, node{name: path.Join(folder, path.Base(name)), mode: 0o644, file: r.source(name)})
	}
	return nodes
}

// withFolders adds the folders that nodes are in, each before what is in it.
func withFolders(nodes []node) (all []node) {
	known := map[string]bool{".": true}
	for _, n := range nodes {
		from := len(all)
		for folder := path.Dir(n.name); !known[folder]; folder = path.Dir(folder) {
			known[folder] = true
			all = slices.Insert(all, from, node{name: folder, mode: 0o755, folder: true})
		}
		all, known[n.name] = append(all, n), true
	}
	return all
}

// writeTar writes nodes as they come, all of one time.
func writeTar(w io.Writer, nodes []node, when time.Time) error {
	out := tar.NewWriter(w)
	for _, n := range nodes {
		if err := n.write(out, when); err != nil {
			return err
		}
	}
	return out.Close()
}

func (n node) write(out *tar.Writer, when time.Time) error {
	header := &tar.Header{
		Name: n.name, Mode: n.mode, Uid: n.uid, Gid: n.gid, ModTime: when, Typeflag: tar.TypeReg, Size: int64(len(n.content)), Format: tar.FormatPAX,
	}
	switch {
	case n.folder:
		header.Typeflag, header.Name = tar.TypeDir, n.name+"/"
	case n.link != "":
		header.Typeflag, header.Linkname = tar.TypeSymlink, n.link
	case n.file != "":
		file, err := os.Open(n.file)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		header.Size = info.Size()
		if err := out.WriteHeader(header); err != nil {
			return err
		}
		_, err = io.Copy(out, file)
		return err
	}
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	_, err := out.Write(n.content)
	return err
}
