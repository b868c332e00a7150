package main

import (
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
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

// billOfMaterials writes the modules that are in a binary, as CycloneDX.
func (r release) billOfMaterials(arch string) error {
	out, err := filepath.Abs(filepath.Join(r.out, fmt.Sprintf("alloy-okta-%s-linux-%s.cdx.json", r.version, arch)))
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "tool", "cyclonedx-gomod", "bin", "-json", "-std", "-noserial", "-notimestamp",
		"-version", "v"+r.version, "-output", out, r.binary("linux", arch))
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("writing the bill of materials: %w", err)
	}
	return nil
}
