// option: orgs

package okta

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/grafana/alloy/syntax/alloytypes"
	"github.com/grafana/alloy/syntax/ast"
	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/vm"
)

// Orgs are the entries of a list, which is written as an Alloy list or is the text of a file; see [ReadOrgs]. It is a capsule, so that
// both may be given for one argument, and a secret text as well.
type Orgs []ListedOrg

// AlloyCapsule marks Orgs as a capsule of the Alloy syntax.
func (Orgs) AlloyCapsule() {}

// String is what the UI shows.
func (o Orgs) String() string {
	names := make([]string, len(o))
	for i, l := range o {
		names[i] = l.String()
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// ConvertFrom implements syntax.ConvertibleFromCapsule.
func (o *Orgs) ConvertFrom(src any) (err error) {
	switch src := src.(type) {
	case string:
		*o, err = ReadOrgs(src)
	case alloytypes.Secret:
		*o, err = ReadOrgs(string(src))
	case alloytypes.OptionalSecret:
		*o, err = ReadOrgs(src.Value)
	default:
		list := []ListedOrg{}
		if err := decode(src, &list); err != nil {
			return fmt.Errorf("the list of orgs %w", decodeError(err))
		}
		*o = list
	}
	return err
}

// listMember holds the list in a file: Logz.io's shipper calls it so.
const listMember = "tenants_credentials"

// ReadOrgs reads a list of orgs from the text of a YAML or JSON file. The list is the whole text, or its member tenants_credentials. It is
// empty when the text is, or the member. A fault in an entry costs only that entry; an error concerns the text as a whole, and shows
// nothing that may be a token.
func ReadOrgs(text string) (Orgs, error) {
	var found *yaml.Node
	for decoder := yaml.NewDecoder(strings.NewReader(text)); ; {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return orgsOf(found)
		case err != nil:
			return nil, fmt.Errorf("the list of orgs is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		root := document.Content[0]
		if isNothing(root) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("the list of orgs has several YAML documents, of which the second begins in line %d: "+
				"write one list, without a line --- between entries", root.Line)
		}
		found = root
	}
}

// orgsOf reads the list from the root of a document; nil: there is none.
func orgsOf(root *yaml.Node) (Orgs, error) {
	if root == nil {
		return Orgs{}, nil
	}
	list := root
	if root.Kind == yaml.MappingNode {
		list = nil
		for i := 0; i+1 < len(root.Content); i += 2 {
			switch key := root.Content[i]; {
			case key.Value != listMember:
			case list != nil:
				return nil, fmt.Errorf("%s is there twice, the second time in line %d: put all orgs into one list", listMember, key.Line)
			default:
				list = root.Content[i+1]
			}
		}
		if list == nil {
			return nil, fmt.Errorf("the file has no member %s, which holds the list of orgs", listMember)
		}
	}
	if list = target(list); isNothing(list) {
		return Orgs{}, nil
	}
	if list.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("line %d has no list of orgs: it is a member %s, with an entry that begins with - for each org",
			list.Line, listMember)
	}
	orgs := Orgs{}
	for _, node := range list.Content {
		orgs = append(orgs, listedOf(target(node)))
	}
	return orgs, nil
}

// listedOf reads an entry. Errors of the YAML decoder may repeat a value, which may be a token.
func listedOf(node *yaml.Node) (l ListedOrg) {
	seen := map[string]int{}
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if line, twice := seen[key.Value]; twice && l.err == nil {
			l.err = fmt.Errorf("%s is there twice, in lines %d and %d", key.Value, line, key.Line)
		}
		seen[key.Value] = key.Line
		switch value := node.Content[i+1].Value; key.Value {
		case "name":
			l.org.Name = cmp.Or(l.org.Name, value)
		case "url", "okta_domain":
			l.org.URL = cmp.Or(l.org.URL, value)
		}
	}
	if l.err != nil {
		return l
	}
	var value any
	if err := node.Decode(&value); err != nil {
		l.err = fmt.Errorf("the entry in line %d cannot be read as YAML", node.Line)
		return l
	}
	l = ListedOrg{}
	_ = l.ConvertFrom(plain(value)) // never fails
	return l
}

