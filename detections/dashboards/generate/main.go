// Command generate writes all files of the dashboards.
//
//	go run ./detections/dashboards/generate [FOLDER]
//
// FOLDER is detections, the default, in this repository.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/alloy/okta/detections/dashboards"
)

func main() {
	flag.Parse()
	if err := write(cmp.Or(flag.Arg(0), "detections")); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	files, err := dashboards.All()
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
