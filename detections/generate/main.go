// Command generate writes what follows from the rules: files for Loki's ruler and for Grafana, and the table in docs/detections.md.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/alloy/okta/detections"
)

func main() {
	files, err := detections.Generate("..")
	if err == nil {
		for name, content := range files {
			if err = os.WriteFile(name, content, 0o644); err != nil {
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
