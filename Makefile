# Everything a developer types. `make` alone tells what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO_FILES := $(shell find cmd internal -name '*.go' 2>/dev/null)
WEB := internal/web
WEB_FILES := $(WEB)/package-lock.json $(WEB)/build.mjs $(shell find $(WEB)/src -type f 2>/dev/null)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

help: ## tell what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 16

run: build ## build, then try Tandem against a simulated Microsoft 365
	./bin/tandem demo

demo: run ## the same as run

build: bin/tandem ## build bin/tandem with its pages' assets

bin/tandem: go.mod go.sum $(GO_FILES) assets
	CGO_ENABLED=0 go build -trimpath -o bin/tandem ./cmd/tandem

assets: $(WEB)/dist/.built ## fetch npm packages and build the pages' assets if anything is newer

$(WEB)/dist/.built: $(WEB_FILES)
	cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error && node build.mjs
	@touch $@

test: assets browser ## all tests
	go test -timeout 40m ./...

browser: ## install Chromium for the browser tests, where it is missing and may be installed
	@scripts/chromium

race: assets ## all tests under the race detector
	go test -race -short -timeout 40m ./...

test-postgres: ## the tests of the store and the jobs, which run on both databases
	go test ./internal/store/... ./internal/jobs/...

SHOTS ?= screenshots
screenshots: assets browser ## every page in both languages, light and dark, at 360, 1280 and 3840 pixels and printed; SHOTS=folder
	TANDEM_SHOTS=$(abspath $(SHOTS)) go test ./internal/web -count=1 -timeout 60m -run 'TestEveryPageLooksRight$$'
	@echo "$$(ls $(SHOTS) | wc -l) pictures in $(abspath $(SHOTS))"

fmt: ## format
	gofmt -w cmd internal

lint: ## format, vet, staticcheck
	@unformatted=$$(gofmt -l cmd internal); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

check: lint test race ## what CI runs

vulnerabilities: ## look up what is known to be wrong with Go and the libraries in use; asks vuln.go.dev and the npm registry
	go run $(GOVULNCHECK) ./...
	cd $(WEB) && npm audit

generate: ## write generated files anew
	go generate ./...

golden: ## renew golden files; read the diff
	go test $$(grep -rl 'flag.Bool("update"' --include=*_test.go internal | xargs -n1 dirname | sort -u | sed 's|^|./|') -update

fuzz: ## fuzz everything that strangers send, half a minute each
	@scripts/fuzz

bench: assets ## measure; prints a table and writes bench.json
	go run ./cmd/tandem-bench

SEEDS ?= 2000

simtest: ## simulate the whole of sync from SEEDS seeds (2000)
	go run ./cmd/tandem-simtest -seeds $(SEEDS)

simtest-defects: ## tell after how many seeds each broken engine is caught
	go run ./cmd/tandem-simtest -defects -seeds 1000

scenarios: ## kill every written scenario of sync at each of its effects, and again during its recovery
	go run ./cmd/tandem-simtest -scenarios

KILLS ?= 200

kills: ## kill processes of tandem serve KILLS times (200) under load on each database, cut one off, freeze one; docs/reliability.md tells of it
	go test ./cmd/tandem -count=1 -timeout 2h -v -run '^(TestC1_|TestI8_)' -args -kills $(KILLS) -report docs/reliability.md

real-data: build ## send every file of ../shared/data through the API to a simulated Outlook and compare
	scripts/real-data

clean: ## remove what was built
	rm -rf bin $(WEB)/dist/* $(WEB)/node_modules bench.json

.PHONY: vulnerabilities kills scenarios screenshots simtest simtest-defects help run demo build assets test browser race test-postgres fmt lint check generate golden fuzz bench real-data clean
