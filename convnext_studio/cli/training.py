"""Works on a Run in this process and says how it goes: what `train` and `resume` have in common."""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import DONE, NOTHING_DONE, PARTLY_DONE, StatusLine, say, writing
from convnext_studio.cli.training_words import progress_words, words_of
from convnext_studio.core import jobs, requests
from convnext_studio.core.context import Cancelled
from convnext_studio.core.errors import StudioError
from convnext_studio.core.events import Noticed
from convnext_studio.core.run_events import Line, Progressed, RunEnded, RunEvent, RunStarted, StepEnded
from convnext_studio.core.runs import lock
from convnext_studio.core.runs.control import Control
from convnext_studio.core.runs.ending import note_refusal
from convnext_studio.core.runs.environment import read_data
from convnext_studio.core.runs.follower import LineReader
from convnext_studio.core.runs.history import History
from convnext_studio.core.runs.recorder import Recorder
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training.freed_memory import keep_freed_memory
from convnext_studio.core.training.resume import how_it_ended
from convnext_studio.launch.torchrun import Place

_MOST_NAMED = 20
_LOOK_S = 0.2


def work_on(folder: str, stop: Stop, place: Place, *, accepts_changes: bool = False) -> int:
    """Bring the Run to its end, or to where it was stopped; its folder is the last line of stdout."""
    talk = _Talk(folder, _so_far(folder) if place.is_first else None)
    talk.say(f"Run: {folder}")
    try:
        with lock.announced(Path(folder)) if place.is_first else contextlib.nullcontext():
            _load(folder, stop, place)
            keep_freed_memory()
            ended = jobs.run(requests.Train(folder, accepts_changes), stop.context(talk.on_event))
    except StudioError as error:
        if not place.is_first:
            say(f"Process {place.rank}: {error}")
            return NOTHING_DONE
        note_refusal(Run.open(folder), error, NOTHING_DONE)
        raise
    except Cancelled:
        talk.say("Stopped.")
        return stop.exit_code
    except Exception:  # a bug: hours of work are kept, and a traceback helps nobody on a terminal
        talk.say(_keep_details(folder))
        return NOTHING_DONE
    finally:
        talk.end()
        if place.is_first:
            with writing():
                print(folder)
    assert isinstance(ended, RunEnded)
    if not talk.has_heard:
        talk.say("This Run finished already; nothing was done.")
    return _exit_code(ended, folder, stop, talk)


def _load(folder: str, stop: Stop, place: Place) -> None:
    """Import what trains. Raises `Cancelled` as soon as a stop is asked for, and writes down that it was."""
    run = Run.open(folder)
    try:
        with stop.at_once(), _heeding(run):
            jobs.load(requests.Train)
    except Cancelled:
        if place.is_first and how_it_ended(run) is None:
            with run.lock(), Recorder(run) as recorder:
                recorder.emit(RunEnded("stopped", "Stopped.", "Go on whenever you like.", "asked", can_go_on=True))
        raise


@contextlib.contextmanager
def _heeding(run: Run) -> Iterator[None]:
    """Within, a stop asked of the Run by those outside comes as a signal: nobody else looks for it yet."""
    control, is_over = Control(run), threading.Event()

    def look() -> None:
        while not is_over.wait(_LOOK_S):
            if "stop" in control.read():
                _thread.interrupt_main(signal.SIGTERM)
                return

    watch = threading.Thread(target=look, name="a stop before training", daemon=True)
    watch.start()
    try:
        yield
    finally:
        is_over.set()
        watch.join()


def _so_far(folder: str) -> History:
    """What earlier parts of the Run told."""
    reader, history = LineReader(Run.open(folder).events_path), History()
    while lines := reader.read():
        history.add(lines)
    return history


def _keep_details(folder: str) -> str:
    """Add the traceback to the Run's log; returns what to say."""
    path = Path(folder) / "log.txt"
    with contextlib.suppress(OSError), path.open("a", encoding="utf-8", errors="backslashreplace") as log:
        log.write(traceback.format_exc())
    return f"Something unexpected happened. What was saved is kept; the details are in {path}"


def _exit_code(ended: RunEnded, folder: str, stop: Stop, talk: _Talk) -> int:
    if ended.ending == "stopped":
        return stop.exit_code
    if ended.ending == "failed":
        return NOTHING_DONE
    unreadable = _unreadable(folder)
    _name(talk, unreadable, "data.json")
    if talk.left_out:
        talk.say("Left out while training:")
        _name(talk, talk.left_out, "events.jsonl")
    return PARTLY_DONE if unreadable or talk.left_out else DONE


def _unreadable(folder: str) -> list[str]:
    """Each Image and folder that was left out when the Run began, and why."""
    data = read_data(Run.open(folder))
    folders = [one["message"] for one in data.get("warnings", []) if one["kind"] == "unread"]
    return [*folders, *(f"{path}: {reason}" for path, reason in data.get("unreadable", []))]


def _name(talk: _Talk, lines: Sequence[str], file: str) -> None:
    for line in lines[:_MOST_NAMED]:
        talk.say(line)
    if len(lines) > _MOST_NAMED:
        talk.say(f"… and {len(lines) - _MOST_NAMED} more; {file} in the Run folder names them all.")


class _Talk:
    """Says a Run's Events on stderr: a line for what matters, one that renews itself for the steps."""

    def __init__(self, folder: str, history: History | None) -> None:
        self._folder = folder
        self._history = history or History()
        self._is_silent = history is None
        self.has_heard = False
        self._line = StatusLine()
        self._began = time.monotonic() - self._history.seconds

    def on_event(self, event: object) -> None:
        """Say it, if it is to be said."""
        self.has_heard = True
        if self._is_silent:
            return
        if isinstance(event, Noticed):
            self.say(f"{event.message} {event.hint}".strip())
        elif isinstance(event, Line):
            self._take(event.event, event.seconds)
        elif isinstance(event, RunEvent):
            self._take(event, time.monotonic() - self._began)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was said of each Image that could not be read any more once training had begun."""
        return tuple(dict.fromkeys(notice.message for _, notice in self._history.notices if notice.images))

    def say(self, text: str) -> None:
        """Say something on a line of its own."""
        if not self._is_silent:
            self._line.say(text)

    def end(self) -> None:
        """Leave the line that renews itself."""
        self._line.end()

    def _take(self, event: RunEvent, seconds: float) -> None:
        self._history.add([Line(self._history.last + 1, "", seconds, event)])
        if isinstance(event, (StepEnded, Progressed)):
            self._line.show(lambda: progress_words(event, self._history))
        for text in words_of(event, self._history):
            self.say(text)
        if isinstance(event, RunStarted):
            _name(self, _unreadable(self._folder), "data.json")
