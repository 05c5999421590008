"""The command line: see `convnext-studio --help`. Each command has a module of its own; `parser.py` lists them.

Heavy parts are imported by the commands that need them, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import sys

from convnext_studio.cli.command import Command
from convnext_studio.cli.parser import make_parser
from convnext_studio.cli.parser import with_command as _with_command
from convnext_studio.cli.stopping import Stop, stop_on_signal
from convnext_studio.cli.talking import DONE, NOTHING_DONE, WRONG_USAGE, OutputError, let_any_name_out, say, silence
from convnext_studio.core.context import Cancelled
from convnext_studio.core.errors import StudioError, UsageError


def main(argv: list[str]) -> int:
    """Run one command; return its exit code."""
    let_any_name_out()
    arguments = make_parser().parse_args(_with_command(argv))
    try:
        return _run(arguments)
    except StudioError as error:
        say(str(error))
        return WRONG_USAGE if isinstance(error, UsageError) else NOTHING_DONE
    except BrokenPipeError:  # whoever read our output has enough
        silence(sys.stdout)
        return DONE
    except OutputError as error:
        silence(sys.stdout)
        say(f"The output could not be written: {error}.")
        return NOTHING_DONE


def _run(arguments: argparse.Namespace) -> int:
    if arguments.info:
        from convnext_studio.cli.info import show_info

        return show_info()
    command: Command = arguments.chosen
    if not command.is_stopped_by_signals:
        return command.run(arguments, Stop())
    with stop_on_signal() as stop:
        try:
            return command.run(arguments, stop)
        except Cancelled:
            say("Stopped.")
            return stop.exit_code
