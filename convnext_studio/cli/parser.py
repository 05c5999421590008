"""What may be typed: the table of commands, and the parser made of it."""

from __future__ import annotations

import argparse
import os

from convnext_studio import __version__
from convnext_studio.cli import classify, evaluate, explain, gui, models, resume, runs, sample, train
from convnext_studio.cli.command import Command

COMMANDS: tuple[Command, ...] = (
    gui.COMMAND,
    models.COMMAND,
    sample.COMMAND,
    classify.COMMAND,
    explain.COMMAND,
    train.COMMAND,
    resume.COMMAND,
    runs.COMMAND,
    evaluate.COMMAND,
)

_OF_THE_WINDOW = ("--reset", "--safe-mode")
_EXAMPLES = """examples:
  convnext-studio                              open the window
  convnext-studio photos/                      open the window on a folder
  convnext-studio --safe-mode                  open it on the CPU, with nothing that was set; see gui --help
  convnext-studio classify photos/             classify a folder, offline, with the sample Model
  convnext-studio explain photos/ --out why/   show where the answers came from
  convnext-studio evaluate sample steel/       how good the sample Model is on that data set
  convnext-studio models --commercial          Models whose weights are free for commercial use
  convnext-studio sample steel/                write a data set of metal surfaces to try things on
  convnext-studio train steel/images           fine-tune the sample Model on it

exit codes: 0 done; 1 done, but some inputs failed; 2 wrong usage; 3 nothing could be done; 130 stopped
"""


def with_command(argv: list[str]) -> list[str]:
    """`gui` goes without saying, also in front of paths; a file whose name looks like an option is a file."""
    argv = [os.path.join(os.curdir, one) if _is_file_like_option(one) else one for one in argv]  # noqa: PTH118
    names = [command.name for command in COMMANDS]
    if not argv or argv[0] in _OF_THE_WINDOW or (argv[0] not in names and os.path.exists(argv[0])):  # noqa: PTH110  a Path raises where it may not look
        return ["gui", *argv]
    return argv


def _is_file_like_option(argument: str) -> bool:
    """No option has a point in its name, but `*.png` may stand for `-rf.png`, or for `--out=of-somebody-else.csv`."""
    return argument.startswith("-") and "." in argument and os.path.lexists(argument)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of everything; what it returns has `chosen`, the Command."""
    parser = argparse.ArgumentParser(
        prog="convnext-studio",
        description="Classify images with ConvNeXt; fine-tune it. Everything runs on this machine; no image leaves it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"convnext-studio {__version__}")
    parser.add_argument("--info", action="store_true", help="versions, devices and folders, for a report")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in COMMANDS:
        one = commands.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            epilog=command.examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        one.set_defaults(info=False, chosen=command)
        command.add_arguments(one)
    return parser
