package distribution

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

const alloyFormat = "alloy"

// convertible lists the other formats upstream reads, through converters that
// this build does not have (upstream internal/converter/converter.go).
var convertible = []string{"otelcol", "prometheus", "promtail", "static"}

// configFlags holds the --config flags of run and validate.
type configFlags struct {
	format string
}

func (f *configFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.format, "config.format", alloyFormat, "The format of the source file. This build supports: "+alloyFormat)
	fs.Bool("config.bypass-conversion-errors", false, "Accepted for compatibility: this build converts nothing")
	fs.String("config.extra-args", "", "Accepted for compatibility: this build converts nothing")
}

// check refuses the formats that need a converter, and those that do not exist.
func (f *configFlags) check() error {
	if f.format == alloyFormat {
		return nil
	}
	if !slices.Contains(convertible, f.format) {
		return fmt.Errorf("unknown --config.format %q: %s reads %q", f.format, Name, alloyFormat)
	}
	return fmt.Errorf("--config.format %q is not part of %s, which reads %q only: convert the file first with upstream Alloy (alloy convert "+
		"--source-format=%s --output=config.alloy FILE)",
		f.format, Name, alloyFormat, f.format)
}

// readSources reads the configuration at path, by file name: one file, or the *.alloy files at the top level of a directory, which form one
// configuration. Unlike upstream's loadSourceFiles (internal/alloycli/cmd_run.go) it follows a path that is a symbolic link to a directory,
// where upstream finds nothing.
func readSources(path string) (map[string][]byte, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	files := []string{path}
	if fi.IsDir() {
		if files, err = alloyFiles(path); err != nil {
			return nil, err
		}
	}
	sources := make(map[string][]byte, len(files))
	for _, file := range files {
		if sources[file], err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	return sources, nil
}

func alloyFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".alloy") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

// hashSources identifies a configuration in the alloy_config_hash metric: the hash of its files in the order of their names.
func hashSources(sources map[string][]byte) [sha256.Size]byte {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		h.Write(sources[name])
	}
	return [sha256.Size]byte(h.Sum(nil))
}
