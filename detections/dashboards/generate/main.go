// Command generate writes the dashboards into a folder.
//
//	go run ./detections/dashboards/generate [--line-format event] FOLDER
//
// For events stored with line_format = "event" they differ: --line-format event writes those.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/grafana/alloy/okta/detections/dashboards"
)

func main() {
	format := flag.String("line-format", string(dashboards.Envelope), "line_format of the events: envelope or event")
	flag.Parse()
	if err := write(dashboards.LineFormat(*format), flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(format dashboards.LineFormat, folder string) error {
	files, err := dashboards.Files(format)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
