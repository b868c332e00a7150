package distribution

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grafana/alloy/okta/component/loki/source/okta"
	"github.com/grafana/alloy/okta/component/loki/source/okta_event_hook"
)

// written is the body of a block: attributes as they are written, and blocks by name.
type written struct {
	attributes map[string]string
	blocks     map[string]*written
}

func (w *written) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.attributes)) {
		fmt.Fprintf(&b, "%s = %s\n", name, w.attributes[name])
	}
	for _, name := range slices.Sorted(maps.Keys(w.blocks)) {
		label := ""
		if name == "org" {
			label = ` "l"`
		}
		fmt.Fprintf(&b, "%s%s {\n%s}\n", name, label, w.blocks[name])
	}
	return b.String()
}

// needed are the attributes of a block without which it is wrong.
func needed(block string) map[string]string {
	day := func(ago int) string {
		return fmt.Sprintf("%q", time.Now().AddDate(0, 0, -ago).UTC().Format(time.DateOnly))
	}
	const token, secrets = `"00abcdefghijklmnopqrstuvwxyz0123456789ABCD"`, `["0123456789abcdef0123456789abcdef"]`
	return maps.Clone(map[string]map[string]string{
		"loki.source.okta":                {"forward_to": "[loki.echo.e.receiver]", "url": `"acme.okta.com"`, "api_token": token},
		"loki.source.okta_event_hook":     {"forward_to": "[loki.echo.e.receiver]"},
		"loki.source.okta.org":            {"url": `"b.okta.com"`, "api_token": token},
		"loki.source.okta_event_hook.org": {"url": `"b.okta.com"`, "secrets": secrets},
		"private_key_jwt":                 {"client_id": `"0oa"`, "private_key_file": `"/none"`},
		"reconcile":                       {"url": `"http://l:3100"`},
		"event_hook":                      {"secrets": secrets},
		"redact":                          {"mode": `"hash"`, "key": `"0123456789abcdef0123456789abcdef"`},
		"backfill":                        {"since": day(4), "until": day(2), "rate_limit_share": "0.1"},
		"oauth2":                          {"client_id": `"a"`, "client_secret": `"b"`, "token_url": `"http://t"`},
		"clustering":                      {"enabled": "true"},
	}[block])
}

// rivals are what must not be beside an attribute or block.
var rivals = map[string][]string{
	"orgs": {"url", "api_token"}, "org": {"url", "api_token"}, "private_key_jwt": {"api_token"}, "private_key": {"private_key_file"},
}

// TestAnyValueMayBeUnknown takes each argument of our components in turn from where it is not known.
func TestAnyValueMayBeUnknown(t *testing.T) {
	for name, arguments := range map[string]reflect.Type{
		"loki.source.okta":            reflect.TypeFor[okta.Arguments](),
		"loki.source.okta_event_hook": reflect.TypeFor[okta_event_hook.Arguments](),
	} {
		whole := &written{attributes: needed(name), blocks: map[string]*written{}}
		if name != "loki.source.okta" {
			whole.blocks["org"] = &written{attributes: needed(name + ".org")}
		}
		tried := 0
		eachArgument(name, arguments, whole, func(path string) {
			tried++
			config := fmt.Sprintf("loki.echo \"e\" { }\n\n%s \"c\" {\n%s}\n", name, whole)
			require.Empty(t, checkText(t, config), "%s\n%s", path, config)
		})
		require.Greater(t, tried, 20, name)
	}
}

// eachArgument sets each attribute of a body in turn to what is unknown, those of its blocks too.
func eachArgument(path string, typ reflect.Type, body *written, try func(path string)) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("alloy"), ",")
		before := *body
		before.attributes, before.blocks = maps.Clone(body.attributes), maps.Clone(body.blocks)
		if body.attributes == nil {
			body.attributes = map[string]string{}
		}
		if body.blocks == nil {
			body.blocks = map[string]*written{}
		}
		for _, rival := range rivals[name] {
			delete(body.attributes, rival)
		}
		switch kind, _, _ := strings.Cut(options, ","); kind {
		case "squash":
			eachArgument(path, field.Type, body, try)
		case "attr":
			body.attributes[name] = `sys.env("NOT_SET_HERE")`
			try(path + "." + name)
		case "block":
			inner := &written{attributes: needed(name)}
			if name == "org" {
				inner.attributes = needed(path + ".org")
			}
			body.blocks[name] = inner
			eachArgument(path+"."+name, field.Type, inner, try)
		}
		*body = before
	}
}
