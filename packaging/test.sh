#!/bin/sh
# Set up on the first call, then pass every check and test: sh packaging/test.sh [arguments for pytest]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sh "$here/setup.sh"
cd "$here/.."
PATH=$PWD/.venv/bin:$PATH
export PATH QT_QPA_PLATFORM="${QT_QPA_PLATFORM:-offscreen}"
failed=0
run() {
  printf '%s\n' "== $*"
  "$@" </dev/null || failed=1
}
run ruff check .
run ruff format --check .
run mypy
run mypy packaging/*.py
run lint-imports --no-cache
run pytest -q --durations=10 "$@"
exit "$failed"
