# Builds, runs and proves alloy-okta. `make help` lists the targets.
#
# What is heavy is compiled once and kept: Go's build cache for Alloy and Loki, build/ for binaries and the UI. Everything here
# works on a fresh Debian with Go, Node and make; JOURNAL=1 also wants a C compiler and libsystemd-dev.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Without cgo the binary is static and needs no C compiler; build, test and vet then share one cache. loki.source.journal reads
# the journal through libsystemd and is the one component that needs cgo.
JOURNAL ?=
ifeq ($(JOURNAL),1)
export CGO_ENABLED := 1
TAGS := promtail_journal_enabled
else
export CGO_ENABLED := 0
TAGS :=
endif

# The version names the commit, so that nothing is relinked until something is committed; the commit's date stands in for the
# build's date for the same reason. A tree without tags is v0.0.0, a semantic version as Alloy expects.
VERSION ?= $(shell git describe --tags --dirty 2>/dev/null || git describe --always --dirty 2>/dev/null | sed 's/^/v0.0.0-g/')
ifeq ($(VERSION),)
VERSION := unknown
endif
REVISION := $(or $(shell git rev-parse --short=12 HEAD 2>/dev/null),unknown)
BRANCH := $(or $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null),unknown)
BUILD_DATE := $(or $(shell git log -1 --format=%cI 2>/dev/null),unknown)
STAMP := github.com/grafana/alloy/internal/build
LDFLAGS := -s -w -X github.com/grafana/alloy/okta/internal/distribution.Version=$(VERSION) -X $(STAMP).Revision=$(REVISION) -X $(STAMP).Branch=$(BRANCH) \
	-X $(STAMP).BuildDate=$(BUILD_DATE) -X $(STAMP).BuildUser=make
GO_BUILD := go build -v -buildvcs=false -tags "$(TAGS)"

LOKI_VERSION = $(shell awk '$$1 == "github.com/grafana/loki/v3" {print $$2}' tools/loki/go.mod)
LOKI_STAMP := github.com/grafana/loki/v3/pkg/util/build

BIN := $(CURDIR)/build
export ALLOY_OKTA_BIN ?= $(BIN)/alloy-okta
export ALLOY_OKTA_SLIM_BIN ?= $(BIN)/slim/alloy-okta
export OKTASIM_BIN ?= $(BIN)/oktasim
export QUICKSTART_BIN ?= $(BIN)/quickstart
export LOKI_BIN ?= $(BIN)/loki
export LOGCLI_BIN ?= $(BIN)/logcli
export PROMTOOL_BIN ?= $(BIN)/promtool

# Packages that know nothing of Alloy: seconds to compile, so the race detector, fuzzing and benchmarks run on them.
FREE := $(shell cat .ci/free.txt)
# A test whose volume, not its goroutines, is the point stands in a file with `//go:build !race` (.ci/volume names them and their packages).
# Modules of their own, whose dependencies stay out of the main one.
SDK := internal/oktasim/sdktest
# A folder (or URL) with Go's vulnerability database; the net's when empty.
VULNDB ?=
FUZZTIME ?= 10s
BENCH ?= .

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z0-9-]*:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Some npm packages contain Go files. A module file of its own keeps what is in build/ out of ./... here.
build/go.mod:
	@mkdir -p build
	@echo "module build" > $@

.PHONY: build
build: ui quickstart ## build/alloy-okta with the UI, build/oktasim, build/quickstart (JOURNAL=1 adds the systemd journal)
	@.ci/progress "building alloy-okta" "about 9 minutes the first time on 2 idle cores, seconds after that" ./cmd/alloy-okta \
		$(GO_BUILD) -ldflags "$(LDFLAGS)" -o build/alloy-okta ./cmd/alloy-okta

# For `make run` and `make demo`: the same code without the components of internal/distribution/components/full.go, and with tools/slim
# in place of modules that Alloy imports in every build, for what nobody needs here.
OTEL_CONTRIB := github.com/open-telemetry/opentelemetry-collector-contrib
SLIM_MODULES := github.com/hashicorp/go-discover github.com/go-git/go-git/v5 github.com/github/smimesign \
	$(addprefix $(OTEL_CONTRIB)/,processor/k8sattributesprocessor pkg/stanza pkg/kafka/configkafka)
