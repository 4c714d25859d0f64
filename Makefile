# Thin targets. A checkout keeps its environment in .venv; `make install` builds another
# one under PREFIX. Nothing but pip is asked for packages, except by `make test` as root
# with APT=yes or CI set.

PYTHON ?= python3
JOBS ?= 4
ROUNDS ?= 20
FRAMES ?= 10000000
APT ?=
POLICY ?= /usr/sbin/policy-rc.d
CI ?=
DESTDIR ?=
PREFIX ?= /opt/punchgate
UNITS ?= punchgate.service punchgate-central.service

BIN = .venv/bin
# pyzk comes as source only; it is built with what requirements/build.txt pins.
PIP_INSTALL = install -q --disable-pip-version-check --no-build-isolation --use-pep517
CORE = gateway/core/*
GATED = $(CORE),gateway/store/outbox.py,gateway/store/drain.py,sync/ledger.py,drivers/zk/*

CHECK_MACHINE = $(PYTHON) -c 'import struct, sys; \
	struct.calcsize("P") == 8 or sys.exit("punchgate needs a 64-bit system; this Python is a 32-bit one."); \
	sys.version_info >= (3, 11) or sys.exit("punchgate needs Python 3.11 or newer; this is %d.%d (PYTHON=... names another)." % sys.version_info[:2])'

.PHONY: demo test quick check bench bench-suspicion bench-fleet soak packages install uninstall
.DELETE_ON_ERROR:

demo: .venv/demo
	@$(BIN)/punchgate demo

test: .venv/test packages
	$(BIN)/pytest -n $(JOBS) --dist worksteal --cov --cov-report=
	$(BIN)/coverage report --include='$(GATED)' --fail-under=100
	@$(FIND_MISSING); echo "skipped for want of a package:$${missing:- nothing}"

quick: .venv/test
	$(BIN)/pytest -q -n $(JOBS) --dist worksteal -m "not slow" tests/drivers tests/gateway tests/sync tests/central tests/oracle

check: .venv/test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Half an hour, most of it the fleet.
bench: .venv/test
	$(BIN)/python -m benchmarks.delivery
	$(BIN)/python -m benchmarks.codec
	$(BIN)/python -m benchmarks.reading
	$(BIN)/python -m benchmarks.rolling
	$(BIN)/python -m benchmarks.importing
	$(BIN)/python -m benchmarks.judging
	$(BIN)/python -m benchmarks.desk
	$(BIN)/python -m benchmarks.fleet

# Some 250 simulated sites of 200 people: half an hour. Ends with 1 if a floor is missed.
bench-suspicion: .venv/test
	$(BIN)/python -m benchmarks.suspicion --into build/suspicion
	$(BIN)/python -m benchmarks.suspicion --report build/suspicion

# The fleet alone, fifty terminals of 100,000 records each: some ten minutes.
bench-fleet: .venv/test
	$(BIN)/python -m benchmarks.fleet

# Ten million broken frames, a million punches through every fault, Node-RED, then the
# slow tests again and again, with fresh random input each time, until one fails.
soak: .venv/test
	FUZZ_FRAMES=$(FRAMES) FUZZ_SEED=$$(date +%s) $(BIN)/pytest -q -s tests/drivers/test_zk_fuzz.py
	PUNCHGATE_SEED=new PUNCHGATE_SCHEDULE=1000000 PUNCHGATE_KILLS=1000 PUNCHGATE_BACKLOG=1000000 \
	  $(BIN)/pytest -q -s tests/faults
	$(BIN)/pytest -q -m soak
	@for round in $$(seq $(ROUNDS)); do echo "round $$round of $(ROUNDS)"; \
	  PUNCHGATE_POLLS=1008 $(BIN)/pytest -q -s -m slow --ignore=tests/faults --ignore=tests/test_install.py --ignore=tests/test_packaging.py \
	  || exit 1; done

# --- the environment of a checkout ---------------------------------------------------

.venv/pyvenv.cfg:
	@$(CHECK_MACHINE)
	$(PYTHON) -m venv .venv

.venv/demo: .venv/pyvenv.cfg pyproject.toml $(addprefix requirements/,run.txt central.txt build.txt demo.txt broker.txt)
	@$(CHECK_MACHINE)
	$(BIN)/pip $(PIP_INSTALL) -r requirements/build.txt
	$(BIN)/pip $(PIP_INSTALL) -r requirements/demo.txt
	$(BIN)/pip $(PIP_INSTALL) --no-deps -e .
	@$(BIN)/pip install -q --disable-pip-version-check --only-binary :all: -r requirements/broker.txt 2>/dev/null \
	  || echo "No wheel of the iotcore broker could be had for this machine: demo and tests need mosquitto (apt-get install mosquitto)."
	@touch $@

.venv/test: .venv/demo requirements/test.txt
	$(BIN)/pip $(PIP_INSTALL) -r requirements/test.txt
	@touch $@

# --- programs that some tests want ---------------------------------------------------

FIND_MISSING = missing=; PATH="$$PATH:/usr/sbin:/usr/local/sbin"; \
	for bin in /usr/lib/postgresql/*/bin; do PATH="$$PATH:$$bin"; done; \
	for pair in mosquitto:mosquitto mosquitto_sub:mosquitto-clients initdb:postgresql node:nodejs npm:npm; do \
	  command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair\#\#*:}"; done

