package distribution

import (
	"errors"
	"strings"

	"github.com/grafana/alloy/internal/component"
	"github.com/grafana/alloy/internal/component/common/loki"
	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/vm"
)

// ours begins the names of the components of this repository.
const ours = "loki.source.okta"

// someReceiver stands for a receiver that another component exports.
const someReceiver = "some_receiver"

// assumed are what unknown values are taken for where a component needs some value: statements, by the attribute's name. Whatever is
// unknown and not here is left out, as if its line were not written.
var assumed = func() map[string]ast.Stmt {
	file, err := parser.ParseFile("assumed", []byte(`
forward_to       = [`+someReceiver+`]
url              = "https://unknown.okta.com"
orgs             = []
api_token        = "000000000000000000000000000000000000000000"
client_id        = "unknown"
private_key_file = "unknown" // a key cannot be made up, and no file is opened
secrets          = ["00000000000000000000000000000000"] // of event hooks
selector         = "{job=\"unknown\"}"
proxy_url        = "http://unknown"
rate_limit_share = 1 // which a back-fill's must be below
`))
	if err != nil {
		panic(err)
	}
	statements := map[string]ast.Stmt{}
	for _, statement := range file.Body {
		statements[statement.(*ast.AttributeStmt).Name.Name] = statement
	}
	statements["private_key"] = statements["private_key_file"]
	return statements
}()

// whole are the blocks that are left out when one of their values is unknown: what one may be depends on the others, and nothing
// outside depends on them.
var whole = map[string]bool{
	"backfill": true, "clustering": true, "basic_auth": true, "authorization": true, "oauth2": true, "tls_config": true, "tls": true,
	"redact": true,
}

// checkOurs decodes each block of a component of this repository as run does, so that the component's own Validate runs, as far as
// its values are known. It opens no file.
func (e *expressions) checkOurs(registry component.Registry) {
	for _, node := range e.insideOut() {
		block, ok := node.(*ast.BlockStmt)
		if !ok || !strings.HasPrefix(block.GetBlockName(), ours) {
			continue
		}
		registration, err := registry.Get(block.GetBlockName())
		if err != nil {
			continue // which the validator says
		}
		if err := e.decode(block.Body, registration.CloneArguments()); err != nil {
			if diags, ok := errors.AsType[diag.Diagnostics](err); ok {
				e.diags.Merge(diags)
				continue
			}
			e.diags.Add(diag.Diagnostic{
				Severity: diag.SeverityLevelError,
				StartPos: block.NamePos.Position(),
				EndPos:   block.NamePos.Add(len(block.GetBlockName()) - 1).Position(),
				Message:  err.Error(),
			})
		}
	}
}

func (e *expressions) decode(body ast.Body, args any) error {
	unknown := map[string]bool{}
	known := e.substitute(body, unknown)
	scope := vm.NewScope(map[string]any{someReceiver: loki.NewLogsReceiver()})
	if err := vm.New(known).Evaluate(scope, args); err != nil {
		return err
	}
	if several, ok := args.(interface{ OrgErrors() error }); ok && !unknown["url"] {
		return several.OrgErrors() // which run reports, and goes on without these orgs
	}
	return nil
}

// substitute returns body without its unknown values, whose attributes it adds to unknown.
func (e *expressions) substitute(body ast.Body, unknown map[string]bool) (known ast.Body) {
	for _, statement := range body {
		switch s := statement.(type) {
		case *ast.BlockStmt:
			if whole[s.GetBlockName()] && !e.allKnown(s) {
				continue
			}
			inner := *s
			inner.Body = e.substitute(s.Body, unknown)
			known = append(known, &inner)
		case *ast.AttributeStmt:
			if e.known(s.Value) {
				known = append(known, s)
				continue
			}
			unknown[s.Name.Name] = true
			if stand, ok := assumed[s.Name.Name]; ok {
				known = append(known, stand)
			}
		}
	}
	return known
}

func (e *expressions) allKnown(block *ast.BlockStmt) bool {
	unknown := map[string]bool{}
	e.substitute(block.Body, unknown)
	return len(unknown) == 0
}
