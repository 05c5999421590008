"""`convnext-studio classify`: name what is in Images."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from convnext_studio.cli.arguments import add_execution, add_max_megapixels, execution_of, positive
from convnext_studio.cli.command import Command
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import DONE, NOTHING_DONE, PARTLY_DONE, Progress, plain, say, writing
from convnext_studio.core import events, jobs, requests
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import StorageError, StudioError, UsageError
from convnext_studio.core.files import storage_error
from convnext_studio.core.values import ImageRef, ModelRef, Prediction

_MOST_NOTES = 20
_EXAMPLES = """examples:
  convnext-studio classify photo.jpg
  convnext-studio classify photos/ more/*.png --out results.csv
  convnext-studio classify photos/ --model convnext_tiny.in12k_ft_in1k --top 3 --out results.json
  convnext-studio classify parts/ --model my_parts.safetensors --fit letterbox --out results.parquet
  convnext-studio classify photos/ --engine torch --precision fp32 > results.csv
  convnext-studio classify -- -rf.png          a name that begins with a dash
  find . -name '*.png' -print0 | convnext-studio classify -    names from standard input, one a line or as here

Folders are searched to any depth. Results go to --out, or as CSV to stdout; progress goes to stderr. In a CSV, a cell
that a spreadsheet could take for a formula begins with an apostrophe. Ctrl-C stops and keeps what is done.
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="images and folders")
    parser.add_argument("--model", default="sample", metavar="M", help="name, Model file, or sample (the default)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write results here: .csv, .json or .parquet")
    parser.add_argument("--top", type=positive, default=5, help="classes per image (default: %(default)s)")
    add_execution(parser)
    add_max_megapixels(parser)


def _run(arguments: argparse.Namespace, stop: Stop) -> int:
    if arguments.out is not None:
        check_writable(arguments.out)
    images, problems = find(arguments.paths, stop)
    if not images:
        return NOTHING_DONE
    done, ending = _predict(arguments, images, stop)
    is_kept = _write(arguments, [done[image] for image in images if image in done]) if done or ending is None else True
    if isinstance(ending, StudioError):
        raise ending
    failed = [prediction for prediction in done.values() if prediction.error]
    for prediction in failed:
        say(f"{plain(prediction.image.path)}: {prediction.error}")
    _say_notes(done.values())
    if ending is not None:
        say(f"Stopped: {len(done)} of {len(images)} images were classified.")
        return stop.exit_code
    if len(failed) == len(images) or not is_kept:
        return NOTHING_DONE
    return PARTLY_DONE if failed or problems else DONE


def find(paths: Sequence[str], stop: Stop) -> tuple[tuple[ImageRef, ...], tuple[str, ...]]:
    """All Images below `paths`, where `-` stands for the names on standard input; and what stood in the way.

    Says what that was, and that there are none.
    """
    images: list[ImageRef] = []

    def on_event(event: object) -> None:
        if isinstance(event, events.ImagesFound):
            images.extend(event.images)

    every_path = tuple(one for path in paths for one in (_names_from_stdin(stop) if path == "-" else (path,)))
    summary = jobs.run(requests.FindImages(every_path), stop.context(on_event))
    assert isinstance(summary, events.FindSummary)
    if summary.ignored:
        say(f"Passed over (not pictures by their names): {summary.ignored}")
    for problem in summary.problems:
        say(problem)
    if not images:
        say(f"No images were found in “{every_path[0]}”." if len(every_path) == 1 else "No images were found.")
    return tuple(images), summary.problems


def _names_from_stdin(stop: Stop) -> list[str]:
    """One a line, or each ended by a null character as `find -print0` does: a name may hold line breaks."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("“-” stands for names from standard input, and none come from there.", "Name files instead.")
    with stop.at_once():
        names = sys.stdin.buffer.read()
    lines = [name for name in names.split(b"\0" if b"\0" in names else b"\n") if name]
    if all(line.endswith(b"\r") for line in lines):  # as Windows ends lines
        lines = [line[:-1] for line in lines]
    return [os.fsdecode(line) for line in lines if line]


def _say_notes(predictions: Iterable[Prediction]) -> None:
    """What was odd about Images that were classified all the same: each kind of it once, with one that has it."""
    having: dict[str, list[str]] = {}
    for one in predictions:
        if one.note:
            having.setdefault(one.note, []).append(one.image.path)
    for note, paths in sorted(having.items(), key=lambda kind: -len(kind[1]))[:_MOST_NOTES]:
        many = f"{len(paths)} of the images, such as " if len(paths) > 1 else ""
        say(f"{many}{plain(paths[0])}: {note}")


def _predict(
    arguments: argparse.Namespace, images: tuple[ImageRef, ...], stop: Stop
) -> tuple[dict[ImageRef, Prediction], Exception | None]:
    """Predictions by Image, and what ended the Job early, if anything did: what is done is kept then too."""
    done: dict[ImageRef, Prediction] = {}
    progress = Progress("images classified")

    def on_event(event: object) -> None:
        if isinstance(event, events.ImagesClassified):
            done.update((prediction.image, prediction) for prediction in event.predictions)
            progress.show(len(done), len(images))
        else:
            progress.hear(event)

    request = requests.Classify(
        images=images,
        model=ModelRef(arguments.model),
        execution=execution_of(arguments),
        fit=arguments.fit,
        top=arguments.top,
        max_megapixels=arguments.max_megapixels,
    )
    try:
        jobs.run(request, stop.context(on_event))
    except (Cancelled, StudioError) as error:
        return done, error
    finally:
        progress.end()
    return done, None


def _write(arguments: argparse.Namespace, predictions: list[Prediction]) -> bool:
    """Put the results where they were asked for; on standard output, and False, where that cannot be."""
    if arguments.out is None:
        _print(predictions, arguments.top)
        return True
    try:
        jobs.run(requests.SaveResults(tuple(predictions), str(arguments.out), arguments.top), JobContext())
    except StorageError as error:  # hours of work may be in them
        say(f"{error} Standard output gets the results instead, as CSV.")
        _print(predictions, arguments.top)
        return False
    return True


def _print(predictions: list[Prediction], top: int) -> None:
    from convnext_studio.core.predict.results import write_csv

    if sys.stdout.isatty():
        text = io.StringIO(newline="")
        write_csv(text, predictions, top)
        for line in text.getvalue().removesuffix("\n").split("\n"):
            print(plain(line))
        return
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(newline="")
    with writing():
        write_csv(sys.stdout, predictions, top)


def check_writable(path: Path) -> None:
    """Raise before the work starts what would be raised after it. Raises `UsageError` and `StorageError`."""
    from convnext_studio.core.predict.results import check_suffix

    check_suffix(path)
    if os.path.isdir(path):  # noqa: PTH112  a Path raises where it may not look
        raise UsageError(f"“{path}” is a folder.", "Name a file to write.")
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.lstat()  # a name may be too long
        with tempfile.NamedTemporaryFile(prefix=".", dir=path.parent):
            pass
    except OSError as error:
        raise storage_error(error, path) from error


COMMAND = Command("classify", "classify images", _EXAMPLES, _add_arguments, _run)
