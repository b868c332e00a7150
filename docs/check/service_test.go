package check

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/printer"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// configurations are all that we ship, and each example of a page, by where they are.
func configurations(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	read := func(path string) string {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(content)
	}
	for _, folder := range []string{"../../syntax", "../../deploy"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if filepath.Ext(path) == ".alloy" {
				all[path] = read(path)
			}
			return err
		}))
	}
	charts, err := filepath.Glob("../../deploy/helm/*.yaml")
	require.NoError(t, err)
	for _, path := range charts {
		var values any
		require.NoError(t, yaml.Unmarshal([]byte(read(path)), &values))
		all[path] = embedded(values)
		require.NotEmpty(t, all[path], path)
	}
	pages, err := filepath.Glob("../*.md")
	require.NoError(t, err)
	for _, page := range append(pages, "../../README.md") {
		for _, m := range code.FindAllStringSubmatch(read(page), -1) {
			all[page+": "+strings.SplitN(m[1], "\n", 2)[0]] += m[1]
		}
	}
	return all
}

// embedded returns the texts in YAML that are configurations with our component.
func embedded(value any) (config string) {
	switch value := value.(type) {
	case string:
		if strings.Contains(value, "loki.source.okta ") {
			return value + "\n"
		}
	case map[string]any:
		for _, member := range value {
			config += embedded(member)
		}
	case []any:
		for _, member := range value {
			config += embedded(member)
		}
	}
	return config
}

var (
	toLoki = regexp.MustCompile(`loki\.(write|process)\.`)
	isOkta = regexp.MustCompile(`service_name\s*= "okta"`)
)

// TestWhatGoesToLokiIsTheServiceOkta: without the label, Loki takes job for it, and Logs Drilldown calls all orgs loki.source.okta.
func TestWhatGoesToLokiIsTheServiceOkta(t *testing.T) {
	sources := 0
	for where, text := range configurations(t) {
		if strings.Contains(text, "<LABEL>") {
			continue
		}
		file, err := parser.ParseFile(where, []byte(text))
		require.NoError(t, err, where)
		var look func(body ast.Body, defaults map[string]string)
		look = func(body ast.Body, defaults map[string]string) { // defaults are those of the arguments of the module around it
			defaults = maps.Clone(defaults)
			for _, statement := range body {
				if block, ok := statement.(*ast.BlockStmt); ok && block.GetBlockName() == "argument" {
					defaults["argument."+block.Label+".value"] = attributes(t, block)["default"]
				}
			}
			for _, statement := range body {
				block, ok := statement.(*ast.BlockStmt)
				if !ok {
					continue
				}
				look(block.Body, defaults)
				name := block.GetBlockName()
				if name != "loki.source.okta" && name != "loki.source.okta_event_hook" {
					continue
				}
				arguments := attributes(t, block)
				if toLoki.MatchString(arguments["forward_to"]) {
					labels := arguments["labels"]
					if value, ok := defaults[labels]; ok {
						labels = value
					}
					require.Regexp(t, isOkta, labels, where)
					sources++
				}
			}
		}
		look(file.Body, map[string]string{})
	}
	require.Greater(t, sources, 15)
}

// attributes are those of a block, as they are written.
func attributes(t *testing.T, block *ast.BlockStmt) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, statement := range block.Body {
		if attribute, ok := statement.(*ast.AttributeStmt); ok {
			var value bytes.Buffer
			require.NoError(t, printer.Fprint(&value, attribute.Value))
			all[attribute.Name.Name] = value.String()
		}
	}
	return all
}
