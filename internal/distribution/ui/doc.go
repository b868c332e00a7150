// Package ui is the "ui" service of Alloy's runtime: the web interface that shows components, their health, and live debugging, and the API
// below api/v0/web that it reads.
//
// The API and the web interface are upstream's. Upstream embeds the interface from a folder inside its own module, which is read-only in
// the module cache, so this package embeds a copy: tools/ui/build.sh builds upstream's source into dist/. A binary built without that step
// works in every other respect, and serves a page that tells how to get the interface.
//
// The service stands in for upstream's internal/service/ui and internal/web/ui.
package ui
