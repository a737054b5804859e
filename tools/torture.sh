#!/usr/bin/env bash
# torture.sh [--sample N] [--seed N] [--jobs N]: perdure killed, and its calls failed, everywhere; see tests/integration/torture.py.
set -eu
cd "$(dirname "$0")/.."
tools/configure.sh build
ninja -C build perdure perdure-testca
exec /usr/bin/python3 tests/integration/torture.py "$@"
