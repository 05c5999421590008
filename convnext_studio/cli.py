"""The command line: see `convnext-studio --help`.

Heavy parts are imported by the commands that need them, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import math
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from convnext_studio import __version__
from convnext_studio.core import events, jobs, requests
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import StudioError, UsageError
from convnext_studio.core.files import storage_error
from convnext_studio.core.values import (
    DEFAULT_MAX_MEGAPIXELS,
    DEVICES,
    ENGINES,
    FITS,
    PRECISIONS,
    Execution,
    ImageRef,
    ModelRef,
    Prediction,
)

DONE, PARTLY_DONE, WRONG_USAGE, NOTHING_DONE = 0, 1, 2, 3
_SIGNALLED = 128  # plus the signal's number: 130 for Ctrl-C
_MOST_RANKS = 100_000  # more classes than any Model has
_MOST_MEGAPIXELS = 1_000_000
_COMMANDS = ("gui", "models", "sample", "classify")

_COLUMNS = (
    *("name", "architecture", "family", "parameters", "gmacs", "input_size", "top1"),
    *("training_data", "licence", "commercial_use", "classes"),
)

_EXAMPLES = """examples:
  convnext-studio                              open the window
  convnext-studio photos/                      open the window on a folder
  convnext-studio classify photos/             classify a folder, offline, with the sample Model
  convnext-studio models --commercial          Models whose weights are free for commercial use
  convnext-studio sample steel/                write a data set of metal surfaces to try things on

