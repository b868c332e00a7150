// Command generate writes what follows from the rules: files for Loki's ruler and for Grafana, the tables in docs/detections.md,
// docs/runbooks.md, docs/coverage.md, the lists of detections/drop, and what is in
// detections/sigma-rule-deployment.
//
//	go run ./detections/generate --grafana-url https://grafana.example
//
// has links lead to a Grafana of that URL. And
//
//	go run ./detections/generate --catalog event-types.json
//
// takes over a release of Okta's catalog of event types (data/event-types.json in okta/okta-developer-docs) first.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/alloy/okta/detections"
)

func main() {
	catalog := flag.String("catalog", "", "Okta's catalog of event types to take over: a file")
	root := flag.String("root", ".", "the root folder of the repository")
	links := detections.DefaultLinks
	flag.StringVar(&links.Grafana, "grafana-url", "", "Grafana's URL in links; by default what the engine knows")
	flag.StringVar(&links.Runbooks, "runbook-url", links.Runbooks, "the URL of the page of runbooks")
	flag.StringVar(&links.DataSource, "datasource-uid", "", "the UID of the Loki data source in Grafana")
	flag.StringVar(&links.Job, "job", links.Job, "the label job of the events, in links")
	flag.Parse()
	if err := generate(*root, *catalog, links); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate ends after it took over a catalog: the program holds the one that it was built with.
func generate(root, catalog string, links detections.Links) error {
	if catalog != "" {
		content, err := os.ReadFile(catalog)
		if err != nil {
			return err
		}
		file := filepath.Join(root, "detections", "event-types.txt")
		before, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		types, err := detections.Catalog(content, string(before))
		if err != nil {
			return err
		}
		return os.WriteFile(file, types, 0o644)
	}
	files, err := detections.Generate(root, links)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
