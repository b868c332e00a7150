package main

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
)

// archive writes alloy-okta-1.2.3-linux-amd64.tar.gz.
func (r release) archive(arch string) error {
	folder := fmt.Sprintf("alloy-okta-%s-linux-%s", r.version, arch)
	nodes := append([]node{{name: folder, mode: 0o755, folder: true},
		{name: folder + "/alloy-okta", mode: 0o755, file: r.binary("linux", arch)},
		{name: folder + "/tenants-credentials.yml", mode: 0o644, file: r.source("deploy/config/tenants-credentials.yml")},
		{name: folder + "/alloy-okta.service", mode: 0o644, file: r.source("deploy/linux/alloy-okta.service")},
		{name: folder + "/alloy-okta.default", mode: 0o644, file: r.source("deploy/linux/alloy-okta.default")},
	}, r.documents(folder)...)
	config, err := r.configuration(folder)
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(r.out, folder+".tar.gz"))
	if err != nil {
		return err
	}
	defer file.Close()
	compressed := gzip.NewWriter(file)
	if err := writeTar(compressed, append(nodes, config...), r.time); err != nil {
		return err
	}
	if err := compressed.Close(); err != nil {
		return err
	}
	return file.Close()
}
