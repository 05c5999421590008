#!/bin/sh
# Set up everything that the program and its tests need, into .venv and .venv-tools beside this folder.
# Called by start.sh and test.sh; does nothing when the locks have not changed since the last time.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
packaging=$root/packaging
venv=$root/.venv
tools=$root/.venv-tools
stamp=$venv/.convnext-studio-stamp

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 3; }

wanted=$(cat "$packaging/requirements.lock" "$packaging/installer.lock" "$packaging/setup.sh" "$root/pyproject.toml" | sha256sum)
wanted="$wanted $root"
if [ -x "$venv/bin/convnext-studio" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi

# Debian's packages, as root or through sudo; 1 when they cannot be had.
install_packages() {
  command -v apt-get >/dev/null 2>&1 || return 1
  if [ "$(id -u)" = 0 ]; then as_root=env
  elif command -v sudo >/dev/null 2>&1 && [ -t 0 ]; then as_root=sudo
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"
  else return 1
  fi
  say "Installing system packages: $*"
  { $as_root apt-get -q update && $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends install "$@"; } >"$root/.setup.log" 2>&1 </dev/null || return 1
  rm -f "$root/.setup.log"
}

find_python() {
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

python=$(find_python) || { install_packages python3 && python=$(find_python); } ||
  fail "Python 3.11 to 3.14 is needed and was not found: install it (Debian: apt-get install python3 python3-venv)."
"$python" -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv ||
  fail "Python's venv module is missing: ask an administrator for 'apt-get install python3-venv', then start again."

if ! "$tools/bin/uv" --version 2>/dev/null | grep -q "^$(sed -n 's/^uv==\([^ ]*\).*/uv \1/p' "$packaging/installer.lock") "; then
  say "Fetching the installer …"
  rm -rf "$tools"
  "$python" -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$packaging/installer.lock" ||
    fail "The installer could not be fetched: is there a way to the package index? (pip's own words are above.)"
fi

say "Installing the packages of the lock into .venv (once; several gigabytes with CUDA) …"
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-300}" VIRTUAL_ENV="$venv"
"$venv/bin/python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null ||
  "$tools/bin/uv" venv --quiet --clear --no-config --python "$python" "$venv"
# Where a company's own certificates stand between here and the index, only the system knows them: the second try.
sync() { "$tools/bin/uv" pip sync --quiet --require-hashes "$packaging/requirements.lock"; }
sync 2>/dev/null || { export UV_SYSTEM_CERTS=1; sync; } ||
  fail "The packages could not be installed: see above; run the same command again to go on where it stopped."
"$tools/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable "$root"
"$venv/bin/python" "$packaging/check_versions.py" || exit 3

# Which libraries of the system Qt still lacks. The offscreen set is needed always, the others for a visible window.
qt_lacks() {
  qt=$("$venv/bin/python" -c 'import importlib.util as u; print(*u.find_spec("PySide6").submodule_search_locations)')/Qt
  for file in "$qt"/plugins/platforms/libq*.so "$qt"/plugins/xcbglintegrations/*.so "$qt"/lib/libQt6Widgets.so.6 \
    "$qt"/lib/libQt6Svg.so.6 "$qt"/lib/libQt6OpenGLWidgets.so.6 "$qt"/lib/libQt6Network.so.6; do
    [ -e "$file" ] && ldd "$file" 2>/dev/null | sed -n 's/^[[:space:]]*\([^ ]*\) => not found/\1/p'
  done | grep -v '^libQt6' | sort -u | tr '\n' ' '
}
lacking=$(command -v ldd >/dev/null 2>&1 && qt_lacks || true)
if [ -n "$lacking" ]; then
  packages="libegl1 libgl1 libopengl0 libglib2.0-0 libdbus-1-3 libfontconfig1 libfreetype6 libxkbcommon0
    libxkbcommon-x11-0 libx11-6 libx11-xcb1 libxext6 libxcb1 libxcb-cursor0 libxcb-glx0 libxcb-icccm4 libxcb-image0
    libxcb-keysyms1 libxcb-randr0 libxcb-render0 libxcb-render-util0 libxcb-shape0 libxcb-shm0 libxcb-sync1
    libxcb-util1 libxcb-xfixes0 libxcb-xinerama0 libxcb-xkb1 libwayland-client0 libwayland-cursor0 libwayland-egl1"
  install_packages $packages || true
  lacking=$(qt_lacks)
  [ -z "$lacking" ] || say "The window needs system libraries that are missing ($lacking): ask an administrator for" \
    "'apt-get install $(echo $packages)'. The command line works without them."
fi
printf '%s\n' "$wanted" >"$stamp"
