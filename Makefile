# make run    set up .venv on the first call, then start the server with config.yaml
# make test   everything: lint, the client's modules (where Node is), pytest with a real Chromium
# make test-postgresql  all that runs a server, on PostgreSQL (of that, make test runs what depends on where messages are kept)
# make test-firefox  the page in Firefox, where there is one
# make lock   write requirements.lock anew: all that a deployment installs, with hashes
# make audit  look for known flaws in what requirements.lock names
# make lint   ruff, mypy, the layers, and whether all tests can be imported
# make fix    what ruff can mend and format by itself
# make bench  measure this server and others side by side (an hour); make bench-quick: in two minutes
# make client-figures  what the browser client costs on a slow line: requests, bytes, time to the first message; and with large rooms
# make search-figures  what searching costs, with 200,000 messages (MESSAGES=1000000 for more)
# make types  check the types of the client, where TypeScript is
# make soak   ten minutes of half load with clients that come, go, lag and crash: memory flat, nothing lost
# make chaos  let parts of a cluster die and be cut off, over and over: make chaos ROUNDS=20
# make autobahn  check RFC 6455 with the cases of the Autobahn test suite (needs Python 2.7)
# make fuzz-http  random requests by the description of the HTTP interface, EXAMPLES=50 of each kind
# make confusables  write the table of names that look alike anew
# make icons  draw the icons of the installed app anew
# make screenshots  draw the pictures in the README and the docs anew
# make docs   hold the docs against the code, and make the pictures in them anew
# make clean  remove what was made, .venv too; never ./data

.DEFAULT_GOAL := run
.PHONY: run test test-postgresql lint fix confusables icons docs clean chromium postgresql redis proxies client bench bench-quick client-figures types soak chaos autobahn fuzz-http search-figures test-firefox lock audit screenshots

