# Tandem. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help setup picture up down test torture mutants receipts lint format status logs console releases localcloud \
  bench-apps bench-provision bench-localcloud lock

PYTHON ?= python3
export PYTHON
# The inventory folder, named after the environment.
ENVIRONMENT ?= local
ENV_NAME ?= $(ENVIRONMENT)
# Commands for the local cloud run in its network, all others directly.
WITHIN := $(if $(filter local,$(ENVIRONMENT)),localcloud exec --)
# An environment without a folder of its own is named with -e.
NAMED := -i inventory/$(ENVIRONMENT) $(if $(filter $(ENVIRONMENT),$(ENV_NAME)),,-e 'env_name=$(ENV_NAME)')
PLAYBOOK := $(WITHIN) ansible-playbook $(NAMED)
REPORT := $(WITHIN) env ANSIBLE_STDOUT_CALLBACK=tandem.platform.plain ansible-playbook $(NAMED)
# For targets that start or stop the local cloud, or break what runs there.
LOCAL_ONLY = @test $(ENVIRONMENT) = local || { echo "make $@ is for the local cloud only; on AWS: $(1)" >&2; exit 2; }
# macOS ends forked workers that look for a proxy, as boto3 does, unless this says otherwise.
export OBJC_DISABLE_INITIALIZE_FORK_SAFETY := YES
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# Checked before anything is installed.
ifeq ($(ENVIRONMENT),local)
ifneq ($(filter localcloud up down status releases logs console picture mutants receipts,$(MAKECMDGOALS)),)
ifneq ($(shell id -u),0)
$(error The local cloud creates network namespaces and firewall tables, so it needs root. Run `sudo -s`, then again: make $(MAKECMDGOALS))
endif
endif
endif

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.runtime: requirements.txt localcloud/pyproject.toml bin/make-venv
	@bin/make-venv requirements.txt && touch $@

.venv/.development: requirements-dev.txt .venv/.runtime
	@bin/make-venv requirements-dev.txt && touch $@

setup: .venv/.runtime ## Create the virtual environment only

localcloud: .venv/.runtime
	$(call LOCAL_ONLY,ansible-playbook -i inventory/$(ENVIRONMENT) site.yml)
	@localcloud up

up: localcloud ## Start the local cloud and deploy to it; a second run changes nothing
	@$(PLAYBOOK) site.yml $(ARGS)

down: .venv/.runtime ## Tear the deployment down, then the local cloud
	$(call LOCAL_ONLY,ansible-playbook -i inventory/$(ENVIRONMENT) playbooks/teardown.yml)
	@if localcloud status --json >/dev/null 2>&1; then $(PLAYBOOK) playbooks/teardown.yml -e confirm=tandem-$(ENV_NAME) $(ARGS); fi
	@localcloud down
	@rmdir .state/$${LOCALCLOUD_NAME:-localcloud} .state 2>/dev/null || :

status: .venv/.runtime ## Show what runs where, and any drift
	@$(REPORT) playbooks/status.yml $(ARGS)

releases: .venv/.runtime ## List releases: who deployed what, when, and the result
	@$(REPORT) playbooks/releases.yml $(ARGS)

logs: .venv/.runtime ## Follow the logs of all containers, merged (ARGS="backend --no-follow")
	@$(WITHIN) bin/logs --environment $(ENV_NAME) $(ARGS)

console: .venv/.runtime ## Open psql on the database, as the application's user, through a backend
	@$(WITHIN) bin/console $(ENV_NAME)

picture: .venv/.runtime ## Draw docs/topology.svg from the verification of the running deployment
	@$(PLAYBOOK) playbooks/verify.yml $(ARGS)
	@cp reports/$(ENV_NAME)/topology.svg docs/topology.svg

mutants: .venv/.development ## Break the running deployment in every known way; the verification must notice
	$(call LOCAL_ONLY,python -m tests.mutants -i inventory/$(ENVIRONMENT) --insist)
	@localcloud exec -- python -m tests.mutants $(ARGS)

receipts: .venv/.development ## Roll out, roll back and fail a release under load; count lost requests
	$(call LOCAL_ONLY,python -m tests.releases.receipts -i inventory/$(ENVIRONMENT) --insist)
	@localcloud exec -- python -m tests.releases.receipts $(ARGS)

bench-apps: .venv/.development ## Measure requests per second of the applications, against bare ones
	@python -m tests.bench.apps $(ARGS)

bench-provision: .venv/.development ## Time creation, second run and teardown, against a boto3 script
	@python -m tests.bench.provision $(ARGS)

bench-localcloud: .venv/.development ## Measure the local cloud: start, time from call to packets, memory, calls per second
	@python localcloud/tests/bench/cloud.py $(ARGS)

test: .venv/.development ## Run every required test; ends with a summary (ARGS="--only fast" picks steps)
	@bin/test $(ARGS)

torture: .venv/.development ## Run the tests with all mutants, kills and broken releases, not a daily sample
	@bin/test --torture $(ARGS)

lint: .venv/.development ## Run ansible-lint, ansible-test sanity, yamllint, ruff, mypy, shellcheck, hadolint
	@bin/lint

format: .venv/.development ## Format the Python code
	@ruff format . && ruff check --fix .

LOCK := pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: .venv/.development ## Pin the newest dependencies, with hashes
	@$(LOCK) --upgrade --output-file requirements.txt requirements.in localcloud/pyproject.toml
	@$(LOCK) --upgrade --output-file requirements-dev.txt requirements-dev.in
