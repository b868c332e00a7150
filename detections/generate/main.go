// Command generate writes what follows from the rules: files for Loki's ruler and for Grafana, the tables in docs/detections.md, and
// docs/coverage.md.
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
	flag.Parse()
	if err := generate(*root, *catalog); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate ends after it took over a catalog: the program holds the one that it was built with.
func generate(root, catalog string) error {
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
	files, err := detections.Generate(root)
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
