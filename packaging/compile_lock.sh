#!/bin/sh
# Write packaging/requirements.lock and packaging/installer.lock again from pyproject.toml: exact versions with hashes, no
# addresses. Run it after a change of the dependencies; add --upgrade to take newer versions of everything.
set -eu
cd "$(dirname "$0")/.."
uv=.venv-tools/bin/uv
[ -x "$uv" ] || uv=uv
options="--universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links"
"$uv" pip compile pyproject.toml $options --group dev \
  --extra gui --extra openvino --extra onnxruntime --extra parquet --extra heic --extra jpeg --extra tensorboard \
  --output-file packaging/requirements.lock "$@" >/dev/null
echo "uv==$("$uv" --version | cut -d' ' -f2)" | "$uv" pip compile - $options \
  --output-file packaging/installer.lock >/dev/null
! grep -n '://' packaging/requirements.lock packaging/installer.lock