SLIM := -tags slim -modfile=build/slim.mod
build/slim.mod: go.mod go.sum Makefile | build/go.mod
	@cp go.sum build/slim.sum
	@go mod edit -print $(foreach module,$(SLIM_MODULES),-replace=$(module)=./tools/slim/$(notdir $(module:/v5=))) go.mod > $@

.PHONY: slim
slim: ui build/slim.mod
	@.ci/progress "building alloy-okta, slim" "162 MB to download and some minutes the first time on 2 idle cores, seconds after that" "$(SLIM) ./cmd/alloy-okta" \
		go build -v -buildvcs=false $(SLIM) -ldflags "$(LDFLAGS)" -o build/slim/ ./cmd/alloy-okta

# Alloy reads Windows' certificate store through cgo: whoever builds for Windows without takes the stand-in.
build/nocgo.mod: go.mod go.sum Makefile | build/go.mod
	@cp go.sum build/nocgo.sum
	@go mod edit -print -replace=github.com/github/smimesign=./tools/slim/smimesign go.mod > $@

.PHONY: quickstart
quickstart: build/go.mod
	@.ci/progress "building oktasim and quickstart" "about a minute the first time" "./cmd/oktasim ./cmd/quickstart" \
		$(GO_BUILD) -ldflags "-s -w" -o build/ ./cmd/oktasim ./cmd/quickstart

.PHONY: ui
ui: build/go.mod ## the Alloy UI, from the source that tools/ui/go.mod names (needs Node; does nothing when it is there)
	@command -v npm >/dev/null || .ci/deps npm
	@tools/ui/build.sh

.PHONY: loki
loki: build/loki build/logcli ## a real Loki and logcli for tests and the demo: build/loki, build/logcli
	@:

build/loki build/logcli: build/%: tools/loki/go.mod tools/loki/go.sum | build/go.mod
	@.ci/progress "building $*" "Loki takes about 6 minutes the first time on 2 idle cores, logcli seconds" \
		"-C tools/loki github.com/grafana/loki/v3/cmd/$*" go -C tools/loki build -v -buildvcs=false -ldflags "-s -w -X $(LOKI_STAMP).Version=$(LOKI_VERSION)" \
		-o ../../$@ github.com/grafana/loki/v3/cmd/$*
	@touch $@

.PHONY: run
run: slim quickstart ## collect from OKTA_URL with OKTA_API_TOKEN, or else from a simulated org; entries on the terminal and in LOKI_URL
	@ALLOY_OKTA_BIN="$$ALLOY_OKTA_SLIM_BIN" build/quickstart run

.PHONY: demo
demo: slim quickstart loki ## the same with a real Loki: a LogQL query and its result, an attack and its alerts (DEMO_SECONDS=60 ends by itself, HOOKS=1 adds event hooks)
	@ALLOY_OKTA_BIN="$$ALLOY_OKTA_SLIM_BIN" build/quickstart demo $(if $(HOOKS),--hooks)

.PHONY: deps
deps: ## install what the tests need and the machine lacks
	@.ci/deps npm chromium promtool systemd-analyze

.PHONY: test
test: deps lint build/types.ok build slim loki ## the whole suite: installs, builds, then tests everything once
	@$(MAKE) -k -j3 test-built $(if $(shell command -v "$$(go env CC)"),test-raced test-volume,test-unraced)

# First what waits for minutes, beside which the others run.
.PHONY: test-built
test-built:
	@go test -buildvcs=false -tags "$(TAGS)" -timeout 25m ./e2e $$(go list -tags "$(TAGS)" ./... | grep -vxF "$$(go list ./e2e $(FREE))")
	@go -C $(SDK) test ./...
	@go -C tools/dist test ./...
	@go -C tools/platforms test ./...

# With the race detector, but for tests of sheer volume. They run without it, and so does all of those that it runs a part of. go test -race
# needs cgo and so a C compiler, which a fresh machine has not. Nearly all of it runs in simulated time, and the rest has time: it may take what the built programs leave of the processors.
.PHONY: test-raced test-volume test-unraced
test-raced:
	@nice -n 19 $(MAKE) race