// plain turns the names of all members into text: Alloy's values have no others.
func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, inside := range value {
			value[name] = plain(inside)
		}
	case map[any]any:
		named := map[string]any{}
		for name, inside := range value {
			named[fmt.Sprint(name)] = plain(inside)
		}
		return named
	case []any:
		for i, inside := range value {
			value[i] = plain(inside)
		}
	}
	return value
}

func target(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNothing(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

// listed is an entry of orgs: an [Org] as an object, and the names that Logz.io's shipper has for its address and token.
type listed struct {
	Name          string            `alloy:"name,attr,optional"`
	URL           string            `alloy:"url,attr,optional"`
	Domain        string            `alloy:"okta_domain,attr,optional"`
	APIToken      alloytypes.Secret `alloy:"api_token,attr,optional"`
	APIKey        alloytypes.Secret `alloy:"okta_api_key,attr,optional"`
	PrivateKeyJWT *PrivateKeyJWT    `alloy:"private_key_jwt,attr,optional"`
	Context       *Context          `alloy:"context,attr,optional"` // option: context

	Own OrgSettings `alloy:",squash"`
}

// ListedOrg is an entry of orgs, or why it is none. It is a capsule for two reasons: an entry that cannot be decoded must not take
// the others with it, and a token that came from a file as plain text must not be shown with the component's arguments.
type ListedOrg struct {
	org Org
	err error
}

// AlloyCapsule marks ListedOrg as a capsule of the Alloy syntax.
func (ListedOrg) AlloyCapsule() {}

// String is what the UI shows.
func (l ListedOrg) String() string {
	return cmp.Or(l.org.Name, l.org.URL, "an entry without name and url")
}

// decode decodes an entry, or a list of them, by Alloy's own rules. Its errors name members and types, never values.
func decode(src, into any) error {
	return vm.New(entryExpr).Evaluate(vm.NewScope(map[string]any{"org": src}), into)
}

var entryExpr = func() ast.Expr {
	expr, err := parser.ParseExpression("org")
	if err != nil {
		panic(err)
	}
	return expr
}()

// ConvertFrom implements syntax.ConvertibleFromCapsule. It never fails: see ListedOrg.
func (l *ListedOrg) ConvertFrom(src any) error {
	var entry listed
	if err := decode(src, &entry); err != nil {
		l.err = decodeError(err)
		var names map[string]any
		if decode(src, &names) == nil {
			text := func(name string) string { s, _ := names[name].(string); return s }
			l.org.Name, l.org.URL = text("name"), cmp.Or(text("url"), text("okta_domain"))
		}
		return nil
	}
	l.org = Org{
		Name: entry.Name, URL: cmp.Or(entry.URL, entry.Domain), APIToken: cmp.Or(entry.APIToken, entry.APIKey),
		PrivateKeyJWT: entry.PrivateKeyJWT, Own: entry.Own,
	}
	l.org.Context = entry.Context // option: context
	switch {
	case entry.URL != "" && entry.Domain != "":
		l.err = errors.New("url and okta_domain are both set: they are two names of one setting")
	case entry.APIToken != "" && entry.APIKey != "":
		l.err = errors.New("api_token and okta_api_key are both set: they are two names of one setting")
	}
	return nil
}

// decodeError removes from an error what is about our own expression.
func decodeError(err error) error {
	var all diag.Diagnostics
	if !errors.As(err, &all) || len(all) == 0 {
		return err
	}
	text := strings.TrimSpace(strings.ReplaceAll(all[0].Message, "should be capsule", "should be string"))
	return errors.New(strings.TrimPrefix(strings.TrimPrefix(text, "org."), "org "))
}
