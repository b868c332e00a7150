package distribution

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/vm"
)

// wrongIn returns what is wrong with an expression, at its place in a file.
func wrongIn(t *testing.T, expression string) string {
	t.Helper()
	file, err := parser.ParseFile("c.alloy", []byte("any.component \"c\" {\n\tvalue = "+expression+"\n}\n"))
	require.NoError(t, err)
	e := newExpressions([]*ast.File{file})
	if e.checkLiterals(); len(e.diags) == 0 {
		e.checkCalls()
	}
	if len(e.diags) == 0 {
		return ""
	}
	return e.sorted().AllMessages()
}

func TestWrongCallsAreNamedWithTheirPlace(t *testing.T) {
	t.Setenv("IS_SET", "{x")
	for expression, want := range map[string]string{
		// the number of arguments
		`sys.env()`:                              `2:10: sys.env: it takes 1 argument, got 0`,
		`sys.env("A", "B")`:                      `2:10: sys.env: it takes 1 argument, got 2`,
		`env()`:                                  `2:10: env: it takes 1 argument, got 0`,
		`(sys.env)("A", 1)`:                      `2:10: (sys.env): it takes 1 argument, got 2`,
		`sys["env"]()`:                           `2:10: sys["env"]: it takes 1 argument, got 0`,
		`string.format()`:                        `2:10: string.format: it takes at least 1 argument, got 0`,
		`array.group_by([])`:                     `2:10: array.group_by: it takes 3 arguments, got 1`,
		`array.combine_maps([], [])`:             `2:10: array.combine_maps: it takes at least 3 arguments, got 2`,
		`array.combine_maps([],[],["a"],true,1)`: `2:10: array.combine_maps: argument 5: 1 should be bool, got number`,
		// also of values that are not known here
		`string.join(local.file.f.content)`:                    `2:10: string.join: it takes 2 arguments, got 1`,
		`encoding.from_yaml(local.file.f.content, 2)["a"]`:     `2:10: encoding.from_yaml: it takes 1 argument, got 2`,
		`string.join(sys.env("NOT_SET_HERE"), sys.env())`:      `2:47: sys.env: it takes 1 argument, got 0`,
		`array.concat(local.file.f.content, 3)`:                `2:10: array.concat: argument 2: 3 should be array, got number`,
		`array.group_by(argument.targets.value, [], true)`:     `2:10: array.group_by: argument 2: [] should be string, got array`,
		`sys.env(string.format("%s", module_path, nothing()))`: ``,
		// their types
		`sys.env(["a"])`:                 `2:10: sys.env: argument 1: ["a"] should be string, got array`,
		`string.join("a", ",")`:          `2:10: string.join: argument 1: "a" should be array, got string`,
		`string.join(["a", {}], ",")`:    `2:10: string.join: argument 1: {} should be string, got object`,
		`array.concat(["a"], "b")`:       `2:10: array.concat: argument 2: "b" should be array, got string`,
		`array.group_by([1], "a", true)`: `2:10: array.group_by: 1 should be object, got number`,
		`concat(true)`:                   `2:10: concat: argument 1: true should be array, got bool`,
		// what is no function
		`sys.nope("A")`:       `2:10: sys.nope: field "nope" does not exist`,
		`sys("A")`:            `2:10: sys: it is not a function`,
		`constants.os()`:      `2:10: constants.os: it is not a function`,
		`"a"()`:               `2:10: "a": it is not a function`,
		`sys.env("A")()`:      ``, // not known here
		`sys.env("IS_SET")()`: `2:10: sys.env("IS_SET"): it is not a function`,
		`[1][3]()`:            `2:10: [1][3]: 3 index 3 is out of range of array with length 1`,
		// values that they cannot take
		`encoding.from_json("{")`:               `2:10: encoding.from_json: unexpected end of JSON input`,
		`encoding.from_json(sys.env("IS_SET"))`: `2:10: encoding.from_json: invalid character 'x' looking for beginning of object key string`,
		`encoding.from_base64("!!")`:            `2:10: encoding.from_base64: illegal base64 data at input byte 0`,
		`encoding.to_json(3)`:                   `2:10: encoding.to_json: jsonEncode only supports map`,
		// several, inner ones
		`[sys.env(), {a = sys.env(1, 2)}]`:   `2:11: sys.env: it takes 1 argument, got 0; c.alloy:2:27: sys.env: it takes 1 argument, got 2`,
		`string.to_upper(string.to_lower())`: `2:26: string.to_lower: it takes 1 argument, got 0`,
		// what is right
		`sys.env("NOT_SET_HERE")`:                       ``,
		`sys["env"]("NOT_SET_HERE")`:                    ``,
		`encoding.from_json(sys.env("NOT_SET_HERE"))`:   ``,
		`encoding.from_json((sys.env)("NOT_SET_HERE"))`: ``,
		`string.format("%s-%d", sys.env("IS_SET"), 3)`:  ``,
		`coalesce()`:               ``,
		`file.path_join("a", "b")`: ``,
		`any.component.c.value(1)`: ``, // an export, whatever that is
		`any()`:                    ``,
	} {
		if want != "" {
			want = "c.alloy:" + want
		}
		require.Equal(t, want, wrongIn(t, expression), expression)
	}
}

