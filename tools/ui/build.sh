#!/bin/sh
# Builds Alloy's web interface into internal/distribution/ui/dist, which package
# ui embeds. The source is that of the Alloy version in tools/ui/go.mod, which says
# why it is not the main go.mod's; it is copied out of the module cache because the
# build writes beside it.
#
# It needs go, node (20.19 or newer) and npm, downloads about 600 npm packages at the
# versions of upstream's package-lock.json, and takes two to three minutes. When
# the interface of that Alloy version is there already, it does nothing; --force
# builds it again.
set -eu

cd "$(dirname "$0")/../.."
dist=internal/distribution/ui/dist
work=build/ui

say() { printf 'ui: %s\n' "$*"; }
fail() { printf 'ui: %s\n' "$*" >&2; exit 1; }

for tool in go node npm; do
	command -v "$tool" >/dev/null || fail "$tool is not installed, and building the UI needs it"
done

# What is adapted is part of the version, so that a change of it builds the interface again.
version="$(go -C tools/ui list -m -f '{{.Version}}' github.com/grafana/alloy) $(cksum <tools/ui/adapt.mjs | tr ' ' -)"
if [ "${1:-}" != --force ] && [ -f "$dist/index.html" ] && [ "$(cat "$dist/.version" 2>/dev/null)" = "$version" ]; then
	say "up to date with Alloy $version"
	exit 0
fi

go -C tools/ui mod download github.com/grafana/alloy
module=$(go -C tools/ui list -m -f '{{.Dir}}' github.com/grafana/alloy)

say "copying the source of Alloy $version to $work"
# node_modules of an earlier build stays: npm ci replaces it.
mkdir -p "$work"
find "$work" -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +
cp -R "$module/internal/web/ui/." "$work/"
chmod -R u+w "$work"
node tools/ui/adapt.mjs "$work"

say "installing npm packages (about a minute)"
(cd "$work" && npm ci --no-audit --no-fund)

say "compiling (about a minute and a half)"
(cd "$work" && npm run build)
[ -f "$work/dist/index.html" ] || fail "npm run build left no dist/index.html"

# The version goes away first and comes back last, so that a build that was
# interrupted here is done again.
rm -f "$dist/.version"
find "$dist" -mindepth 1 ! -name .gitkeep -delete
cp -R "$work/dist/." "$dist/"
printf '%s\n' "$version" >"$dist/.version"
say "done: $(find "$dist" -type f | wc -l) files, $(du -sh "$dist" | cut -f1) in $dist"
