# The only entry point. `make help` lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ALONE := tests/chaos tests/integration tests/interop tests/loadgen tests/bench
# Tests that real clocks judge: nothing runs beside them.

.PHONY: help run test lint bench bench-million bench-reports bench-scale overload chaos sim day choice-picture bench-codec bench-abuse bench-routing interop fuzz check-metrics check-api bench-http clean

help: ## List the targets
	@grep -hE '^[a-z][a-z0-9-]*:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

$(VENV)/run.stamp: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

$(VENV)/lint.stamp: $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	@touch $@

run: $(VENV)/run.stamp ## Install, then start the server with simulated carriers (configs/dev.toml)
	@echo "configs/dev.toml: bind as system_id demo, password demo-pw"
	$(BIN)/smsagg serve --config configs/dev.toml

test: $(VENV)/test.stamp ## Install what tests need and run them
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ALONE:%=--ignore=%)
	$(BIN)/python -m pytest $(ALONE)

lint: $(VENV)/lint.stamp ## ruff, mypy strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/run.stamp ## Measure the whole life of messages: rate, latency, CPU and memory (about 2 minutes)
	$(BIN)/python -m tools.bench

bench-codec: $(VENV)/run.stamp ## The codec beside smpplib's: microseconds a PDU and how many times faster
	$(BIN)/python -m tools.bench_codec

bench-routing: $(VENV)/run.stamp ## Routing by 500 rules and 10,000 prefixes: microseconds a message
	$(BIN)/python -m tools.bench_routing

bench-abuse: $(VENV)/run.stamp ## Checks of abuse: microseconds a message each, and false alarms
	$(BIN)/python -m tools.bench_abuse

bench-reports: $(VENV)/test.stamp ## Reports and exports over a million past messages: rate and memory
	$(BIN)/python -m tools.bench_reports $(if $(MESSAGES),--messages $(MESSAGES))

bench-http: $(VENV)/run.stamp ## Messages by HTTP, one by one and in batches, and SMPP beside a flood of them (under a minute)
	$(BIN)/python -m tools.bench.http

bench-million: $(VENV)/run.stamp ## The same, and a million messages to watch the memory
	$(BIN)/python -m tools.bench --million

bench-scale: $(VENV)/run.stamp ## Many sessions, many slow carriers, long history, a million queued, distance, TLS
	$(BIN)/python -m tools.bench.scale

overload: $(VENV)/run.stamp ## Three times what it can take, deaf ESMEs, silent carriers
	$(BIN)/python -m tools.bench.overload

chaos: $(VENV)/run.stamp ## Kill, stop, cut off, starve and restart everything under load; check every promise (under 7 minutes)
	$(BIN)/python -m tools.chaos --rate 800 --json var/chaos.json
	$(BIN)/python -m tools.chaos --tight --share 0.4 --rate 600 --json var/chaos-tight.json
	$(BIN)/python -m tools.chaos --failpoints --json var/chaos-failpoints.json

sim: $(VENV)/run.stamp ## The whole gateway in simulated worlds; SEED=n runs one, SEEDS=n so many
	$(BIN)/python -m tools.sim $(if $(SEED),--seed $(SEED) --verbose,--seeds $(or $(SEEDS),1000) --jobs 2) --json var/sim.json

interop: $(VENV)/test.stamp ## Clients and a carrier that nobody here wrote (installs Debian's and npm's), judged with tshark
	$(BIN)/python -m tools.interop

fuzz: $(VENV)/run.stamp ## Fuzz all that reads a peer's octets; FUZZ_RUNS=n PDUs (a million: some two minutes)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]' \
		|| echo "atheris cannot be installed for this Python: fuzzing without guidance by coverage"
	$(BIN)/python -m tools.fuzz --runs $(or $(FUZZ_RUNS),1000000) --json var/fuzz.json

day: $(VENV)/run.stamp ## A scripted day of five countries and twelve carriers under each way of choosing; draws docs/day.svg (about 2 minutes)
	$(BIN)/python -m tools.day --json var/day.json --picture docs/day.svg

choice-picture: $(VENV)/run.stamp ## Hours in which carriers turn bad, under each policy; draws docs/choice.svg (about 2 minutes)
	$(BIN)/python -m tools.choice_picture

check-metrics: $(VENV)/run.stamp ## Lint /metrics with promtool and scrape it with a real Prometheus (installs Debian's)
	tools/check_metrics.sh

check-api: $(VENV)/test.stamp ## The HTTP API against its OpenAPI document, by schemathesis (EXAMPLES=n a call)
	tools/check_api.sh

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .venv-check-api build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