# Debian starts the services it installs; the policy says no, and goes again.
packages:
	@$(FIND_MISSING); \
	{ [ "$(APT)" = yes ] || [ -n "$(CI)" ]; } && [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] || exit 0; \
	if [ ! -e $(POLICY) ]; then trap 'rm -f $(POLICY)' EXIT; trap 'exit 130' INT TERM; \
	  printf '#!/bin/sh\nexit 101\n' >$(POLICY); chmod 755 $(POLICY); fi; \
	apt-get -q update && DEBIAN_FRONTEND=noninteractive \
	  apt-get -q install -y --no-install-recommends $$missing \
	|| echo "apt-get failed; the tests that want these are skipped:$$missing"

# --- installation --------------------------------------------------------------------

ETC = $(DESTDIR)/etc/punchgate
SHARED = $(DESTDIR)/usr/local/lib
NEW = $(abspath $(DESTDIR)$(PREFIX).new)

# Built beside the old one and moved into its place when complete; the paths that venv
# and pip write into it are those of its final place.
install:
	@$(CHECK_MACHINE)
	@[ -n "$(DESTDIR)" ] || case "$$($(PYTHON) -c 'import sys; print(sys.base_prefix)')" in \
	  /home/*|/root/*) echo "The service may not read a Python below /home or /root: make install PYTHON=/usr/bin/python3" >&2; exit 2;; esac
	@rm -rf "$(NEW)"; umask 022; work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && set -e; \
	  $(PYTHON) -m venv "$(NEW)"; pip="$(NEW)/bin/pip -q --disable-pip-version-check"; \
	  $$pip install --target "$$work/build" -r requirements/build.txt; \
	  PYTHONPATH="$$work/build" $$pip wheel --no-deps --no-build-isolation --use-pep517 \
	    -w "$$work" "$$(grep '^pyzk==' requirements/run.txt)" .; \
	  $$pip install --no-compile --find-links "$$work" -r requirements/central.txt; \
	  $$pip install --no-compile --no-deps "$$work"/punchgate-*.whl
	@grep -rlI "$(NEW)" "$(NEW)/bin" "$(NEW)/pyvenv.cfg" | xargs sed -i 's|$(NEW)|$(PREFIX)|g'
	@"$(NEW)/bin/python" -W ignore -m compileall -fq -s "$(NEW)" -p "$(PREFIX)" "$(NEW)/lib"
	@rm -rf "$(DESTDIR)$(PREFIX)"; mv "$(NEW)" "$(DESTDIR)$(PREFIX)"
	@install -d "$(DESTDIR)/usr/local/bin" "$(SHARED)/systemd/system" "$(SHARED)/sysusers.d" "$(SHARED)/tmpfiles.d"
	@install -d -m 750 "$(ETC)"
	@ln -sfn "$(PREFIX)/bin/punchgate" "$(DESTDIR)/usr/local/bin/punchgate"
	@for name in gateway central book; do [ -e "$(ETC)/$$name.toml" ] \
	  || install -m 640 config/$$name.example.toml "$(ETC)/$$name.toml"; done
	@for unit in punchgate.service punchgate-central.service; do \
	  sed 's|/opt/punchgate|$(PREFIX)|g' systemd/$$unit >"$(SHARED)/systemd/system/$$unit"; done
	@install -m 644 systemd/punchgate.sysusers "$(SHARED)/sysusers.d/punchgate.conf"
	@install -m 644 systemd/punchgate.tmpfiles "$(SHARED)/tmpfiles.d/punchgate.conf"
	@[ -n "$(DESTDIR)" ] || { systemd-sysusers punchgate.conf && systemd-tmpfiles --create punchgate.conf \
	  && systemctl daemon-reload && systemctl enable $(UNITS) && systemctl try-restart $(UNITS); }
	@echo "Installed. Write $(ETC)/gateway.toml and book.toml, then: punchgate check-config && systemctl start punchgate"

uninstall:
	@[ -n "$(DESTDIR)" ] || systemctl disable --now punchgate.service punchgate-central.service || true
	@rm -rf "$(DESTDIR)$(PREFIX)"
	@rm -f "$(DESTDIR)/usr/local/bin/punchgate" "$(SHARED)/sysusers.d/punchgate.conf" "$(SHARED)/tmpfiles.d/punchgate.conf"
	@rm -f "$(SHARED)/systemd/system/punchgate.service" "$(SHARED)/systemd/system/punchgate-central.service"
	@[ -n "$(DESTDIR)" ] || systemctl daemon-reload || true
	@echo "Removed. Kept: $(ETC) and $(DESTDIR)/var/lib/punchgate (configuration, book, journal) and the user punchgate."
