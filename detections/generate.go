package detections

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/grafana/alloy/okta/internal/event"
)

// Generate returns the content of every generated file, by path, of a tree whose root folder is given.
func Generate(root string, links Links) (map[string][]byte, error) {
	folder := filepath.Join(root, "detections")
	rules, err := Rules(os.DirFS(filepath.Join(folder, "rules")))
	if err != nil {
		return nil, err
	}
	sigma, err := SigmaRules(os.DirFS(filepath.Join(folder, "sigma", "rules")))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for lineFormat, suffix := range map[string]string{event.FormatEnvelope: "", event.FormatEvent: "-event"} {
		if files[filepath.Join(folder, "ruler"+suffix+".yaml")], err = Ruler(rules, sigma, lineFormat, links); err != nil {
			return nil, err
		}
		if files[filepath.Join(folder, "grafana", "alerts"+suffix+".yaml")], err = Grafana(rules, sigma, lineFormat, links); err != nil {
			return nil, err
		}
	}
	page := filepath.Join(root, "docs", "detections.md")
	content, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	text, err := put(string(content), "rules", Table(rules))
	if err == nil {
		text, err = put(text, "attacks", Attacks(rules))
	}
	if err == nil {
		text, err = put(text, "administrators", AdministratorsTable(rules))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", page, err)
	}
	files[page] = []byte(text)
	if files[filepath.Join(root, "docs", "runbooks.md")], err = Runbooks(rules, sigma); err != nil {
		return nil, err
	}
	coverage, err := coverageOf(folder, rules, sigma)
	if err != nil {
		return nil, err
	}
	files[filepath.Join(root, "docs", "coverage.md")] = []byte(coverage.Page())
	drops, err := coverage.Drops(slices.Concat(rules, sigma))
	if err != nil {
		return nil, err
	}
	deployments, err := Deployments(rules, sigma, links)
	if err != nil {
		return nil, err
	}
	for below, all := range map[string]map[string][]byte{"drop": drops, "sigma-rule-deployment": deployments} {
		for name, content := range all {
			files[filepath.Join(folder, below, name)] = content
		}
	}
	return files, nil
}

func coverageOf(folder string, rules, sigma []Rule) (*Coverage, error) {
	reasons, err := os.ReadFile(filepath.Join(folder, "not-covered.yaml"))
	if err != nil {
		return nil, err
	}
	return cover(eventTypes, rules, sigma, os.DirFS(filepath.Join(folder, "dashboards")), reasons)
}
