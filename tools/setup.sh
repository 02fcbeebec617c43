#!/usr/bin/env bash
# Install what the project needs: simulator and compiler from the system's packages, the rest into a Python venv.
# Safe to run again; an existing venv is kept. `make setup` calls it.
set -euo pipefail
unset CDPATH PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_VIRTUALENV
export PIP_USER=0  # a venv has no place for packages of a user
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}
LOG=build/setup.log

say() { echo "setup: $*"; }
die() { echo "setup: error: $*" >&2; exit 1; }

# Run a command whose talk goes to the log, of which `filter` (sed) prints what a person wants to see.
logged() {
    local filter=$1
    shift
    say "$*"
    "$@" 2>>"$LOG" </dev/null | tee -a "$LOG" | sed -n "$filter" || {
        tail -n 5 "$LOG" >&2
        die "$* failed; the whole log is in $LOG"
    }
}

# Install Debian packages; without the right to, say what is missing.
install() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        die "missing system packages, install them first (on Debian: apt-get install $*)"
    fi
    export DEBIAN_FRONTEND=noninteractive
    logged '' apt-get -q update
    logged 's/^Setting up \([^ ]*\).*/setup:   \1/p' apt-get -q install -y --no-install-recommends "$@"
}

usable() { "$1" -m pip --version >/dev/null 2>&1; }

system_packages() {
    local missing=() command
    for command in iverilog g++ make; do
        command -v "$command" >/dev/null || missing+=("$command")
    done
    # Debian splits ensurepip, which gives a venv its pip, off the interpreter.
    usable "$VENV/bin/python" || "$PYTHON" -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    [ ${#missing[@]} = 0 ] || install "${missing[@]}"
}

python_venv() {
    if ! usable "$VENV/bin/python"; then
        "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
            die "$PYTHON must be Python 3.11 or newer, not $("$PYTHON" -V 2>&1); choose another with make setup PYTHON=..."
        say "new Python environment $VENV ($("$PYTHON" -V))"
        "$PYTHON" -m venv --clear "$VENV"
    fi
    logged 's/^Collecting \([^ ]*\).*/setup:   \1/p; s/^Processing .*\/\([^-]*-[^-]*\)-.*whl.*/setup:   \1/p' \
        "$VENV/bin/python" -m pip install --progress-bar off --disable-pip-version-check \
        --require-hashes --requirement requirements.lock
    logged '' "$VENV/bin/python" -m pip install --progress-bar off --disable-pip-version-check \
        --no-deps --no-build-isolation --editable .
}

# cocotb embeds Python in the simulator, so it needs the shared library that Debian splits off, too.
shared_libpython() {
    [ -n "$("$VENV/bin/python" -m find_libpython)" ] || install libpython3-dev
    [ -n "$("$VENV/bin/python" -m find_libpython)" ] ||
        die "$PYTHON must come with its shared library (built with --enable-shared); choose another with PYTHON=..."
}

# Compiled here once: neither a first run nor tests side by side should wait for it.
kernels() {
    local engine scratch
    scratch=$(mktemp -d)
    for engine in twin float; do
        say "compiling the $engine engine"
        logged '' "$VENV/bin/oxmc" train cancer --engine "$engine" --rows 2 --out "$scratch/$engine"
    done
    rm -rf "$scratch"
}

mkdir -p build
: >"$LOG"
system_packages
python_venv
shared_libpython
kernels
say "done"
