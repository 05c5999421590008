"""TensorBoard's event files, for those who have it: the curves once more, in another program's format."""

from __future__ import annotations

import contextlib
import importlib.util
import math
from typing import Any

from convnext_studio.core.errors import UsageError
from convnext_studio.core.files import storage_error
from convnext_studio.core.run_events import EpochEnded, Line, Resumed, StepEnded
from convnext_studio.core.runs.run import Run

_STEP = {
    "train/loss": "loss",
    "train/learning_rate": "learning_rate",
    "train/gradient_norm": "gradient_norm",
    "speed/images_per_s": "images_per_s",
    "speed/data_wait": "data_wait",
}
_EPOCH = {
    "validation/loss": "loss",
    "validation/accuracy": "accuracy",
    "validation/balanced_accuracy": "balanced_accuracy",
}


def ask_for_board(run: Run) -> None:
    """Have the Run write TensorBoard's event files. Raises `UsageError` where TensorBoard is not installed."""
    if not _is_installed():
        raise UsageError(
            "TensorBoard is not installed.",
            "Install it with: pip install 'convnext-studio[tensorboard]', or go without.",
        )
    try:
        run.board_path.mkdir(exist_ok=True)
    except OSError as error:
        raise storage_error(error, run.board_path) from error


class Board:
    """Writes the numbers of a Run's lines, by step.

    They are there once more, so that a disk in trouble is no reason to end anything: what it does not take is missing,
    until a new file can be begun after an epoch.
    """

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._is_broken = False

    @classmethod
    def for_run(cls, run: Run) -> Board | None:
        """Return a Board if one was asked for and TensorBoard is here."""
        if not run.board_path.is_dir() or not _is_installed():
            return None
        from torch.utils.tensorboard import SummaryWriter  # late: an optional extra

        return cls(SummaryWriter(str(run.board_path), flush_secs=30))

    def add(self, line: Line) -> None:
        """Write what the line has for curves."""
        try:
            self._add(line.event)
        except OSError:
            self._is_broken = True

    def _add(self, event: object) -> None:
        if isinstance(event, Resumed):  # TensorBoard then drops what it shows beyond this step
            self._begin_anew(purge_step=event.step + 1)
        elif self._is_broken and isinstance(event, EpochEnded):
            self._begin_anew()
        elif self._is_broken:
            return
        names = _STEP if isinstance(event, StepEnded) else _EPOCH if isinstance(event, EpochEnded) else {}
        if isinstance(event, EpochEnded) and not event.is_validated:
            return
        for name, field in names.items():
            value = getattr(event, field)
            if math.isfinite(value):
                self._writer.add_scalar(name, value, getattr(event, "step", 0))

    def close(self) -> None:
        """Write what waits."""
        with contextlib.suppress(OSError):
            self._writer.close()

    def _begin_anew(self, **more: int) -> None:
        """Go on in a new file."""
        self.close()
        self._writer = type(self._writer)(self._writer.log_dir, flush_secs=30, **more)
        self._is_broken = False


def _is_installed() -> bool:
    return importlib.util.find_spec("tensorboard") is not None
