package distribution

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/printer"
	"github.com/grafana/alloy/syntax/token"
	"github.com/grafana/alloy/syntax/vm"
)

// rawFunctions are the functions that look at their arguments themselves (syntax/internal/stdlib, Alloy syntax v0.1.2), with the types
// that they take. Those of all others can be seen.
var rawFunctions = map[string]reflect.Type{
	"array.combine_maps": reflect.TypeFor[func([]any, []any, []any, ...bool)](),
	"array.concat":       reflect.TypeFor[func(...[]any)](),
	"array.group_by":     reflect.TypeFor[func([]any, string, bool)](),
	"coalesce":           reflect.TypeFor[func(...any)](),
	"concat":             reflect.TypeFor[func(...[]any)](),
}

// expressions evaluates what a configuration says without running it.
type expressions struct {
	files []*ast.File
	named map[string]bool // first names of components, which hide standard functions of that name
	bad   map[ast.Node]bool
	scope *vm.Scope
	diags diag.Diagnostics
}

// newExpressions returns the expressions of a configuration, whose files are parsed.
func newExpressions(files []*ast.File) *expressions {
	e := &expressions{files: files, named: map[string]bool{}, bad: map[ast.Node]bool{}, scope: vm.NewScope(map[string]any{})}
	for _, file := range files {
		e.name(file.Body)
	}
	return e
}

// name notes the components of body and of the modules in it.
func (e *expressions) name(body ast.Body) {
	for _, statement := range body {
		if block, ok := statement.(*ast.BlockStmt); ok {
			e.named[block.Name[0]] = true
			if slices.Contains([]string{"declare", "foreach", "template"}, block.GetBlockName()) {
				e.name(block.Body)
			}
		}
	}
}

// checkLiterals finds what no program can evaluate: Alloy's validator panics on a number that no float holds, and raises to a power in
// as many steps as the exponent has.
func (e *expressions) checkLiterals() {
	for _, node := range e.insideOut() {
		switch n := node.(type) {
		case *ast.LiteralExpr:
			if err := vm.New(n).Evaluate(e.scope, new(any)); err != nil {
				e.add(n, n.Value, err)
			}
		case *ast.BinaryExpr:
			const most = 1024 // 2 to this power is more than any number
			var exponent float64
			if n.Kind == token.POW && e.known(n.Right) && vm.New(n.Right).Evaluate(e.scope, &exponent) == nil && math.Abs(exponent) > most {
				e.add(n, text(n), fmt.Errorf("the exponent is %v: it must be between -%d and %d", exponent, most, most))
			}
		}
	}
}

// checkCalls finds calls of functions that do not exist, or with the wrong number or types of arguments, or that fail. An argument
// that is unknown is taken to be right.
func (e *expressions) checkCalls() {
	for _, node := range e.insideOut() {
		if call, ok := node.(*ast.CallExpr); ok && e.known(call.Value) {
			if err := e.call(call); err != nil {
				e.add(call, text(call.Value), err)
			}
		}
	}
}