func TestWhatNoProgramCanEvaluateIsNamed(t *testing.T) {
	for expression, want := range map[string]string{
		`1e999`:                         `2:10: 1e999: strconv.ParseFloat: parsing "1e999": value out of range`,
		`2 ^ 99999999999999`:            `2:10: 2 ^ 99999999999999: the exponent is 9.9999999999999e+13: it must be between -1024 and 1024`,
		`2 ^ (2 ^ 99999999999)`:         `2:15: 2 ^ 99999999999: the exponent is 9.9999999999e+10: it must be between -1024 and 1024`,
		`2 ^ encoding.from_json("1e9")`: `2:10: 2 ^ encoding.from_json("1e9"): the exponent is 1e+09: it must be between -1024 and 1024`,
		`2 ^ 10`:                        ``,
		`2 ^ any.component.c`:           ``,
	} {
		if want != "" {
			want = "c.alloy:" + want
		}
		require.Equal(t, want, wrongIn(t, expression), expression)
	}
}

func TestAComponentHidesTheFunctionsOfItsName(t *testing.T) {
	file, err := parser.ParseFile("c.alloy", []byte("declare \"sys\" { }\nsys \"x\" { }\nloki.echo \"e\" { value = sys.x.y() }\n"))
	require.NoError(t, err)
	e := newExpressions([]*ast.File{file})
	e.checkCalls()
	require.Empty(t, e.diags)
}

// TestEveryStandardFunctionIsChecked reads the functions out of Alloy's source, as nothing lists them.
func TestEveryStandardFunctionIsChecked(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/grafana/alloy/syntax").Output()
	require.NoError(t, err)
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "internal/stdlib/stdlib.go"))
	require.NoError(t, err)

	scope, raw, found := vm.NewScope(nil), map[string]bool{}, map[string]bool{}
	for _, name := range regexp.MustCompile(`(?m)^\t"([a-zA-Z0-9_]+)":`).FindAllStringSubmatch(string(source), -1) {
		for _, space := range []string{"", "sys.", "convert.", "array.", "encoding.", "string.", "file."} {
			full := space + name[1]
			expr, err := parser.ParseExpression(full)
			require.NoError(t, err)
			var function any
			if vm.New(expr).Evaluate(scope, &function) != nil || !isFunction(function) {
				continue
			}
			found[full] = true
			if isRaw(function) {
				raw[full] = true
				require.Contains(t, rawFunctions, full, "add what types it takes")
			}
			switch full {
			case "coalesce": // takes all
			case "array.concat", "concat", "file.path_join":
				require.Contains(t, wrongIn(t, full+"({})"), "c.alloy:2:10: "+full+": argument 1: {} should be ", full)
			default:
				require.Contains(t, wrongIn(t, full+"()"), "c.alloy:2:10: "+full+": it takes ", full)
				require.NotEmpty(t, wrongIn(t, full+"({}, {}, {}, {}, {})"), full)
			}
		}
	}
	require.Len(t, raw, len(rawFunctions))
	require.Greater(t, len(found), 40, found)
}

func isFunction(v any) bool { return v != nil && reflect.TypeOf(v).Kind() == reflect.Func }

func isRaw(v any) bool { return reflect.TypeOf(v).Name() == "RawFunction" }
