#!/usr/bin/env bash
# Write requirements.lock anew: what `.[all]` and the build need, one version each, with the hash of every file of it,
# for Python 3.11 and newer. requirements-site.lock has what `make site` needs, at the same versions where both have it. `make lock` keeps the versions that still fit, `make lock UPGRADE=1` takes the newest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=${VENV:-.venv}
LOCK=requirements.lock

# A machine's own indexes and constraints are not for everyone: uv knows nothing of pip's, and its own are left out.
for name in ${!UV_@}; do unset "$name"; done

"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.8'
build=$(mktemp --suffix .in)
site=$(mktemp --suffix .in)
trap 'rm -f "$build" "$site"' EXIT
"$VENV/bin/python" - >"$build" <<'PYTHON'
import tomllib

with open("pyproject.toml", "rb") as file:
    print("\n".join(tomllib.load(file)["build-system"]["requires"]))
PYTHON
compile() { # output, then what goes in
    "$VENV/bin/python" -m uv --no-config pip compile "${@:2}" --universal --python-version 3.11 \
        --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --quiet ${UPGRADE:+--upgrade} \
        --custom-compile-command 'make lock' --output-file "$1" >/dev/null
}
compile "$LOCK" pyproject.toml "$build" --extra all
"$VENV/bin/python" -c '
import tomllib
print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["site"]))' >"$site"
compile requirements-site.lock "$site" --constraint "$LOCK"
echo "lock: $(grep -c '^[a-z]' "$LOCK") packages in $LOCK"
# Licences are read from what is installed, so that has to be what the lock says.
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$LOCK"
"$VENV/bin/python" -m tools.licences >docs/reference/licences.md
