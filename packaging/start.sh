#!/bin/sh
# Set up on the first call, then open the window: sh packaging/start.sh [PATH …]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sh "$here/setup.sh"
exec "$here/../.venv/bin/convnext-studio" gui "$@"