exit codes: 0 done; 1 done, but some inputs failed; 2 wrong usage; 3 nothing could be done; 130 stopped
"""
_CLASSIFY_EXAMPLES = """examples:
  convnext-studio classify photo.jpg
  convnext-studio classify photos/ more/*.png --out results.csv
  convnext-studio classify photos/ --model convnext_tiny.in12k_ft_in1k --top 3 --out results.json
  convnext-studio classify parts/ --model my_parts.safetensors --fit letterbox --out results.parquet
  convnext-studio classify photos/ --engine torch --precision fp32 > results.csv
  convnext-studio classify -- -rf.png          a name that begins with a dash

Folders are searched to any depth. Results go to --out, or as CSV to stdout; progress goes to stderr. In a CSV, a cell
that a spreadsheet could take for a formula begins with an apostrophe. Ctrl-C stops and keeps what is done.
"""
_MODELS_EXAMPLES = """examples:
  convnext-studio models
  convnext-studio models --commercial
  convnext-studio models --json | python -m json.tool
"""
_SAMPLE_EXAMPLES = """examples:
  convnext-studio sample steel/
  convnext-studio sample steel/ --count 100 --size 128 --seed 7
  convnext-studio classify steel/images --out results.csv
"""


def main(argv: list[str]) -> int:
    """Run one command; return its exit code."""
    arguments = _parser().parse_args(_with_command(argv))
    try:
        return _run(arguments)
    except StudioError as error:
        _say(str(error))
        return WRONG_USAGE if isinstance(error, UsageError) else NOTHING_DONE
    except BrokenPipeError:  # whoever read our output has enough
        _silence_stdout()
        return DONE
    except _OutputError as error:
        _silence_stdout()
        _say(f"The output could not be written: {error}.")
        return NOTHING_DONE


def _silence_stdout() -> None:
    """What is still buffered shall not be tried once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _OutputError(Exception):
    """Standard output takes no more: its disk is full, say."""


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Write to standard output to the last byte. Raises `BrokenPipeError` and `_OutputError`."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _OutputError((error.strerror or str(error)).lower()) from error


def _run(arguments: argparse.Namespace) -> int:
    if arguments.info:
        return _info()
    if arguments.command == "gui":
        return _gui(arguments.paths)
    with _stop_on_signal() as stop:
        try:
            if arguments.command == "models":
                return _models(arguments, stop)
            if arguments.command == "sample":
                return _sample(arguments, stop)
            return _classify(arguments, stop)
        except Cancelled:
            _say("Stopped.")
            return stop.exit_code


# --- what may be typed


def _with_command(argv: list[str]) -> list[str]:
    """`gui` goes without saying, also in front of paths."""
    if not argv or (argv[0] not in _COMMANDS and os.path.exists(argv[0])):  # noqa: PTH110  a Path raises where it may not look
        return ["gui", *argv]
    return argv


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="convnext-studio",
        description="Classify images with ConvNeXt. Everything runs on this machine; no image leaves it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"convnext-studio {__version__}")
    parser.add_argument("--info", action="store_true", help="versions, devices and folders, for a report")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    gui = _add_command(commands, "gui", "open the window", "")
    gui.add_argument("paths", nargs="*", metavar="PATH", help="files and folders to open in it")
    models = _add_command(commands, "models", "list the Models that can be used", _MODELS_EXAMPLES)
    models.add_argument("--json", action="store_true", help="write JSON")
    models.add_argument("--commercial", action="store_true", help="only weights that are free for commercial use")
    sample = _add_command(commands, "sample", "write the generated sample data set", _SAMPLE_EXAMPLES)
    sample.add_argument("folder", metavar="DIR")
    sample.add_argument("--count", type=int, default=600, help="number of images (default: %(default)s)")
    sample.add_argument("--size", type=int, default=256, help="their width and height in pixels (default: %(default)s)")
    sample.add_argument("--seed", type=int, default=0, help="another number, other images (default: %(default)s)")
    _add_classify(_add_command(commands, "classify", "classify images", _CLASSIFY_EXAMPLES))
    return parser


def _add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, examples: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(info=False)
    return parser


def _add_classify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="images and folders")
    parser.add_argument("--model", default="sample", metavar="M", help="name, Model file, or sample (the default)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write results here: .csv, .json or .parquet")
    parser.add_argument("--top", type=_positive, default=5, help="classes per image (default: %(default)s)")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: %(default)s)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="auto: the fastest that answers alike")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="auto: the fastest as measured here")
    parser.add_argument("--fit", choices=FITS, help="how images are made to fit (default: as the Model says)")
    parser.add_argument(
        "--max-megapixels",
        type=_megapixels,
        default=DEFAULT_MAX_MEGAPIXELS,
        metavar="N",
        help="refuse larger images (default: %(default)g)",
    )


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 1 <= value <= _MOST_RANKS:
        raise argparse.ArgumentTypeError(f"must be 1 or more, {_MOST_RANKS} at the most")
    return value


def _megapixels(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= _MOST_MEGAPIXELS:  # written so that NaN is refused too
        raise argparse.ArgumentTypeError(f"must be a number above 0, {_MOST_MEGAPIXELS} at the most")
    return value


# --- the commands


def _gui(paths: list[str]) -> int:
    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform.startswith("linux") and not has_screen:
        _say("There is no screen to show the window on. Without one, use: convnext-studio classify PATH…")
        return NOTHING_DONE
    try:
        from convnext_studio.gui import app
    except ImportError as error:
        _say(f"The window cannot be shown: {error}. Install it with: pip install 'convnext-studio[gui]'")
        return NOTHING_DONE
    return app.main(paths)


def _info() -> int:
    import importlib.metadata
    import platform

    import platformdirs

    print(f"convnext-studio {__version__}, Python {platform.python_version()}, {platform.platform()}")
    for package in (
        "torch",
        "torchvision",
        "timm",
        "pillow",
        "openvino",
        "onnxruntime",
        "pyarrow",
        "PySide6-Essentials",
    ):
        try:
            print(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            print(f"{package} is not installed")
    found = jobs.run(requests.FindDevices(), JobContext())
    assert isinstance(found, tuple)
    for device in found:
        print(f"{device.kind}: {device.name}; {', '.join(device.engines)}; {', '.join(device.precisions)}")
    print(f"cache: {platformdirs.user_cache_dir('convnext-studio', appauthor=False)}")
    return DONE


def _models(arguments: argparse.Namespace, stop: _Stop) -> int:
    from convnext_studio.core.models.catalogue import catalogue

    on_disk = jobs.run(requests.FindWeights(), stop.context())
    assert isinstance(on_disk, dict)
    entries = [entry for entry in catalogue() if entry.commercial_use or not arguments.commercial]
    rows = [{name: getattr(entry, name) for name in _COLUMNS} | {"on_disk": entry.name in on_disk} for entry in entries]
    with _writing():
        if arguments.json:
            print(json.dumps(rows, ensure_ascii=False, indent=1))
        else:
            _print_table(rows)
    return DONE


def _print_table(rows: list[dict[str, Any]]) -> None:
    print(
        f"{'name':52} {'parameters':>10} {'GMACs':>7} {'pixels':>6} {'top-1':>5}  {'commercial':10} {'here':4} licence"
    )
    words = {True: "free", False: "not free", None: "unknown"}
    for row in rows:
        top1 = "" if row["top1"] is None else f"{row['top1']:.1f}"
        print(
            f"{row['name']:52} {row['parameters'] / 1e6:8.1f} M {row['gmacs']:7.2f} {row['input_size']:6} {top1:>5}  "
            f"{words[row['commercial_use']]:10} {'yes' if row['on_disk'] else '':4} {row['licence'] or 'unknown'}"
        )


def _sample(arguments: argparse.Namespace, stop: _Stop) -> int:
    progress = _Progress("images written")

    def on_event(event: object) -> None:
        if isinstance(event, events.SampleWritten):
            progress.show(event.done, event.total)

    request = requests.MakeSample(arguments.folder, arguments.count, arguments.size, arguments.seed)
    folder = jobs.run(request, stop.context(on_event))
    with _writing():
        print(folder)
    return DONE


def _classify(arguments: argparse.Namespace, stop: _Stop) -> int:
    if arguments.out is not None:
        _check_writable(arguments.out)
    images, problems = _find(arguments.paths, stop)
    for problem in problems:
        _say(problem)
    if not images:
        _say("No images were found.")
        return NOTHING_DONE
    done, ending = _predict(arguments, images, stop)
    if done or ending is None:
        _write(arguments, [done[image] for image in images if image in done])
    if isinstance(ending, StudioError):
        raise ending
    failed = [prediction for prediction in done.values() if prediction.error]
    for prediction in failed:
        _say(f"{_plain(prediction.image.path)}: {prediction.error}")
    if ending is not None:
        _say(f"Stopped: {len(done)} of {len(images)} images were classified.")
        return stop.exit_code
    if len(failed) == len(images):
        return NOTHING_DONE
    return PARTLY_DONE if failed or problems else DONE


def _find(paths: Sequence[str], stop: _Stop) -> tuple[tuple[ImageRef, ...], tuple[str, ...]]:
    images: list[ImageRef] = []

    def on_event(event: object) -> None:
        if isinstance(event, events.ImagesFound):
            images.extend(event.images)

    summary = jobs.run(requests.FindImages(tuple(paths)), stop.context(on_event))
    assert isinstance(summary, events.FindSummary)
    return tuple(images), summary.problems


def _predict(
    arguments: argparse.Namespace, images: tuple[ImageRef, ...], stop: _Stop
) -> tuple[dict[ImageRef, Prediction], Exception | None]:
    """Predictions by Image, and what ended the Job early, if anything did: what is done is kept then too."""
    done: dict[ImageRef, Prediction] = {}
    progress = _Progress("images classified")

    def on_event(event: object) -> None:
        if isinstance(event, events.ImagesClassified):
            done.update((prediction.image, prediction) for prediction in event.predictions)
            progress.show(len(done), len(images))
        elif isinstance(event, events.ModelLoading):
            progress.say(f"{event.stage}…")
        elif isinstance(event, events.Noticed):
            progress.say(f"{event.message} {event.hint}".strip())
        elif isinstance(event, events.ModelLoaded):
            info = event.info
            progress.say(f"{info.title}: {len(info.classes)} classes; {info.device}, {info.engine} {info.precision}")
            for warning in info.warnings:
                progress.say(warning)

    request = requests.Classify(
        images=images,
        model=ModelRef(arguments.model),
        execution=Execution(arguments.device, arguments.precision, arguments.engine),
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


def _write(arguments: argparse.Namespace, predictions: list[Prediction]) -> None:
    if arguments.out is not None:
        jobs.run(requests.SaveResults(tuple(predictions), str(arguments.out), arguments.top), JobContext())
        return
    from convnext_studio.core.predict.results import write_csv

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="")
    with _writing():
        write_csv(sys.stdout, predictions, arguments.top)


def _check_writable(path: Path) -> None:
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


# --- talking and stopping


@dataclasses.dataclass
class _Stop:
    """Whether the user asked to stop, and how."""

    asked: threading.Event = dataclasses.field(default_factory=threading.Event)
    signal: int = signal.SIGINT

    @property
    def exit_code(self) -> int:
        return _SIGNALLED + self.signal

    def context(self, emit: object = None) -> JobContext:
        return JobContext(emit, self.asked) if callable(emit) else JobContext(cancel=self.asked)


@contextlib.contextmanager
def _stop_on_signal() -> Iterator[_Stop]:
    """Ctrl-C and a request to terminate stop the Job in good order; a second Ctrl-C ends at once."""
    stop = _Stop()

    def on_signal(number: int, frame: object) -> None:  # noqa: ARG001
        if stop.asked.is_set():
            os._exit(_SIGNALLED + number)
        stop.signal = number
        stop.asked.set()

    if threading.current_thread() is not threading.main_thread():  # only there may signals be handled
        yield stop
        return
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Progress:
    """A line on stderr that renews itself on a terminal, and a line now and then elsewhere."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_terminal = sys.stderr.isatty()
        self._pause_s = 0.1 if self._is_terminal else 10.0
        self._started = self._shown = time.monotonic()
        self._is_line_open = False

    def show(self, done: int, total: int) -> None:
        """Say how far it is, if it is time to."""
        now = time.monotonic()
        if now - self._shown < self._pause_s and done < total:
            return
        self._shown = now
        speed = done / max(now - self._started, 1e-3)
        text = f"{done} of {total} {self._what}, {speed:.0f}/s"
        if self._is_terminal:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._is_line_open = True
        else:
            _say(text)

    def say(self, text: str) -> None:
        """Say something else on a line of its own; the clock starts again."""
        self.end()
        _say(text)
        self._started = time.monotonic()

    def end(self) -> None:
        """Leave the line."""
        if self._is_line_open:
            print(file=sys.stderr)
            self._is_line_open = False


def _say(text: str) -> None:
    print(_plain(text), file=sys.stderr, flush=True)


def _plain(text: str) -> str:
    """File names may hold anything; a terminal obeys some of it."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
