"""`convnext-studio gui`: the window."""

from __future__ import annotations

import argparse
import os
import sys

from convnext_studio.cli.command import Command
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import NOTHING_DONE, say


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders to open in it")
    parser.add_argument("--reset", action="store_true", help="settings, keys and layout as at the first start")
    parser.add_argument(
        "--safe-mode",
        action="store_true",
        help="CPU and PyTorch alone, the sample Model, settings as at the first start; nothing is kept",
    )


def _run(arguments: argparse.Namespace, stop: Stop) -> int:  # noqa: ARG001
    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform.startswith("linux") and not has_screen:
        say("There is no screen to show the window on. Without one, use: convnext-studio classify PATH…")
        return NOTHING_DONE
    try:
        from convnext_studio.gui import app
    except ImportError as error:
        say(f"The window cannot be shown: {error}. Install it with: pip install 'convnext-studio[gui]'")
        return NOTHING_DONE
    return app.main(arguments.paths, is_reset=arguments.reset, is_safe=arguments.safe_mode)


COMMAND = Command("gui", "open the window", "", _add_arguments, _run, is_stopped_by_signals=False)
