#!/usr/bin/env bash
# Write requirements.lock anew: what `.[all]` and the build need, one version each, with the hash of every file of it,
# for Python 3.11 and newer. `make lock` keeps the versions that still fit, `make lock UPGRADE=1` takes the newest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=${VENV:-.venv}
LOCK=requirements.lock

# A machine's own indexes and constraints are not for everyone: uv knows nothing of pip's, and its own are left out.
for name in ${!UV_@}; do unset "$name"; done

"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.8'
build=$(mktemp --suffix .in)
trap 'rm -f "$build"' EXIT
"$VENV/bin/python" - >"$build" <<'PYTHON'
import tomllib

with open("pyproject.toml", "rb") as file:
    print("\n".join(tomllib.load(file)["build-system"]["requires"]))
PYTHON
"$VENV/bin/python" -m uv --no-config pip compile pyproject.toml "$build" --extra all --universal --python-version 3.11 \
    --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --quiet ${UPGRADE:+--upgrade} \
    --custom-compile-command 'make lock' --output-file "$LOCK" >/dev/null
echo "lock: $(grep -c '^[a-z]' "$LOCK") packages in $LOCK"
# Licences are read from what is installed, so that has to be what the lock says.
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$LOCK"
"$VENV/bin/python" -m tools.licences >docs/reference/licences.md
