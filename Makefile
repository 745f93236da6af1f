# Everything a person, the hook and CI run. `make help` lists it. GNU Make 3.81 is enough.

VENV := .venv
PYTHON := $(VENV)/bin/python
# The locked files name everything that is installed, so nothing is left for pip to resolve.
PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check install --require-hashes --no-deps
# Tests and checks choose their own servers, whatever the shell says.
EMBEDDED := env -u DATABASE_URL -u REDIS_URL -u EMAIL_URL
# What no database makes any difference to, or what brings its own, need not run twice: the rules and the processes
# beside SQLite, the pages in a browser on the real servers.
ONCE := --ignore=tests/domain --ignore=tests/processes/test_embedded.py --ignore=tests/processes/test_faults.py \
    --ignore=tests/admin/test_roles.py --ignore=tests/admin/test_words.py --ignore=tests/admin/test_liaison.py \
    --ignore=tests/rollout/test_import_files.py --ignore=tests/admin/test_english.py --ignore=tests/test_languages.py \
    --ignore=tests/test_project.py --ignore=tests/api/test_schema.py --ignore=tests/api/test_problems.py \
    --ignore=tests/api/test_conditional.py --ignore=tests/api/test_contract.py --ignore=tests/api/test_fuzz.py \
    --ignore=tests/api/test_chart_files.py --ignore=tests/api/test_kept.py --ignore=tests/rollout/test_charts.py \
    --ignore=tests/rollout/test_sentences.py --ignore=tests/api/test_deprecation.py --ignore=tests/rollout/test_slide.py \
    --ignore=tests/dashboard/test_slide.py --ignore=tests/rollout/test_tables.py --ignore=tests/rollout/test_mail_text.py \
    --ignore=tests/rollout/test_invitations.py --ignore=tests/admin/test_reminder_rules.py --ignore=tests/dashboard/test_page.py \
    --ignore=tests/admin/test_citing.py --ignore=tests/rollout/test_fields.py --ignore=tests/signin/test_oidc.py \
    --ignore=tests/admin/test_confirmation.py --ignore=tests/rollout/test_preview.py --ignore=tests/admin/test_contacts.py \
    --ignore=tests/admin/test_foresight.py --ignore=tests/admin/test_slip_assumption.py --ignore=tests/admin/test_baselines.py \
    --ignore=tests/admin/test_exporting.py --ignore=tests/admin/test_impact.py \
    --ignore=tests/dashboard/test_answering.py --ignore=tests/rollout/test_digest.py \
    --ignore=tests/rollout/test_explanation.py --ignore=tests/rollout/test_foresight.py \
    --ignore=tests/dashboard/test_contrast.py --ignore=tests/rollout/test_timeline.py --ignore=tests/rollout/test_drawing.py
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

.PHONY: help run test soak check bench lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | awk -F'|' '{ printf "make %-6s %s\n", $$1, $$2 }'

run: $(VENV)/.run-stamp ## install what is needed and start the product
	@exec $(PYTHON) manage.py up

test: $(VENV)/.dev-stamp ## the whole suite, on SQLite and on real servers
	@mkdir -p var; echo "== tests on SQLite, without a broker; beside them the rules, and all on PostgreSQL and Valkey: reports follow"
	@$(EMBEDDED) $(PYTHON) -m tests.servers pytest -p no:cacheprovider $(ONCE) > var/servers.log 2>&1 & servers=$$!; \
	$(EMBEDDED) $(PYTHON) -m pytest -p no:cacheprovider tests/domain --cov=rollout/domain --cov-report= \
	    > var/rules.log 2>&1 & rules=$$!; \
	trap 'kill $$servers $$rules' INT TERM; \
	$(EMBEDDED) $(PYTHON) -m pytest --ignore=tests/domain -m "not browser"; status=$$?; \
	echo "== the rules"; wait $$rules || status=1; cat var/rules.log; \
	echo "== tests on PostgreSQL and Valkey"; wait $$servers || status=1; cat var/servers.log; exit $$status
	@echo "== every line and branch of the rules is tested by their own tests"
	$(PYTHON) -m coverage report --show-missing --include='rollout/domain/*' --fail-under=100

soak: $(VENV)/.dev-stamp ## 2,000 reminders while everything is killed at random, 20 minutes at most
	@$(EMBEDDED) $(PYTHON) -m tests.processes.faults $(SEED)

check: $(VENV)/.dev-stamp ## format, lint, types, import rules, missing migrations
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(EMBEDDED) $(VENV)/bin/mypy .
	$(VENV)/bin/lint-imports
	$(EMBEDDED) $(PYTHON) manage.py makemigrations --check --dry-run

bench: $(VENV)/.dev-stamp ## how long figures take, on SQLite and PostgreSQL, as ratios in Markdown
	@$(EMBEDDED) $(PYTHON) -m bench
	@$(EMBEDDED) $(PYTHON) -m tests.servers python -m bench

lock: $(VENV)/.dev-stamp ## write both requirements*.txt (`make lock UPGRADE=--upgrade`: with newer versions)
	$(VENV)/bin/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url requirements.in -o requirements.txt
	$(VENV)/bin/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url requirements-dev.in -o requirements-dev.txt

clean: ## remove the environment and all caches; data in var/ stays
	rm -rf $(VENV) .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache staticfiles
	find . -name .git -prune -o -name var -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# The environment. A development environment holds all that a run needs, so it renews both stamps.

$(VENV)/.run-stamp: requirements.txt
	@$(make_venv)
	@echo "Installing what gss_tracker runs on, about a minute the first time ..."
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev-stamp: requirements-dev.txt
	@$(make_venv)
	@echo "Installing what gss_tracker's tests and checks need, about a minute the first time ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/.run-stamp

define make_venv
if $(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null && $(PYTHON) -m pip --version >/dev/null 2>&1; then exit 0; fi; \
for python in python3 python3.11 python3.12 python3.13; do \
    if "$$python" -c '$(NEW_ENOUGH)' 2>/dev/null; then \
        echo "Making $(VENV) with $$("$$python" --version) ..."; \
        exec "$$python" -m venv --clear $(VENV); \
    fi; \
done; \
echo "gss_tracker needs Python 3.11 or newer with its venv module, as python3, python3.11, 3.12 or 3.13 on" >&2; \
echo "PATH. On Debian and Ubuntu: apt install python3 python3-venv" >&2; \
exit 1
endef
