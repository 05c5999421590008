"""TensorBoard's event files, for those who have it: the curves once more, in another program's format."""

from __future__ import annotations

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
    """Writes the numbers of a Run's lines; time is the Run's own, so that parts follow each other without a gap."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    @classmethod
    def for_run(cls, run: Run) -> Board | None:
        """Return a Board if one was asked for and TensorBoard is here."""
        if not run.board_path.is_dir() or not _is_installed():
            return None
        from torch.utils.tensorboard import SummaryWriter  # late: an optional extra

        return cls(SummaryWriter(str(run.board_path), flush_secs=30))

    def add(self, line: Line) -> None:
        """Write what the line has for curves."""
        event = line.event
        if isinstance(event, Resumed):  # TensorBoard then drops what it shows beyond this step
            self._writer.close()
            self._writer = type(self._writer)(self._writer.log_dir, purge_step=event.step + 1, flush_secs=30)
        names = _STEP if isinstance(event, StepEnded) else _EPOCH if isinstance(event, EpochEnded) else {}
        if isinstance(event, EpochEnded) and not event.is_validated:
            return
        for name, field in names.items():
            value = getattr(event, field)
            if math.isfinite(value):
                self._writer.add_scalar(name, value, getattr(event, "step", 0))

    def close(self) -> None:
        """Write what waits."""
        self._writer.close()


def _is_installed() -> bool:
    return importlib.util.find_spec("tensorboard") is not None
