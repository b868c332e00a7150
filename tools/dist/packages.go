package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// packages writes alloy-okta_1.2.3_amd64.deb and alloy-okta-1.2.3-1.x86_64.rpm.
func (r release) packages(p platform) error {
	for _, format := range []string{"deb", "rpm"} {
		info, err := r.packageInfo(p, format)
		if err != nil {
			return err
		}
		packager, err := nfpm.Get(format)
		if err != nil {
			return err
		}
		file, err := os.Create(filepath.Join(r.out, packager.ConventionalFileName(info)))
		if err != nil {
			return err
		}
		if err := packager.Package(info, file); err != nil {
			return fmt.Errorf("writing the %s: %w", format, err)
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (r release) packageInfo(p platform, format string) (*nfpm.Info, error) {
	const etc, doc = "etc/alloy-okta", "usr/share/doc/alloy-okta"
	config, err := r.configuration(etc)
	if err != nil {
		return nil, err
	}
	depends := map[string][]string{"deb": {"passwd"}, "rpm": {"shadow-utils"}}[format]
	contents := files.Contents{
		r.content(node{name: "usr/bin/alloy-okta", mode: 0o755, file: r.binary(p)}, ""),
		r.content(node{name: "usr/lib/systemd/system/alloy-okta.service", mode: 0o644, file: r.source("deploy/linux/alloy-okta.service")}, ""),
		r.content(node{name: "etc/default/alloy-okta", mode: 0o600, file: r.source("deploy/linux/alloy-okta.default")}, files.TypeConfigNoReplace),
		r.content(node{name: etc + "/tenants-credentials.yml", mode: 0o640, file: r.source("deploy/config/tenants-credentials.yml")}, files.TypeConfigNoReplace),
	}
	for _, n := range config {
		contents = append(contents, r.content(n, files.TypeConfigNoReplace))
	}
	for _, n := range r.documents(doc) {
		contents = append(contents, r.content(n, ""))
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name:        "alloy-okta",
		Arch:        p.arch,
		Platform:    "linux",
		Version:     r.version,
		Section:     "net",
		Priority:    "optional",
		Maintainer:  "alloy-okta developers <alloy-okta@localhost>",
		Description: "Grafana Alloy with loki.source.okta\n The System Log of Okta orgs, exactly once in Grafana Loki. Not a Grafana product.",
		License:     "Apache-2.0 AND AGPL-3.0-only",
		MTime:       r.time,
		Overridables: nfpm.Overridables{
			Depends:    depends,
			Recommends: nil,
			Contents:   contents,
			Scripts: nfpm.Scripts{
				PostInstall: r.source("deploy/linux/postinstall.sh"),
				PreRemove:   r.source("deploy/linux/preremove.sh"),
				PostRemove:  r.source("deploy/linux/postremove.sh"),
			},
			RPM: nfpm.RPM{BuildHost: "localhost"},
		},
	})
	return info, nfpm.PrepareForPackager(info, format)
}

func (r release) content(n node, kind string) *files.Content {
	return &files.Content{
		Source: n.file, Destination: "/" + n.name, Type: kind,
		FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: os.FileMode(n.mode), MTime: r.time},
	}
}
