"""`convnext-studio resume`: go on with a Run where it stopped, however it did."""

from __future__ import annotations

import argparse

from convnext_studio.cli.command import Command
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.training import work_on
from convnext_studio.launch import torchrun

_EXAMPLES = """examples:
  convnext-studio runs                                      which Runs there are
  convnext-studio resume runs/20260131-120000-parts
  convnext-studio resume runs/20260131-120000-parts --accept-changes
  torchrun --nproc-per-node 2 -m convnext_studio resume runs/20260131-120000-parts

Stopped, killed, crashed or out of power: what was saved is kept, and on a CPU the result is the one of a Run that was
never disturbed. If the data or the settings changed since, the changes are listed and nothing is done, until you
accept them.
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the Run folder")
    parser.add_argument("--accept-changes", action="store_true", help="go on although data or settings changed")


def _run(arguments: argparse.Namespace, stop: Stop) -> int:
    return work_on(_whole_path(arguments.run), stop, torchrun.place(), accepts_changes=arguments.accept_changes)


def _whole_path(run: str) -> str:
    from convnext_studio.core.runs.run import Run

    return str(Run.open(run).folder)


COMMAND = Command("resume", "go on with a Run", _EXAMPLES, _add_arguments, _run)