test-volume:
	@nice -n 19 go test -timeout 50m -run "$$(.ci/volume)" $$(.ci/volume packages)
test-unraced:
	@echo "race detector: not run, no C compiler here (apt-get install gcc libc6-dev, then make race)"
	@nice -n 19 go test -timeout 50m $(FREE)

# What Alloy is built for. A platform's types are checked from the source, in about 12 s of CPU and 1 GB, the whole program's in 37 s and
# 3 GB; to build for one takes minutes the first time.
# `make test` asks for one processor of each system, `make platforms` for both.
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64 freebsd/amd64 freebsd/arm64
TYPES = go -C tools/platforms run . -dir "$(CURDIR)" -platforms
OURS := ./cmd/... ./component/... ./internal/... ./systemlog/...

build/types.ok: $(shell find cmd component internal systemlog tools/platforms tools/slim -name '*.go' 2>/dev/null) go.mod | build/slim.mod
	@echo "types of other systems"
	@$(TYPES) "darwin/arm64 windows/amd64 freebsd/amd64" -tags slim -modfile "$(CURDIR)/build/slim.mod" $(OURS)
	@touch $@

.PHONY: platforms
platforms: build/slim.mod build/nocgo.mod ## vet what is ours and build the slim program for each of PLATFORMS; check the types of the whole program
	@for platform in $(PLATFORMS); do \
		export GOOS=$${platform%/*} GOARCH=$${platform#*/}; \
		.ci/progress "building alloy-okta, slim, for $$platform" "minutes the first time" "$(SLIM) ./cmd/alloy-okta" \
			go build -v -buildvcs=false $(SLIM) -ldflags "$(LDFLAGS)" -o "build/platforms/$$GOOS-$$GOARCH/" ./cmd/alloy-okta; \
		echo "go vet for $$platform"; \
		go vet $(SLIM) $(OURS); \
	done
	@$(TYPES) "$(PLATFORMS)" -modfile "$(CURDIR)/build/nocgo.mod" ./cmd/alloy-okta

.PHONY: e2e
e2e: build slim loki ## the long proofs with the built binary, a simulated org and a real Loki
	@OKTA_E2E=long go test -count=1 -timeout 60m -run '^(TestOutagesLoseAndDoubleNothing|TestCrashesAndRolloutsDoubleNothing|TestHangsAndSplitsLoseNothing)$$' \
		./internal/poller ./internal/takeover
	@OKTA_E2E=long go test -count=1 -timeout 90m -v ./e2e/...
	@go -C deploy/validate test ./...

.PHONY: soak
soak: build loki ## three nodes and a Loki at their defaults, to which something happens every few minutes (FOR=4h)
	@OKTA_SOAK=$(or $(FOR),4h) go test -count=1 -timeout 0 -v -run '^TestASoak' ./e2e

# Root, podman, and Debian's mirror: what it takes to install a package and to run a container for real.
.PHONY: install-test
install-test: build loki ## the image in a container and the deb in a clean Debian, installed, upgraded, removed, purged (as root)
	@.ci/deps podman runc rpm mmdebstrap
	@go test -tags install -count=1 -timeout 30m -v -run '^TestInstalled' ./e2e

.PHONY: screenshots
screenshots: build ## docs/images, taken of the real UI in a Chromium
	@.ci/deps chromium
	@SCREENSHOTS=$(CURDIR)/docs/images go test -count=1 -run '^TestScreenshots$$' ./e2e/browser

.PHONY: race
race: ## the race detector over the packages that know no Alloy (needs a C compiler)
	@echo "race detector, without the tests of sheer volume (files with //go:build !race)"
	@CGO_ENABLED=1 go test -race -timeout 50m $(FREE)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (10s)
	@for package in $$(go list $(FREE)); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$target in $$package for $(FUZZTIME)"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

# BenchmarkDetections fills a Loki with a day of events, for half an hour: it runs by its own command.
.PHONY: bench
bench: build loki ## benchmarks, as ratios measured in one run (BENCH=regexp; WholeProgram is the built program, from Okta to Loki's push)
	@go test -run '^$$' -bench '$(BENCH)' -benchmem $(FREE) ./component/loki/source/okta
	@go test -run '^$$' -bench '$(BENCH)' -skip Detections -benchtime 1x -timeout 90m ./e2e

