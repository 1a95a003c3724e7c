# make prints this help. Each target is one line that can also be typed by hand; `make check` is what CI runs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
WORKFLOWCHECK := go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
OAPI_CODEGEN := github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2

DATA ?= ./data
KAFKA_LIBS ?= $(CURDIR)/bin/kafka-libs
REPORT ?= bin/nightly.md
REPORT_JSON ?= bin/bench.json
KAFKA_POM := adapters/eventlog/kafkalog/testdata/pom.xml

.PHONY: help
help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## start the broker in one process and run the move of a business (DATA=./data)
	go run ./broker/cmd/standalone demo --data $(DATA)

.PHONY: test
test: ## run all tests; no container, no account, no network
	go test ./...

# A race build of the Temporal server takes longer than all the rest, so packages whose test links it are left out.
.PHONY: race
race: ## run the race detector on all packages whose tests do not link the Temporal server
	@packages=$$(go list -test -f '{{.ImportPath}}{{range .Deps}} {{.}}{{end}}' ./... \
		| awk '$$1 ~ /\.test$$/ && !/ go\.temporal\.io\/server\// { sub(/\.test$$/, "", $$1); print $$1 }'); \
	test -n "$$packages"; \
	go test -race -shuffle=on $$packages

.PHONY: lint
lint: bin/golangci-lint-v2.15.0 bin/workflowcheck-v0.6.0 ## run golangci-lint and workflowcheck
	bin/golangci-lint-v2.15.0 run ./...
	bin/workflowcheck-v0.6.0 -test=false -config workflows/workflowcheck.yaml $$(go list ./workflows/... | grep -v /localtemporal)

.PHONY: generate
generate: ## write all generated code anew
	for config in $$(git ls-files --cached --others --exclude-standard '*oapi.yaml'); do \
		(cd "$$(dirname "$$config")" && go run $(OAPI_CODEGEN) -config oapi.yaml $(CURDIR)/contracts/api/openapi.yaml); \
	done
	go generate ./...

.PHONY: kafka-tier
kafka-tier: $(KAFKA_LIBS)/.complete ## run the event log's suite against a real Apache Kafka (Java 17, Maven)
	KAFKA_LIBS=$(KAFKA_LIBS) go test -count=1 -v ./adapters/eventlog/...

.PHONY: crash
crash: ## kill the broker at every labelled point and break it on purpose; ledgercheck judges what is left
	go test -count=1 -tags faults ./broker/internal/fault ./broker/cmd/internal/scenario

.PHONY: lean-crash
lean-crash: ## kill serve and worker of the production form at every point that they reach (deploy/local); ledgercheck judges
	LOCAL_CACHE=$${LOCAL_CACHE:-$(CURDIR)/bin/local} PRODUCTION_FORM=yes go test -count=1 -v -timeout $${LEAN_TIMEOUT:-30m} -tags faults \
		-run '^TestEveryRuleHoldsWhereverALeanProcessIsKilled$$' ./broker/cmd/internal/scenario

.PHONY: fuzz
fuzz: ## fuzz every decoder whose package links neither OPA nor the Temporal server (FUZZTIME=20s)
	.ci/fuzz

.PHONY: nightly
nightly: ## run what takes too long for every change and write a table (REPORT=bin/nightly.md)
	.ci/nightly $(REPORT)

# The tests that open a database run on SQLite in every run; here the same ones run on PostgreSQL.
.PHONY: postgres-tier
postgres-tier: ## run the tests of the stores on a PostgreSQL 15 that is thrown away (Debian's postgresql-15)
	@packages=$$(go list -test -f '{{.ImportPath}}{{range .Deps}} {{.}}{{end}}' ./... \
		| awk '$$1 ~ /\.test$$/ && !/^[^ ]*\/broker\/cmd\/(standalone|efabroker|internal\/backup)/ && / [^ ]*\/broker\/internal\/sqlstoretest( |$$)/ { sub(/\.test$$/, "", $$1); print $$1 }'); \
	test -n "$$packages"; \
	.ci/with-postgres bash -c "set -e; go test -count=1 -v -timeout 20m $$(echo $$packages); \
		go test -count=1 -v -timeout 20m -run PostgreSQL ./broker/cmd/standalone ./broker/cmd/internal/backup"

.PHONY: bench
bench: ## measure the broker with its embedded engines; each figure beside its baseline (REPORT_JSON=bin/bench.json)
	@mkdir -p bin
	go build -o bin/ ./broker/cmd/standalone
	bin/standalone bench --json $(REPORT_JSON)

.PHONY: temporal-tier
temporal-tier: ## run permits on Temporal over a PostgreSQL 15 that is thrown away (Debian's postgresql-15)
	.ci/with-postgres go test -count=1 -v -run 'PostgreSQL|Databases' ./workflows/localtemporal

# The first run builds the Temporal server of the production form: minutes.
.PHONY: production-tier
production-tier: ## start the production form as processes, try it, and break it under load (deploy/local)
	shellcheck .ci/run .ci/with-postgres .ci/nightly deploy/compose/kafka deploy/compose/kafka-setup deploy/compose/postgres-init deploy/compose/temporal-schema && shellcheck -x -a deploy/local/up deploy/local/down deploy/local/status deploy/local/check deploy/local/bench deploy/local/backup deploy/local/restore
	export LOCAL_CACHE=$${LOCAL_CACHE:-$(CURDIR)/bin/local}; \
		deploy/local/check -- env PRODUCTION_FORM=yes go test -count=1 -v -timeout 30m ./broker/cmd/internal/production; \
		deploy/local/bench --quick

.PHONY: check
check: ## run everything that CI runs
	.ci/run

bin/golangci-lint-v2.15.0:
	GOBIN=$(CURDIR)/bin go install $(GOLANGCI_LINT)
	mv bin/golangci-lint $@

bin/workflowcheck-v0.6.0:
	GOBIN=$(CURDIR)/bin go install $(WORKFLOWCHECK)
	mv bin/workflowcheck $@

$(KAFKA_LIBS)/.complete: $(KAFKA_POM)
	mvn -B -q -f $(KAFKA_POM) dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(abspath $(KAFKA_LIBS))
	touch $@
