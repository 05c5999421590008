"""`convnext-studio sample`: the generated data set, to try things on."""

from __future__ import annotations

import argparse

from convnext_studio.cli.command import Command
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import DONE, Progress, writing
from convnext_studio.core import events, jobs, requests

_EXAMPLES = """examples:
  convnext-studio sample steel/
  convnext-studio sample steel/ --count 100 --size 128 --seed 7
  convnext-studio classify steel/images --out results.csv
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--count", type=int, default=600, help="number of images (default: %(default)s)")
    parser.add_argument("--size", type=int, default=256, help="their width and height in pixels (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another number, other images (default: %(default)s)")


def _run(arguments: argparse.Namespace, stop: Stop) -> int:
    progress = Progress("images written")

    def on_event(event: object) -> None:
        if isinstance(event, events.SampleWritten):
            progress.show(event.done, event.total)

    request = requests.MakeSample(arguments.folder, arguments.count, arguments.size, arguments.seed)
    folder = jobs.run(request, stop.context(on_event))
    with writing():
        print(folder)
    return DONE


COMMAND = Command("sample", "write the generated sample data set", _EXAMPLES, _add_arguments, _run)