func (e *expressions) call(call *ast.CallExpr) error {
	var function any
	if err := vm.New(call.Value).Evaluate(e.scope, &function); err != nil {
		return err
	}
	typ := reflect.TypeOf(function)
	if typ == nil || typ.Kind() != reflect.Func {
		return errors.New("it is not a function")
	}

	if typ.Name() == "RawFunction" {
		if typ = rawFunctions[text(call.Value)]; typ == nil { // by another spelling
			typ = reflect.TypeFor[func(...any)]()
		}
	}
	takes := typ.NumIn()
	switch n := len(call.Args); {
	case typ.IsVariadic() && n < takes-1:
		return fmt.Errorf("it takes at least %s, got %d", arguments(takes-1), n)
	case !typ.IsVariadic() && n != takes:
		return fmt.Errorf("it takes %s, got %d", arguments(takes), n)
	}

	allKnown := true
	for i, arg := range call.Args {
		if !e.known(arg) {
			allKnown = false
			continue
		}
		into := typ.In(min(i, takes-1))
		if typ.IsVariadic() && i >= takes-1 {
			into = into.Elem()
		}
		if err := vm.New(arg).Evaluate(e.scope, reflect.New(into).Interface()); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	if !allKnown {
		return nil
	}
	return vm.New(call).Evaluate(e.scope, new(any))
}

func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// add notes what is wrong with an expression, under the name that it has in the file.
func (e *expressions) add(node ast.Node, name string, err error) {
	e.bad[node] = true
	message := err.Error()
	if diags, ok := errors.AsType[diag.Diagnostics](err); ok && len(diags) > 0 {
		// Alloy's message is without the value, which may be a secret of the environment, and without the position, which is ours.
		message = strings.Replace(message, diags[0].Error(), strings.TrimPrefix(diags[0].Message, name+" "), 1)
	}
	e.diags.Add(diag.Diagnostic{
		Severity: diag.SeverityLevelError,
		StartPos: ast.StartPos(node).Position(),
		EndPos:   ast.EndPos(node).Position(),
		Message:  name + ": " + message,
	})
}

// sorted returns what is wrong in the order of the files.
func (e *expressions) sorted() diag.Diagnostics {
	slices.SortStableFunc(e.diags, func(a, b diag.Diagnostic) int {
		return cmp.Or(strings.Compare(a.StartPos.Filename, b.StartPos.Filename), cmp.Compare(a.StartPos.Offset, b.StartPos.Offset))
	})
	return e.diags
}

// known reports whether an expression can be evaluated here and gives what it gives when run: it refers to nothing that a component
// exports, an argument or an import brings, or the environment does not have.
func (e *expressions) known(expr ast.Expr) bool {
	for node := range nodes(expr) {
		switch n := node.(type) {
		case *ast.IdentifierExpr:
			if e.named[n.Ident.Name] || !e.scope.IsStdlibIdentifiers(n.Ident.Name) {
				return false
			}
		case *ast.CallExpr:
			if e.unset(n) {
				return false
			}
		}
		if e.bad[node] {
			return false
		}
	}
	return true
}

// unset reports whether a call is for an environment variable that is not set here. It may be set for run, as one that is set is.
func (e *expressions) unset(call *ast.CallExpr) bool {
	var function any
	if vm.New(call.Value).Evaluate(e.scope, &function) != nil {
		return false
	}
	f := reflect.ValueOf(function)
	if f.Kind() != reflect.Func || f.Pointer() != reflect.ValueOf(os.Getenv).Pointer() || len(call.Args) != 1 {
		return false
	}
	var variable string
	return vm.New(call.Args[0]).Evaluate(e.scope, &variable) == nil && os.Getenv(variable) == ""
}

// text is an expression as it stands in a file, in Alloy's formatting.
func text(expr ast.Expr) string {
	var b strings.Builder
	_ = printer.Fprint(&b, expr) // a Builder takes all
	return b.String()
}

// insideOut returns all nodes, each after what it consists of, and the last ones first.
func (e *expressions) insideOut() (all []ast.Node) {
	for _, file := range e.files {
		all = slices.AppendSeq(all, nodes(file))
	}
	slices.Reverse(all)
	return all
}

// nodes yields a node of a parsed file and all inside of it, each before what it consists of.
func nodes(of ast.Node) func(yield func(ast.Node) bool) {
	return func(yield func(ast.Node) bool) {
		v := visitor{yield: yield}
		ast.Walk(&v, of)
	}
}

type visitor struct {
	yield func(ast.Node) bool
	done  bool
}

// Visit implements ast.Visitor.
func (v *visitor) Visit(node ast.Node) ast.Visitor {
	if v.done || node == nil {
		return nil
	}
	if v.done = !v.yield(node); v.done {
		return nil
	}
	return v
}
