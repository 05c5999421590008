"""`convnext-studio evaluate`: how good a Model is on labelled Images, and how sure that is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from convnext_studio.cli.arguments import add_execution, add_max_megapixels, execution_of
from convnext_studio.cli.classify import check_writable
from convnext_studio.cli.command import Command
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import DONE, PARTLY_DONE, Progress, plain, say, writing
from convnext_studio.core import events, jobs, requests
from convnext_studio.core.errors import UsageError
from convnext_studio.core.values import ModelRef

if TYPE_CHECKING:
    from convnext_studio.core.evaluation.report import Evaluation

_EXAMPLES = """examples:
  convnext-studio evaluate runs/20260131-120000-parts runs/20260131-120000-parts
  convnext-studio evaluate my_parts.safetensors new_parts/ --split all --out evaluation.json
  convnext-studio evaluate my_parts.safetensors parts.csv --split validation > validation.json
  convnext-studio evaluate sample steel/

DATA is a folder of class folders, a CSV with the columns path and label, or a Run folder, which is evaluated on its own
split. A Run folder in the place of M means the Model in it, and its evaluation.json is written as well. JSON goes to
--out, or to stdout unless that is a terminal; the figures in words go to stderr. Each interval is a 95 % one.
"""
_WIDEST = 30  # signs of a class name
_WORDS_FOR = 20  # classes


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="M", help="name, Model file, Run folder, or sample")
    parser.add_argument("data", metavar="DATA", help="class folders, a CSV, or a Run folder")
    parser.add_argument(
        "--split",
        choices=("train", "validation", "test", "all"),
        default="test",
        help="which Images (default: %(default)s; a data set without a split counts as a whole)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures here: .json")
    add_execution(parser)
    add_max_megapixels(parser)


def _run(arguments: argparse.Namespace, stop: Stop) -> int:
    out: Path | None = arguments.out
    if out is not None:
        if out.suffix.lower() != ".json":
            raise UsageError(f"“{out.name}” does not end in .json.", "Name a file that does.")
        check_writable(out)
    evaluation, is_whole = _evaluated(arguments, stop)
    _say_it(evaluation)
    _hand_over(evaluation, out)
    return PARTLY_DONE if evaluation.unreadable or evaluation.left_out or not is_whole else DONE


def _evaluated(arguments: argparse.Namespace, stop: Stop) -> tuple[Evaluation, bool]:
    """The evaluation, and whether all folders of the data could be read."""
    from convnext_studio.core.evaluation.report import Evaluation

    progress, done, total, is_whole = Progress("images classified"), 0, 0, True

    def on_event(event: object) -> None:
        nonlocal done, total, is_whole
        if isinstance(event, events.ImagesFound):
            total += len(event.images)
        elif isinstance(event, events.ImagesClassified):
            done += len(event.predictions)
            progress.show(done, total)
        else:
            progress.hear(event)
            is_whole = is_whole and not isinstance(event, events.FolderUnread)

    request = requests.Evaluate(
        ModelRef(arguments.model),
        arguments.data,
        arguments.split,
        execution_of(arguments),
        arguments.fit,
        max_megapixels=arguments.max_megapixels,
    )
    try:
        evaluation = jobs.run(request, stop.context(on_event))
    finally:
        progress.end()
    assert isinstance(evaluation, Evaluation)
    return evaluation, is_whole


def _say_it(evaluation: Evaluation) -> None:
    for path, reason in evaluation.unreadable:
        say(f"{plain(path)}: {reason}")
    low, high = evaluation.balanced_accuracy_interval
    parts = f" of {evaluation.groups} parts" if evaluation.groups else ""
    say(f"Split: {evaluation.split}, {len(evaluation.images)} images{parts}")
    say(f"Balanced accuracy: {evaluation.balanced_accuracy:.3f} ({low:.3f} to {high:.3f})")
    low, high = evaluation.accuracy_interval
    say(f"Accuracy:          {evaluation.accuracy:.3f} ({low:.3f} to {high:.3f})")
    shown = [one for one in evaluation.per_class if one.support][:_WORDS_FOR]
    width = max(len("class"), *(min(_WIDEST, len(one.name)) for one in shown))
    say(f"{'class':{width}}  precision  recall (95 %)            f1     images")
    for one in shown:
        low, high = one.recall_interval
        say(
            f"{one.name[:_WIDEST]:{width}}  {one.precision:9.3f}  {one.recall:.3f} ({low:.3f} to {high:.3f})  "
            f"{one.f1:.3f}  {one.support:8}"
        )


def _hand_over(evaluation: Evaluation, out: Path | None) -> None:
    from convnext_studio.core.evaluation import report

    if out is not None:
        report.write(out, evaluation)
    elif not sys.stdout.isatty():
        with writing():
            print(report.to_json(evaluation))


COMMAND = Command("evaluate", "measure how good a Model is on labelled images", _EXAMPLES, _add_arguments, _run)
