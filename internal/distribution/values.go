package distribution

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/internal/runtime/logging"
	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/token"
	"github.com/grafana/alloy/syntax/vm"
)

// ours begins the names of the components of this repository. They are checked although some of their values are unknown.
const ours = "loki.source.okta"

// assumed are what unknown values of ours are taken for, by the attribute's name: values that no check refuses. An unknown value
// that is not here is left out, as if its line were not written.
var assumed = map[string]string{
	"url":       "https://unknown.okta.com",
	"api_token": strings.Repeat("0", 42),
	"client_id": "unknown",
	"key":       strings.Repeat("0", 32),
	"password":  "unknown",
}

// someReceiver stands for a receiver that a module exports. No configuration can spell it.
const someReceiver = "some receiver"

// renamed are the attributes that stand for an unknown one: a private key cannot be made up, a file of it is not opened.
var renamed = map[string]string{"private_key": "private_key_file"}

// valueChecker finds what upstream's validator does not look at, which are the values: it decodes each block whose values are
// known, as run does, so that the block's own Validate runs.
type valueChecker struct {
	registry component.Registry
	diags    diag.Diagnostics
}

// checkValues checks the blocks of a configuration that upstream's validator accepts. It reads nothing but the environment.
func checkValues(sources map[string][]byte, registry component.Registry) error {
	c := &valueChecker{registry: registry}
	var all ast.Body // files form one configuration, so that a component of one is known in the other
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		file, err := parser.ParseFile(name, sources[name])
		if err != nil {
			return err
		}
		all = append(all, file.Body...)
	}
	c.body(all, nil)
	if len(c.diags) > 0 {
		return c.diags
	}
	return nil
}

// body checks the blocks of a configuration, or of a declare or foreach in it; outer is what it can refer to outside.
func (c *valueChecker) body(body ast.Body, outer map[string]any) {
	known := c.exports(body, outer)
	for _, block := range blocks(body) {
		switch name := block.GetBlockName(); name {
		case "declare":
			c.body(block.Body, nil)
		case "foreach":
			for _, inner := range blocks(block.Body) {
				c.body(inner.Body, known)
			}
		default:
			if args := c.arguments(name); args != nil {
				c.block(block, args, vm.NewScope(known))
			}
		}
	}
}

func blocks(body ast.Body) (all []*ast.BlockStmt) {
	for _, statement := range body {
		if block, ok := statement.(*ast.BlockStmt); ok {
			all = append(all, block)
		}
	}
	return all
}

// arguments returns a pointer to the arguments of the component or block called name, nil when nothing is known of them.
func (c *valueChecker) arguments(name string) any {
	if name == "logging" {
		return &logging.Options{}
	}
	for _, s := range serviceDefinitions() {
		if s.Name == name && s.ConfigType != nil {
			return reflect.New(reflect.TypeOf(s.ConfigType)).Interface()
		}
	}
	if reg, err := c.registry.Get(name); err == nil && reg.Args != nil {
		return reg.CloneArguments()
	}
	return nil
}

func (c *valueChecker) block(block *ast.BlockStmt, args any, scope *vm.Scope) {
	isOurs := strings.HasPrefix(block.GetBlockName(), ours)
	body, unknown := substitute(block.Body, scope)
	if len(unknown) > 0 && !isOurs {
		return
	}
	err := vm.New(body).Evaluate(scope, args)
	if several, ok := args.(interface{ OrgErrors() error }); ok && err == nil && !slices.Contains(unknown, "url") {
		err = several.OrgErrors() // which run reports, and goes on without these orgs
	}
	if err == nil || slices.ContainsFunc(unknown, func(name string) bool {
		return strings.Contains(err.Error(), fmt.Sprintf("missing required attribute %q", name))
	}) {
		return
	}
	if diags, ok := errors.AsType[diag.Diagnostics](err); ok {
		c.diags.Merge(diags)
		return
	}
	name := block.GetBlockName()
	c.diags.Add(diag.Diagnostic{
		Severity: diag.SeverityLevelError,
		StartPos: block.NamePos.Position(),
		EndPos:   block.NamePos.Add(len(name) - 1).Position(),
		Message:  err.Error(),
	})
}

