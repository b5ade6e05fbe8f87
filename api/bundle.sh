#!/usr/bin/env bash
# Bundles the console's browser libraries into woaas_api/console/static/dist.
set -euo pipefail
cd "$(dirname "$0")"
