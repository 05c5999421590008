"""`convnext-studio runs`: which Runs there are, and how they stand."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convnext_studio.cli.command import Command
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import DONE, plain, say, writing
from convnext_studio.cli.times import in_words, left_in_words
from convnext_studio.core import jobs, requests
from convnext_studio.core.events import Noticed

if TYPE_CHECKING:
    from convnext_studio.core.runs.summary import RunSummary

_EXAMPLES = """examples:
  convnext-studio runs                       those in the window's folder
  convnext-studio runs experiments/
  convnext-studio runs --json | python -m json.tool

A Run is running, finished, stopped, failed or interrupted (its process died). All but finished ones can be gone on
with: convnext-studio resume RUN
"""


def runs_folder() -> Path:
    """Where Runs are made unless told otherwise; the window looks there too."""
    import platformdirs

    return platformdirs.user_data_path("convnext-studio", appauthor=False) / "runs"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", metavar="DIR", help="where to look (default: the window's folder)")
    parser.add_argument("--json", action="store_true", help="write JSON")


def _run(arguments: argparse.Namespace, stop: Stop) -> int:
    def on_event(event: object) -> None:
        if isinstance(event, Noticed):
            say(event.message)

    place = arguments.folder or str(runs_folder())
    found = jobs.run(requests.FindRuns(place), stop.context(on_event))
    assert isinstance(found, tuple)
    with writing():
        if arguments.json:
            print(json.dumps([dataclasses.asdict(one) for one in found], indent=1))
        elif found:
            _print_table(found)
    if not found and not arguments.json:
        say(f"There are no Runs in “{place}”.")
    return DONE


def _print_table(found: Sequence[RunSummary]) -> None:
    width = max(len(Path(one.folder).name) for one in found)
    print(f"{'Run':{width}}  {'state':11}  {'epoch':>9}  {'balanced accuracy':17}  time")
    for one in found:
        best = "not validated" if one.state == "finished" else "–"
        if one.best_balanced_accuracy is not None:
            best = f"{one.best_balanced_accuracy:.3f} (epoch {one.best_epoch})"
        left = "" if one.seconds_left is None else f", {left_in_words(one.seconds_left)}"
        epochs = f"{one.epoch} of {one.epochs}" if one.epochs else "head only"
        name = plain(Path(one.folder).name)
        print(f"{name:{width}}  {one.state:11}  {epochs:>9}  {best:17}  {in_words(one.seconds)}{left}")
        if one.message and one.state != "finished":
            print(f"{'':{width}}  {plain(one.message)}")


COMMAND = Command("runs", "list the Runs of a folder", _EXAMPLES, _add_arguments, _run)
