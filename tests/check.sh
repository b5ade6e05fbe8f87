#!/usr/bin/env bash
# Format, lint, types, layers, dependencies and committed contracts.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
"$bin/ruff" format --check -q .
"$bin/ruff" check -q .
"$bin/lint-imports" --no-cache >/dev/null || "$bin/lint-imports" --no-cache
"$bin/mypy"
"$bin/pyright" >/tmp/woaas-pyright.$$ 2>&1 || { cat /tmp/woaas-pyright.$$; exit 1; }
rm -f /tmp/woaas-pyright.$$
"$bin/deptry" . -q 2>/dev/null || "$bin/deptry" .
