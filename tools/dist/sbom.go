package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// billOfMaterials writes the modules that are in a binary, as the binary itself says, and the Go version, as CycloneDX.
func (r release) billOfMaterials(arch string) error {
	info, err := buildinfo.ReadFile(r.binary("linux", arch))
	if err != nil {
		return err
	}
	main := module("github.com/grafana/alloy/okta", "v"+r.version, "")
	main.Type = cdx.ComponentTypeApplication
	components := []cdx.Component{module("std", info.GoVersion, "")}
	for _, dep := range info.Deps {
		at := cmp.Or(dep.Replace, dep)
		components = append(components, module(at.Path, at.Version, at.Sum))
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = "" // it would be random
	bom.Metadata = &cdx.Metadata{Timestamp: r.time.Format("2006-01-02T15:04:05Z"), Component: &main}
	bom.Components = &components

	file, err := os.Create(filepath.Join(r.out, fmt.Sprintf("alloy-okta-%s-linux-%s.cdx.json", r.version, arch)))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return err
	}
	return file.Close()
}

// module describes a Go module. sum is as in go.sum: h1: and the base64 of a SHA-256 over the hashes of its files.
func module(path, version, sum string) cdx.Component {
	purl := "pkg:golang/" + path + "@" + version
	c := cdx.Component{Type: cdx.ComponentTypeLibrary, BOMRef: purl, PackageURL: purl, Name: path, Version: version}
	if encoded, ok := strings.CutPrefix(sum, "h1:"); ok {
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(raw)}}
		}
	}
	return c
}