// exports returns what expressions in a configuration can refer to and whose value does not matter: the receivers of its
// components. A component's other exports are unknown.
func (c *valueChecker) exports(body ast.Body, outer map[string]any) map[string]any {
	tree := map[string]any{someReceiver: loki.NewLogsReceiver()}
	maps.Copy(tree, outer)
	for _, block := range blocks(body) {
		reg, err := c.registry.Get(block.GetBlockName())
		if err != nil || reg.Exports == nil {
			continue
		}
		at := tree
		for _, name := range block.Name {
			next, _ := at[name].(map[string]any)
			if next = maps.Clone(next); next == nil { // a clone, since outer's stays as it is
				next = map[string]any{}
			}
			at[name], at = next, next
		}
		fields := exported{}
		for i, typ := 0, reflect.TypeOf(reg.Exports); i < typ.NumField(); i++ {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("alloy"), ",")
			fields[name] = struct{}{}
			if typ.Field(i).Type == reflect.TypeFor[loki.LogsReceiver]() {
				fields[name] = loki.NewLogsReceiver()
			}
		}
		at[block.Label] = fields
	}
	return tree
}

// exported are the exports of one component by name: a receiver, or something whose value is unknown.
type exported map[string]any

// substitute returns body without its unknown values, and the names of the attributes that have one.
func substitute(body ast.Body, scope *vm.Scope) (known ast.Body, unknown []string) {
	for _, statement := range body {
		switch s := statement.(type) {
		case *ast.BlockStmt:
			inner := *s
			var names []string
			inner.Body, names = substitute(s.Body, scope)
			known, unknown = append(known, &inner), append(unknown, names...)
		case *ast.AttributeStmt:
			if isKnown(s.Value, scope) {
				known = append(known, s)
				continue
			}
			name := s.Name.Name
			unknown = append(unknown, name)
			stand := *s
			switch value, to := assumed[name], renamed[name]; {
			case name == "forward_to":
				stand.Value = &ast.ArrayExpr{Elements: []ast.Expr{&ast.IdentifierExpr{Ident: &ast.Ident{Name: someReceiver}}}}
			case name == "orgs":
				stand.Value = &ast.ArrayExpr{}
			case name == "secrets": // of event hooks
				stand.Value = &ast.ArrayExpr{Elements: []ast.Expr{text(strings.Repeat("0", 32))}}
			case to != "":
				stand.Name = &ast.Ident{Name: to, NamePos: s.Name.NamePos}
				stand.Value = text("unknown")
			case value != "":
				stand.Value = text(value)
			default:
				continue
			}
			known = append(known, &stand)
		}
	}
	return known, unknown
}

func text(value string) ast.Expr {
	return &ast.LiteralExpr{Kind: token.STRING, Value: fmt.Sprintf("%q", value)}
}

// isKnown tells whether an expression can be evaluated here and gives what it gives when run.
func isKnown(expr ast.Expr, scope *vm.Scope) bool {
	v := knownVisitor{scope: scope, known: true}
	ast.Walk(&v, expr)
	return v.known
}

type knownVisitor struct {
	scope *vm.Scope
	known bool
}

// Visit implements ast.Visitor.
func (v *knownVisitor) Visit(node ast.Node) ast.Visitor {
	switch n := node.(type) {
	case *ast.IdentifierExpr, *ast.AccessExpr:
		if path := pathOf(n); path != nil {
			v.known = v.known && v.resolves(path)
			return nil
		}
	case *ast.CallExpr:
		// A variable that is set is what run will see, too. One that is not may be set for run.
		if name := strings.Join(pathOf(n.Value), "."); name == "sys.env" || name == "env" {
			var variable string
			err := vm.New(n.Args[0]).Evaluate(v.scope, &variable)
			v.known = v.known && err == nil && os.Getenv(variable) != ""
			return nil
		}
	}
	return v
}

// pathOf returns the names of a.b.c, nil for anything else.
func pathOf(node ast.Node) []string {
	switch n := node.(type) {
	case *ast.IdentifierExpr:
		return []string{n.Ident.Name}
	case *ast.AccessExpr:
		if path := pathOf(n.Value); path != nil {
			return append(path, n.Name.Name)
		}
	}
	return nil
}

// resolves tells whether a path leads to a receiver or into the standard library, or names an export that its component does not
// have, which is for the evaluation to say.
func (v *knownVisitor) resolves(path []string) bool {
	at, ok := v.scope.Variables[path[0]]
	if !ok {
		return v.scope.IsStdlibIdentifiers(path[0])
	}
	for _, name := range path[1:] {
		switch inside := at.(type) {
		case exported:
			if at, ok = inside[name]; !ok {
				return true
			}
		case map[string]any:
			if at, ok = inside[name]; !ok {
				return false
			}
		}
	}
	_, ok = at.(loki.LogsReceiver)
	return ok
}