.PHONY: lint
lint: build/go.mod ## gofmt, go vet, this repository's own rules, and the linters in .golangci.yaml
	@.ci/lint
	@go vet -tags "$(TAGS)" ./...
	@.ci/golangci build/golangci-lint

# -trimpath, and no name of a branch: the bytes depend on the commit and the versions of Go and Node, not on the folder.
# It compiles Alloy anew for each platform, 9 to 15 minutes of two idle cores the first time. Elsewhere than on Linux it is the slim program.
DIST := build/dist
DIST_ARCH ?= amd64 arm64
DIST_SLIM ?= darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
DIST_LDFLAGS := $(subst Branch=$(BRANCH),Branch=release,$(LDFLAGS))
comma := ,
space := $(subst ,, )

.PHONY: dist
dist: ui build/slim.mod ## release files in build/dist: tar.gz, zip, deb, rpm, image, SBOM, SHA256SUMS (the version is the tag, or VERSION=v1.2.3)
	@rm -rf $(DIST) && mkdir -p $(DIST)/bin
	@for arch in $(DIST_ARCH); do \
		GOOS=linux GOARCH=$$arch .ci/progress "building alloy-okta for linux/$$arch" "about 9 minutes the first time on 2 idle cores" ./cmd/alloy-okta \
			go build -v -trimpath -buildvcs=false -ldflags "$(DIST_LDFLAGS)" -o $(DIST)/bin/alloy-okta-linux-$$arch ./cmd/alloy-okta; \
	done
	@for platform in $(DIST_SLIM); do \
		export GOOS=$${platform%/*} GOARCH=$${platform#*/}; \
		exe=; if [[ $$GOOS == windows ]]; then exe=.exe; fi; \
		.ci/progress "building alloy-okta, slim, for $$platform" "minutes the first time" "$(SLIM) ./cmd/alloy-okta" \
			go build -v -trimpath -buildvcs=false $(SLIM) -ldflags "$(DIST_LDFLAGS)" -o "$(DIST)/bin/alloy-okta-slim-$$GOOS-$$GOARCH$$exe" ./cmd/alloy-okta; \
	done
	@go -C tools/dist run . -version "$(VERSION)" -time "$$(git log -1 --format=%ct)" -arch "$(subst $(space),$(comma),$(strip $(DIST_ARCH)))" \
		-slim "$(subst $(space),$(comma),$(strip $(DIST_SLIM)))"
	@ls -l $(DIST)

.PHONY: vuln
vuln: build/go.mod ## known vulnerabilities in build/alloy-okta's code (VULNDB=/path/to/database where there is no net)
	@.ci/vuln "$(VULNDB)" ./cmd/alloy-okta ./cmd/oktasim ./cmd/quickstart

# An Alloy in another folder is compiled anew: 10 minutes of CPU for the components' tests. CHECK=library leaves these out, CHECK=none all.
DIR ?=
CHECK ?= all

.PHONY: upstream
upstream: ## put both components into an Alloy checkout as a change to it would, then vet and test them there (DIR=folder, CHECK=library, CORE=1)
	@go -C tools/upstream run . -repository "$(CURDIR)" -dir "$(abspath $(DIR))" -check "$(CHECK)" $(if $(CORE),-without all)

# -e: a test of a dependency of a dependency imports a package that is not served (sig-profiling/profcheck). Nothing here needs it,
# and with -e go.mod and go.sum come out complete: go build -mod=readonly is content with them. tools/ui imports nothing to tidy.
.PHONY: tidy
tidy: ## go mod tidy, here and in the modules beside it (not tools/ui)
	@go mod tidy -e
	@for module in $(SDK) tools/loki tools/lint tools/vuln tools/dist tools/platforms deploy/validate; do go -C $$module mod tidy -e; done

.PHONY: clean
clean: ## remove what was built (not Go's cache)
	@rm -rf build
	@find internal/distribution/ui/dist -mindepth 1 ! -name .gitkeep -delete
