// Package docs holds the documentation, so that alloy-okta can serve it beside its UI.
package docs

import "embed"

// Files holds the pages by name, such as operations.md.
//
//go:embed *.md
var Files embed.FS
