# Everything is behind these words; each does the set-up it needs.
SHELL := /bin/bash
SWIFT ?= swift
SOAK_STEPS ?= 10000000
# Of their own for each day and commit, and printed: a run that fails is played again with SOAK_SEED=N.
SOAK_SEED ?= $(shell echo $$(( $$(date +%Y%m%d) * 10000000 + 0x$$(git rev-parse --short=5 HEAD 2>/dev/null | cut -c1-5 || echo 0) )))
SOAK_ROUNDS ?= 10
HISTORIES ?= 100000
GATE ?= threshold
TARGET ?= haproxy
# The tests that compute and wait for nobody.
PURE = Belay(Analysis|Core|Simulation)Tests

.PHONY: study help setup setup-test build release demo test check unit acceptance simulation golden soak tsan bench clean

help:
	@echo 'first:'
	@echo '  make demo    see it: a release, a rollback and a resumed one on real servers (a minute after the build)'
	@echo '  make test    every test: unit, simulation (10 million steps on fresh seeds), histories (100,000), tidy, real servers'
	@echo '  make demo TARGET=kubernetes   a canary by pods and a blue/green on a double of Kubernetes (two minutes after the build)'
	@echo '  make release the binary, .build-static/release/belay'
	@echo 'while changing the code (CONTRIBUTING.md and docs/architecture.md say how it is laid out):'
	@echo '  make check   strict build, formatting'
	@echo '  make unit    the tests that need no server (two minutes); make acceptance   those on real servers'
	@echo '  swift run belay-kube-double   a Kubernetes API server in memory, to play with (docs/kubernetes-double.md)'
	@echo '  make golden  rewrite the golden files; read the diff'
	@echo '  make simulation SOAK_SEED=N   play a run that failed again'
	@echo 'before a release (.github/RELEASING.md):'
	@echo '  make soak    the simulation on fresh seeds (SOAK_ROUNDS times 10 million steps)'
	@echo '  make tsan    the tests of everything concurrent under Thread Sanitizer'
	@echo '  make bench   the figures, beside their limits'
	@echo '  make study   the rates of the comparison on modelled traffic, beside its peers (four minutes)'
	@echo '  make demo GATE=compare   the demo decided by canary against stable (three minutes)'

setup:
	@scripts/setup build

setup-test:
	@scripts/setup test

build: setup
	$(SWIFT) build

release: setup
	$(SWIFT) build -c release --static-swift-stdlib --scratch-path .build-static --product belay

demo:
	@scripts/setup $(if $(filter kubernetes,$(TARGET)),kubernetes,demo)
	$(SWIFT) build --product belay
	@$(if $(filter kubernetes,$(TARGET)),$(SWIFT) build --product belay-kube-double && exec scripts/demo-kubernetes,exec .build/debug/belay demo --gate $(GATE))

check: setup
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error
	$(SWIFT) format lint --strict --recursive Sources Tests Benchmarks Package.swift

simulation: setup
	$(SWIFT) build -c release --product belay-soak
	.build/release/belay-soak $(SOAK_STEPS) $(SOAK_SEED)
	.build/release/belay-soak --conditions 1000000 $(SOAK_SEED)
	.build/release/belay-soak --answers 1000000 $(SOAK_SEED)
	.build/release/belay-soak --histories $(HISTORIES) $(SOAK_SEED)

test: setup-test simulation
	$(SWIFT) build --build-tests
	@# In three parts. What computes keeps every thread of the pool, and the releases in a cluster keep a small machine
	@# busy: beside either, a test that waits for a program or for a server would measure its neighbours.
	$(SWIFT) test --skip-build --filter '$(PURE)'
	$(SWIFT) test --skip-build --skip '$(PURE)' --skip ClusterReleaseTests
	$(SWIFT) test --skip-build --filter ClusterReleaseTests

unit: setup
	$(SWIFT) test --skip BelayAcceptanceTests

acceptance: setup-test
	$(SWIFT) test --filter BelayAcceptanceTests

golden: setup
	UPDATE_GOLDEN=1 $(SWIFT) test --skip BelayAcceptanceTests --skip BelaySimulationTests --skip BelayAnalysisTests --skip BelayCoreTests
	git diff --stat

soak: setup
	$(SWIFT) build -c release --product belay-soak
	@for round in $$(seq $(SOAK_ROUNDS)); do \
	    seed=$$(( $$(date +%s) * 100000 + round * 1000000000 )); echo "from seed $$seed"; \
	    .build/release/belay-soak $(SOAK_STEPS) $$seed | tail -n 4 || exit 1; done

# Without the tests of pure code: ten times slower, they would keep both threads of the pool from the ones that wait for children.
tsan: setup
	TSAN_OPTIONS=suppressions=$(CURDIR)/scripts/tsan-suppressions $(SWIFT) test --sanitize=thread --scratch-path .build-tsan --skip BelayAcceptanceTests --skip BelaySimulationTests --skip BelayAnalysisTests --skip BelayCoreTests

bench: setup-test release
	$(SWIFT) build -c release --product belay-bench
	$(SWIFT) build -c release --product belay-kube-double
	.build/release/belay-bench .build-static/release/belay
	.build/release/belay-bench --kubernetes .build-static/release/belay

study: setup
	$(SWIFT) build -c release --product belay-bench
	.build/release/belay-bench --study

clean:
	rm -rf .build .build-static .build-tsan
