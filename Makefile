# `make help` lists the targets. What they make lies under build/ and .venv/, both ignored by git.

PYTHON ?= python3
VENV   := .venv
BUILD  := build

# What a shell exports for another project is not meant for this one: SIM and T count after `make` alone.
ifneq ($(origin SIM),command line)
override undefine SIM
endif
ifneq ($(origin T),command line)
override undefine T
endif
ifneq ($(filter-out icarus verilator,$(SIM)),)
$(error SIM must be icarus or verilator, not '$(SIM)')
endif
ifdef SIM
export OXMC_SIM := $(SIM)
endif
unexport PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONWARNINGS PYTHONOPTIMIZE PYTHONINSPECT PYTHONDONTWRITEBYTECODE CDPATH
unexport PYTEST_ADDOPTS PYTEST_PLUGINS PYTEST_DISABLE_PLUGIN_AUTOLOAD
export HYPOTHESIS_STORAGE_DIRECTORY := $(BUILD)/hypothesis

# A test file a worker. One more than there are cores, since tests wait for clusters, disks and clocks, too.
SIDE_BY_SIDE = -n $$(($$(nproc) + 1)) --dist loadfile --no-loadscope-reorder

# The tests to run: all, or those of bench T.
TESTS = $(if $(T),$(or $(shell find tests -name 'test_$(T).py'),$(error T must name a bench, so that \
	test_$(T).py exists)),tests)

# Runs command $(2) and keeps its exit code for `make signoff` as $(1), where it is the whole of it that runs.
KEPT = $(VENV)/bin/python -m oxmc.signoff.kept
keep = $(if $(T)$(SIM)$(PROOF),$(2),$(KEPT) start $(1); $(2); code=$$?; $(KEPT) end $(1) $$code; exit $$code)
XML = --junitxml=$(BUILD)/signoff/

# What `make quick` tests: arithmetic, tables and rules, without a simulator.
UNITS := array blocks budget config costs docs draws evaluate fixed house identifiers streams testplan

.PHONY: help setup demo test plan quick bare regress characterise cell power formal upsets lint signoff lock release waves docs tutorials site clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 15

setup: $(VENV)/.setup ## install all that is needed, the Python part into .venv/

$(VENV)/.setup: pyproject.toml requirements.lock tools/setup.sh
	@PYTHON='$(PYTHON)' VENV='$(VENV)' tools/setup.sh
	@touch $@

demo: setup ## train the cancer classifier on the simulated chip, at the paper's size
	@$(VENV)/bin/oxmc train cancer --preset paper

test: setup ## run the tests but the campaigns of `make regress`, or one bench: T=lfsr [SIM=icarus|verilator]
	@$(call keep,test,$(VENV)/bin/python -m pytest $(if $(T),,$(SIDE_BY_SIDE) -m "not campaign" $(XML)test.xml) $(TESTS))

plan: setup ## print what is checked, and by which tests
	@$(VENV)/bin/python -m pytest -q --plan tests || test $$? = 5

quick: setup lint ## for the inner loop: lint, types, unit tests, one bench, a tiny training on the RTL
	@$(VENV)/bin/python -m pytest -q $(foreach unit,$(UNITS),$(shell find tests -name test_$(unit).py))
	@OXMC_SIM=icarus $(VENV)/bin/python -m pytest -q tests/hdl/test_lfsr.py
	@rm -rf $(BUILD)/quick
	@$(VENV)/bin/oxmc train cancer --preset paper --engine icarus --rows 3 --set train_samples=12 --set test_samples=4 \
		--set burn_in=0 --out $(BUILD)/quick

bare: ## the two commands in fresh minimal trees of Debian 12 and 13; root only [RELEASES=bookworm] [COMMANDS=demo]
	@RELEASES='$(RELEASES)' COMMANDS='$(COMMANDS)' T='$(T)' tools/bare.sh

regress: setup ## long campaigns: the RTL against the twin at full size, in lockstep over 1e8 cycles; mistakes in the wiring; statistics
	@$(call keep,regress,OXMC_MUTATIONS=400 $(VENV)/bin/python -m pytest tests/cli/test_hostile_files.py && \
		OXMC_EFFORT=3 $(VENV)/bin/python -m pytest $(SIDE_BY_SIDE) $(XML)regress.xml tests && \
		$(VENV)/bin/python -m pytest -v -s regress)

characterise: setup ## measure the cell library from transistors; needs ngspice
	@$(VENV)/bin/python -m oxmc.silicon.characterise

cell: setup ## hold the array model against cell and row of transistors; needs ngspice
	@$(call keep,cell,$(VENV)/bin/python -m oxmc.silicon.cell)

power: setup ## measure what an event of the chip's logic costs, on its gates: ten minutes
	@$(VENV)/bin/python -m oxmc.silicon.gate_table

formal: setup ## prove the properties of docs/reference/formal.md; what was proven of the same RTL is not again
	@$(call keep,formal,$(VENV)/bin/python -m oxmc.formal $(PROOF))

upsets: setup ## flip bits at random in small trainings on Verilator, by class of state: [UPSETS=5000] [SET=KEY=VALUE]
	@for task in toy cancer; do \
		$(VENV)/bin/python -m oxmc.tb.upsets $$task --upsets $(or $(UPSETS),5000) $(if $(SET),--set $(SET)) || exit; \
	done

lint: setup ## check style, format and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

signoff: setup ## OpenTitan's checklists with checked evidence, as a page; takes up results of test, regress, formal, cell
	@$(VENV)/bin/python -m oxmc.signoff

lock: setup ## pin the dependencies anew, with hashes, into requirements.lock: [UPGRADE=1]
	@VENV='$(VENV)' UPGRADE='$(UPGRADE)' tools/lock.sh

release: setup ## the commit's wheel, Verilog and checksums into build/release, the same bytes each time
	@$(VENV)/bin/python -m tools.release

docs: setup ## print the pages of docs/ that follow from the sources; synthesises what has changed
	@$(VENV)/bin/python -m oxmc.pages

tutorials: setup ## execute the notebooks of docs/tutorials and keep their outputs
	@$(VENV)/bin/python -m oxmc.pages.notebooks

$(VENV)/.site: requirements-site.lock $(VENV)/.setup
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

site: $(VENV)/.site ## build docs/ as a site into build/site, strictly; it needs no network to be read
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet
	@echo '$(BUILD)/site: $(VENV)/bin/python -m http.server --directory $(BUILD)/site shows it'

waves: setup ## run one bench and keep its waves: T=lfsr [SIM=icarus|verilator]
	$(if $(T),,$(error T must name a bench, as in: make waves T=lfsr))
	@mkdir -p $(BUILD) && touch $(BUILD)/.waves
	@OXMC_WAVES=1 $(VENV)/bin/python -m pytest $(TESTS); status=$$?; \
	found() { find $(BUILD)/bench $(BUILD)/sim -name 'dump.*' -newer $(BUILD)/.waves "$$@" 2>/dev/null | sort; }; \
	whole=$$(found ! -path '*-broken/*'); broken=$$(found -path '*-broken/*'); \
	if [ -z "$$whole$$broken" ]; then echo 'waves: none written' >&2; exit 1; fi; \
	[ -z "$$whole" ] || printf 'waves: %s\n' $$whole; \
	[ -z "$$broken" ] || printf 'of a design broken on purpose: %s\n' $$broken; \
	exit $$status

clean: ## remove build/ and caches; .venv/ stays
	rm -rf $(BUILD) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
