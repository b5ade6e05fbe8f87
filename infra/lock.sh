#!/usr/bin/env bash
# Resolves the hashed requirement files; run after changing a dependency.
set -euo pipefail
cd "$(dirname "$0")/.."
C=".venv/bin/uv pip compile --universal --generate-hashes --no-emit-index-url -q --python-version 3.11 --no-header"
$C --all-extras pyproject.toml sdk/pyproject.toml -o requirements.lock
$C --all-extras --group pyproject.toml:dev pyproject.toml sdk/pyproject.toml -c requirements.lock -o requirements-dev.lock
$C requirements-build.in -o requirements-build.lock
$C api/requirements-node.in -o api/requirements-node.lock
