package components

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// upstreamRegistrations reads the names of all components of the Alloy version
// in go.mod out of its source: the packages that internal/component/all imports,
// and in each the names handed to component.Register.
func upstreamRegistrations(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/grafana/alloy").Output()
	require.NoError(t, err)
	module := strings.TrimSpace(string(out))

	all, err := parser.ParseFile(token.NewFileSet(), filepath.Join(module, "internal/component/all/all.go"), nil, parser.ImportsOnly)
	require.NoError(t, err)

	var names []string
	for _, spec := range all.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		dir := filepath.Join(module, strings.TrimPrefix(path, "github.com/grafana/alloy/"))
		registered := registrationsIn(t, dir)
		require.NotEmpty(t, registered, path)
		names = append(names, registered...)
	}
	slices.Sort(names)
	return slices.Compact(names) // a stub registers the name again
}

// registrationsIn reads the names that the package in dir registers.
func registrationsIn(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		constants := stringConstants(file)
		ast.Inspect(file, func(n ast.Node) bool {
			if name, ok := registeredName(n, constants); ok {
				names = append(names, name)
			}
			return true
		})
	}
	return names
}

// registeredName returns the Name of a component.Registration literal.
func registeredName(n ast.Node, constants map[string]string) (string, bool) {
	literal, ok := n.(*ast.CompositeLit)
	if !ok || !isSelector(literal.Type, "component", "Registration") {
		return "", false
	}
	for _, element := range literal.Elts {
		field, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := field.Key.(*ast.Ident); !ok || key.Name != "Name" {
			continue
		}
		switch value := field.Value.(type) {
		case *ast.BasicLit:
			name, err := strconv.Unquote(value.Value)
			return name, err == nil
		case *ast.Ident:
			name, ok := constants[value.Name]
			return name, ok
		}
	}
	return "", false
}

func isSelector(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg
}

func stringConstants(file *ast.File) map[string]string {
	constants := make(map[string]string)
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			values := spec.(*ast.ValueSpec)
			for i, name := range values.Names {
				if i >= len(values.Values) {
					continue
				}
				if literal, ok := values.Values[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
					constants[name.Name], _ = strconv.Unquote(literal.Value)
				}
			}
		}
	}
	return constants
}
