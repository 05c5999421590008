"""`convnext-studio resume`: go on with a Run where it stopped, however it did."""

from __future__ import annotations

import argparse
import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from convnext_studio.cli.command import Command
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import NOTHING_DONE, say
from convnext_studio.core.errors import StudioError
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
    parser.add_argument("--then-next", action="store_true", help="then start the next Run of the queue beside it")


def _run(arguments: argparse.Namespace, stop: Stop) -> int:
    from convnext_studio.cli.training import work_on
    from convnext_studio.core.runs.run import Run
    from convnext_studio.core.training.resume import ChangedSince

    place = torchrun.place()
    folder = str(Run.open(arguments.run).folder)
    try:
        with _then_next(folder, stop) if arguments.then_next and place.is_first else contextlib.nullcontext():
            return work_on(folder, stop, place, accepts_changes=arguments.accept_changes)
    except ChangedSince as error:
        if place.is_first:
            for difference in error.differences:
                say(difference)
            say(f"To go on all the same: convnext-studio resume --accept-changes {shlex.quote(arguments.run)}")
        return NOTHING_DONE


@contextlib.contextmanager
def _then_next(folder: str, stop: Stop) -> Iterator[None]:
    """However the Run ends, the next of the queue begins; but not when the machine, or the user, ends this process."""
    from convnext_studio.core import jobs, run_requests

    try:
        yield
    finally:
        if not stop.asked.is_set():
            with contextlib.suppress(StudioError):  # the queue itself notes what is in its way
                jobs.run(run_requests.StartNext(str(Path(folder).parent)), stop.context())


COMMAND = Command("resume", "go on with a Run", _EXAMPLES, _add_arguments, _run)
