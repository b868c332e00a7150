package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"io"
	"path"
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// billOfMaterials writes the modules that are in a binary, as the binary itself says, and the Go version, as CycloneDX.
func (r release) billOfMaterials(p platform) error {
	info, err := buildinfo.ReadFile(r.binary(p))
	if err != nil {
		return err
	}
	const ours = "github.com/grafana/alloy/okta"
	main := module(ours, "v"+r.version, "")
	main.Type = cdx.ComponentTypeApplication
	components := []cdx.Component{module("std", info.GoVersion, "")}
	for _, dep := range info.Deps {
		at := cmp.Or(dep.Replace, dep)
		if folder, ok := strings.CutPrefix(at.Path, "./"); ok { // of tools/slim
			at = &debug.Module{Path: path.Join(ours, folder), Version: "v" + r.version}
		}
		components = append(components, module(at.Path, at.Version, at.Sum))
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = "" // it would be random
	bom.Metadata = &cdx.Metadata{Timestamp: r.time.Format("2006-01-02T15:04:05Z"), Component: &main}
	bom.Components = &components

	return r.create(r.name(p)+".cdx.json", func(w io.Writer) error {
		return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
	})
}

// module describes a Go module. sum is as in go.sum: h1: and the base64 of a SHA-256 over the hashes of its files.
func module(name, version, sum string) cdx.Component {
	purl := "pkg:golang/" + name + "@" + version
	c := cdx.Component{Type: cdx.ComponentTypeLibrary, BOMRef: purl, PackageURL: purl, Name: name, Version: version}
	if encoded, ok := strings.CutPrefix(sum, "h1:"); ok {
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(raw)}}
		}
	}
	return c
}
