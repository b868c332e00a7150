package distribution

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/ckit/advertise"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/internal/featuregate"
	"github.com/grafana/alloy/internal/util/windowspriority"
)

// upstreamFlags reads the flags of upstream's commands out of the source of the
// Alloy version in go.mod, which cannot be imported because it imports every
// component. What it does not understand fails the test: then upstream changed
// how it declares flags, and this reader has to follow.
func upstreamFlags(t *testing.T, windows bool) map[string]*pflag.FlagSet {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/grafana/alloy").Output()
	require.NoError(t, err)
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal/alloycli")

	commands := make(map[string]*pflag.FlagSet)
	for _, name := range []string{"fmt", "run", "validate"} {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "cmd_"+name+".go"), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		r := flagReader{t: t, windows: windows, flags: pflag.NewFlagSet(name, pflag.ContinueOnError), initial: make(map[string]ast.Expr)}
		ast.Inspect(file, r.readInitial)
		ast.Inspect(file, r.readFlag)
		require.True(t, r.flags.HasFlags(), name)
		commands[name] = r.flags
	}
	return commands
}

// flagReader reads the flags that one file declares.
type flagReader struct {
	t       *testing.T
	windows bool
	initial map[string]ast.Expr // the command's fields before flags are parsed
	flags   *pflag.FlagSet
}

// readInitial reads literals such as &alloyRun{storagePath: "data-alloy/"}.
func (r *flagReader) readInitial(n ast.Node) bool {
	literal, ok := n.(*ast.CompositeLit)
	if !ok {
		return true
	}
	if name, ok := literal.Type.(*ast.Ident); !ok || !strings.HasPrefix(name.Name, "alloy") {
		return true
	}
	for _, element := range literal.Elts {
		field := element.(*ast.KeyValueExpr)
		r.initial[field.Key.(*ast.Ident).Name] = field.Value
	}
	return true
}

// readFlag reads calls such as cmd.Flags().StringVar(&r.storagePath,
// "storage.path", r.storagePath, "...") and deprecateFlagByName(cmd, "...").
func (r *flagReader) readFlag(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IfStmt:
		return r.windows || !isWindowsOnly(n)
	case *ast.CallExpr:
		switch fun := n.Fun.(type) {
		case *ast.SelectorExpr:
			if isFlagSet(fun.X) && strings.Contains(fun.Sel.Name, "Var") {
				r.declare(fun.Sel.Name, n.Args)
			}
		case *ast.Ident:
			if fun.Name == "deprecateFlagByName" {
				name := r.value(n.Args[1]).(string)
				r.flags.Bool(name, false, "")
				require.NoError(r.t, r.flags.MarkDeprecated(name, "deprecated"))
			}
		}
	}
	return true
}

func (r *flagReader) declare(method string, args []ast.Expr) {
	target := r.value(args[0])
	name := r.value(args[1]).(string)
	method, short := strings.CutSuffix(method, "P")
	shorthand := ""
	if short {
		shorthand = r.value(args[2]).(string)
		args = args[1:]
	}
	initial := any(nil)
	if method == "Var" {
		initial = target
	} else {
		initial = r.value(args[2])
	}

	switch method {
	case "StringVar":
		r.flags.StringP(name, shorthand, orZero[string](initial), "")
	case "BoolVar":
		r.flags.BoolP(name, shorthand, orZero[bool](initial), "")
	case "IntVar":
		r.flags.IntP(name, shorthand, orZero[int](initial), "")
	case "DurationVar":
		if initial == 0 {
			initial = time.Duration(0)
		}
		r.flags.DurationP(name, shorthand, orZero[time.Duration](initial), "")
	case "StringSliceVar":
		r.flags.StringSliceP(name, shorthand, orZero[[]string](initial), "")
	case "Var":
		level := initial.(featuregate.Stability)
		r.flags.VarP(&level, name, shorthand, "")
	default:
		require.Fail(r.t, "unknown kind of flag", "%s for %s", method, name)
	}
}

// named holds what upstream's defaults refer to in other packages.
var named = map[string]any{
	"advertise.DefaultInterfaces":             advertise.DefaultInterfaces,
	"featuregate.StabilityGenerallyAvailable": featuregate.StabilityGenerallyAvailable,
	"time.Minute":                    time.Minute,
	"time.Second":                    time.Second,
	"windowspriority.PriorityNormal": windowspriority.PriorityNormal,
}

// value evaluates the default of a flag; nil is the zero value of a field.
func (r *flagReader) value(e ast.Expr) any {
	switch e := e.(type) {
	case *ast.UnaryExpr: // &r.field
		return r.value(e.X)
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			require.NoError(r.t, err)
			return s
		}
		n, err := strconv.Atoi(e.Value)
		require.NoError(r.t, err)
		return n
	case *ast.Ident:
		b, err := strconv.ParseBool(e.Name)
		require.NoError(r.t, err)
		return b
	case *ast.BinaryExpr: // 60 * time.Second
		require.Equal(r.t, token.MUL, e.Op)
		return time.Duration(r.value(e.X).(int)) * r.value(e.Y).(time.Duration)
	case *ast.SelectorExpr:
		x := e.X.(*ast.Ident).Name
		if len(x) > 1 {
			require.Contains(r.t, named, x+"."+e.Sel.Name)
			return named[x+"."+e.Sel.Name]
		}
		if initial, ok := r.initial[e.Sel.Name]; ok {
			return r.value(initial)
		}
		return nil
	default:
		require.Fail(r.t, "unknown expression", fmt.Sprintf("%T", e))
		return nil
	}
}

func orZero[T any](v any) T {
	if v == nil {
		var zero T
		return zero
	}
	return v.(T)
}

func isFlags(call *ast.CallExpr) bool {
	s, ok := call.Fun.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Flags"
}

func isWindowsOnly(n *ast.IfStmt) bool {
	cond, ok := n.Cond.(*ast.BinaryExpr)
	if !ok {
		return false
	}
	y, ok := cond.Y.(*ast.BasicLit)
	return ok && y.Value == `"windows"`
}

func isFlagSet(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CallExpr:
		return isFlags(e)
	case *ast.Ident:
		return e.Name == "fset"
	}
	return false
}