# The Python to make .venv with: `make PYTHON=/opt/python/bin/python3 run`.
PYTHON ?= $(shell for each in python3.14 python3.13 python3.12 python3.11 python3; do \
	"$$each" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$each" && break; done)

BIN := .venv/bin
PYTEST = $(BIN)/pytest -n auto --maxprocesses=8 --hypothesis-profile=ci
# Compiled once, not by each of pytest's workers and each process that they start.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input
SYSTEM_CHROMIUM = command -v chromium || command -v chromium-browser || command -v google-chrome \
	|| command -v google-chrome-stable

# A .venv whose Python is gone (upgraded, or never finished) is made anew, with its stamps.
IGNORED := $(shell test -x .venv/bin/python || rm -rf .venv)

run: .venv/run.stamp
	@exec $(BIN)/chatserver serve --config config.yaml

test: .venv/test.stamp chromium postgresql redis proxies lint client
	$(PYTEST)
	@$(MAKE) --no-print-directory test-firefox

# MARKED takes some of them: make test-postgresql MARKED='sockets and storage'.
MARKED ?= sockets
test-postgresql: .venv/test.stamp postgresql
	TEST_CHATSERVER_STORE=postgresql $(PYTEST) -q -m "$(MARKED)"

# What differs between browsers; the whole suite has Chromium.
test-firefox: .venv/test.stamp
	@if command -v firefox-esr >/dev/null || command -v firefox >/dev/null; then $(BIN)/pytest -q -m firefox tests/browser; \
	else echo "No Firefox here: what needs one is skipped. On Debian and Ubuntu: apt-get install firefox-esr" >&2; fi

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@found=$$($(BIN)/pytest --collect-only -qq) || { echo "$$found" | tail -50; exit 1; }

# Both tools are for this alone, so that they come when they are asked for.
lock: .venv/test.stamp
	$(PIP) install uv
	$(BIN)/uv pip compile setup.py --quiet --universal --python-version 3.11 --generate-hashes \
		--extra hears --extra postgresql --extra redis --extra s3 --no-emit-index-url --no-header --upgrade -o requirements.lock

audit: .venv/test.stamp
	$(PIP) install pip-audit
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements.lock

fix: .venv/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

EXAMPLES ?= 50
fuzz-http: .venv/test.stamp
	EXAMPLES=$(EXAMPLES) $(BIN)/pytest -q tests/test_openapi.py -k random

confusables: .venv/test.stamp
	PYTHONPATH=. $(BIN)/python tests/confusables.py

icons: .venv/test.stamp chromium
	$(BIN)/python tests/icons.py

docs: .venv/test.stamp chromium
	SCREENSHOT=1 $(BIN)/pytest -q tests/test_docs.py tests/test_transcripts.py tests/browser/test_window_screenshot.py tests/browser/test_window_slots.py

screenshots: .venv/test.stamp chromium
	SCREENSHOT=1 $(BIN)/pytest -q tests/browser/test_window_screenshot.py tests/browser/test_window_slots.py

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f chatserver/delivery/_send*.so
	find chatserver plugins tests -name __pycache__ -type d -prune -exec rm -rf {} +

# BENCH takes options: make bench BENCH='--scenario chatty --rounds 5'; benchmarks/README.md has all.
bench: .venv/bench.stamp
	$(BIN)/python -m benchmarks.run $(BENCH)

bench-quick: .venv/run.stamp
	$(BIN)/python -m benchmarks.run --quick $(BENCH)

# Lighthouse's scores too, where npm has installed it: npm install --global lighthouse.
client-figures: .venv/test.stamp chromium
	$(BIN)/python -m benchmarks.client_figures

search-figures: .venv/test.stamp
	MESSAGES=$(or $(MESSAGES),200000) $(BIN)/python -m benchmarks.search_figures

# The client's types stand in comments; checked where TypeScript is (npm install -g typescript).
types:
	@if command -v tsc >/dev/null; then tsc -p jsconfig.json; else echo "No tsc here: the client's types are not checked." >&2; fi

# SOAK takes options: make soak SOAK='--minutes 60 --guests 20'.
soak: .venv/run.stamp
	$(BIN)/python -m benchmarks.soak $(SOAK)

# A round of all of it takes three minutes; CHAOS takes options of pytest: make chaos CHAOS='-k kills'.
ROUNDS ?= 3
chaos: .venv/test.stamp postgresql redis
	CHAOS_ROUNDS=$(ROUNDS) $(BIN)/pytest -q -m chaos $(CHAOS) tests/chaos

# CASES takes some of them: make autobahn CASES='6.* 7.1.1'; tests/rfc6455/README.md has more.
autobahn: .venv/test.stamp
	PYTHON2="$(PYTHON2)" $(BIN)/python tests/rfc6455/autobahn.py $(CASES)

INSTALLED := setup.py pyproject.toml chatserver/delivery/_send.c

# pip runs again only when what it reads has changed: a start that has nothing to install takes no time.
.venv/run.stamp: $(INSTALLED) | .venv/bin/python
	@echo "Installing chatserver into .venv …"
	@$(PIP) install --editable .
	@touch $@

.venv/test.stamp: $(INSTALLED) | .venv/bin/python
	@echo "Installing chatserver and its test tools into .venv …"
	@$(PIP) install --editable '.[test]'
	@touch .venv/run.stamp $@

.venv/bench.stamp: $(INSTALLED) | .venv/bin/python
	@echo "Installing chatserver and what draws the benchmark's plots into .venv …"
	@$(PIP) install --editable '.[bench]'
	@touch .venv/run.stamp $@

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "chatserver needs Python 3.11 or newer; none was found." \
		"Name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -m venv .venv || { rm -rf .venv; echo "No virtual environment could be made with $(PYTHON);" \
		"on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# The browser tests take the system's Chromium, else Debian's package, else the one Playwright downloads.
chromium: .venv/test.stamp
	@$(SYSTEM_CHROMIUM) >/dev/null && exit; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's chromium …"; \
		export DEBIAN_FRONTEND=noninteractive PATH="$$PATH:/usr/sbin:/sbin"; \
		{ apt-get update -qq && apt-get install -qq --no-install-recommends chromium; } >/dev/null; \
		$(SYSTEM_CHROMIUM) >/dev/null && exit; \
	fi; \
	echo "Taking the Chromium that Playwright brings …"; \
	$(BIN)/playwright install chromium

# The tests start their own PostgreSQL, from Debian's packages where there is none; without one they skip what needs it.
postgresql: .venv/test.stamp
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's postgresql …"; \
		export DEBIAN_FRONTEND=noninteractive PATH="$$PATH:/usr/sbin:/sbin"; \
		mkdir -p /etc/postgresql-common; \
		[ -e /etc/postgresql-common/createcluster.conf ] || \
			echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf; \
		{ apt-get update -qq && apt-get install -qq --no-install-recommends postgresql; } >/dev/null && exit; \
	fi; \
	echo "No PostgreSQL here: what needs one is skipped. On Debian and Ubuntu: apt-get install postgresql" >&2

# nginx and Caddy for the tests of deploy/: unpacked, not installed, as a package would start a service.
proxies: .venv/test.stamp
	@command -v nginx >/dev/null && command -v caddy >/dev/null || test -x .venv/proxies/usr/bin/caddy && exit; \
	if command -v apt-get >/dev/null && command -v dpkg >/dev/null; then \
		echo "Fetching Debian's nginx and caddy into .venv/proxies …"; \
		mkdir -p .venv/proxies && cd .venv/proxies && { apt-get download nginx caddy \
			|| { apt-get update -qq && apt-get download nginx caddy; } } >/dev/null 2>&1 \
			&& for each in *.deb; do dpkg -x "$$each" .; done && exit; \
	fi; \
	echo "No nginx and Caddy here: what needs them is skipped. On Debian and Ubuntu: apt-get install nginx caddy" >&2

# The tests of several servers start their own Redis, as they do with PostgreSQL.
redis:
	@command -v redis-server >/dev/null || command -v valkey-server >/dev/null && exit; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's redis-server …"; \
		export DEBIAN_FRONTEND=noninteractive PATH="$$PATH:/usr/sbin:/sbin" RUNLEVEL=1; \
		{ apt-get update -qq && apt-get install -qq --no-install-recommends redis-server; } >/dev/null && exit; \
	fi; \
	echo "No Redis here: what needs one is skipped. On Debian and Ubuntu: apt-get install redis-server" >&2

# Node 20.19 is the first that takes a .js file with imports for what it is.
client:
	@if node -e 'process.exit(process.features.require_module ? 0 : 1)' 2>/dev/null; then \
		find tests/client -name '*.test.js' -o -name '*.test.mjs' | xargs -r node --test; \
	else \
		echo "SKIPPED: the client's own tests need Node 20.19 or newer, which is not here."; \
	fi
