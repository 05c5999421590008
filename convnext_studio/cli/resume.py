"""`convnext-studio resume`: go on with a Run where it stopped, however it did."""

from __future__ import annotations

import argparse
import shlex

from convnext_studio.cli.command import Command
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import NOTHING_DONE, say
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
    from convnext_studio.cli.training import work_on
    from convnext_studio.core.runs.run import Run
    from convnext_studio.core.training.resume import ChangedSince

    place = torchrun.place()
    folder = str(Run.open(arguments.run).folder)
    try:
        return work_on(folder, stop, place, accepts_changes=arguments.accept_changes)
    except ChangedSince as error:
        if place.is_first:
            for difference in error.differences:
                say(difference)
            say(f"To go on all the same: convnext-studio resume --accept-changes {shlex.quote(arguments.run)}")
        return NOTHING_DONE


COMMAND = Command("resume", "go on with a Run", _EXAMPLES, _add_arguments, _run)
