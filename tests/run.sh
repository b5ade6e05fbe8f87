#!/usr/bin/env bash
# The whole suite: static checks first, then every test; system packages the tests need are installed where possible.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin

# A browser for the console's tests; without the right to install one they skip and say so.
if [ "$(uname)" = Linux ] && ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing Chromium for the browser tests"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    chromium fonts-noto-cjk) >/dev/null 2>&1 || echo "Chromium could not be installed; the browser tests will skip"
fi

# A broker of the field for the tests of machine data, on the same terms.
if [ "$(uname)" = Linux ] && [ ! -x /usr/sbin/mosquitto ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing mosquitto for the tests of machine data"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends \
    mosquitto) >/dev/null 2>&1 || echo "mosquitto could not be installed; its tests will skip"
fi

# A pooler before Postgres, on the same terms.
if [ "$(uname)" = Linux ] && [ ! -x /usr/sbin/pgbouncer ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing pgbouncer for the tests of pooled connections"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends \
    pgbouncer) >/dev/null 2>&1 || echo "pgbouncer could not be installed; its tests will skip"
fi

# What verifies signatures in XML, on the same terms.
if [ "$(uname)" = Linux ] && ! command -v xmlsec1 >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing xmlsec1 for the tests of SAML"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    xmlsec1) >/dev/null 2>&1 || echo "xmlsec1 could not be installed; its tests will skip"
fi

# Many tests start processes, and each would compile the project anew.
unset PYTHONDONTWRITEBYTECODE
bash tests/check.sh
# Each worker has a Postgres of its own. There are more workers than processors, since many tests wait for processes;
# those that share an installation or a browser stay together in one.
"$bin/python" -m pytest -n 4 --dist loadgroup -q "$@"
