"""A Run: one training as a folder on disk, and where what is in it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convnext_studio.core.errors import RunError, UsageError
from convnext_studio.core.files import replacing, storage_error
from convnext_studio.core.predict.folder_names import folder_name, numbered
from convnext_studio.core.recipe import Recipe, read_recipe, to_toml
from convnext_studio.core.runs import lock

RECIPE = "recipe.toml"
_LITTER = (".*.part", ".tmp??????")  # of `files.replacing`, and of safetensors, which writes beside and renames as well
_TIME = "%Y%m%d-%H%M%S"
_TIMED = re.compile(r"\d{8}-\d{6}-(.+)", re.DOTALL)


@dataclass(frozen=True)
class Run:
    """The folder of a Run; whatever is read from it is read from the disk each time."""

    folder: Path

    @classmethod
    def create(cls, runs: Path | str, name: str, recipe: Recipe) -> Run:
        """Make a folder of its own in `runs`, named by the time and `name` (or the data set).

        Raises `UsageError` for a Recipe without data, and `StorageError`.
        """
        place = Path(runs).absolute()
        title = folder_name(name or Path(recipe.data).absolute().stem)
        for candidate in numbered(f"{time.strftime(_TIME)}-{title}"):
            with contextlib.suppress(FileExistsError):
                return cls.create_in(place / candidate, recipe, is_new=True)
        raise AssertionError("numbered() never ends")

    @classmethod
    def create_in(cls, folder: Path, recipe: Recipe, *, is_new: bool = False) -> Run:
        """Make `folder` a Run; it may be there and empty, unless it has to be new. Raises as `create` does."""
        if not recipe.data:
            raise UsageError("There is no data set to train on.", "Name a folder of class folders, or a CSV.")
        folder = folder.absolute()
        text = to_toml(with_whole_paths(recipe))
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(exist_ok=not is_new)
        except OSError as error:
            if is_new and isinstance(error, FileExistsError):
                raise
            raise storage_error(error, folder) from error
        if (folder / RECIPE).exists():
            raise RunError(f"“{folder.name}” is a Run already.", "Go on with it, or choose another folder.")
        with replacing(folder / RECIPE) as part:
            try:
                part.write_text(text, encoding="utf-8")
            except UnicodeEncodeError as error:
                raise UsageError(
                    "A path in the Recipe has bytes that are no UTF-8, and cannot be kept.", "Rename that folder."
                ) from error
        return cls(folder)

    @classmethod
    def open(cls, folder: Path | str) -> Run:
        """Return the Run in `folder`. Raises `RunError` if there is none."""
        path = Path(folder).absolute()
        try:
            if (path / RECIPE).is_file():
                return cls(path)
        except OSError as error:
            raise RunError(f"“{path}” cannot be read: {(error.strerror or str(error)).lower()}.") from error
        what = "there is no recipe.toml in it" if path.is_dir() else "there is no such folder"
        raise RunError(f"“{path}” is not a Run: {what}.", "List Runs with: convnext-studio runs")

    @property
    def name(self) -> str:
        """What the user calls it: the folder's name without the time."""
        timed = _TIMED.fullmatch(self.folder.name)
        return timed[1] if timed else self.folder.name

    @property
    def recipe(self) -> Recipe:
        """What the Run was begun with. Raises `UsageError` if it cannot be read."""
        return read_recipe(self.recipe_path)

    @property
    def recipe_path(self) -> Path:
        """The Recipe, TOML."""
        return self.folder / RECIPE

    @property
    def split_path(self) -> Path:
        """Which Image is in which split: `path,label,split,group`."""
        return self.folder / "split.csv"

    @property
    def data_path(self) -> Path:
        """What was known of the data set at the begin, JSON; see `environment.write_data`."""
        return self.folder / "data.json"

    @property
    def environment_path(self) -> Path:
        """Where and with what the Run was worked on, part by part, JSON; see `environment.add_part`."""
        return self.folder / "environment.json"

    @property
    def events_path(self) -> Path:
        """The truth: see `core/run_events.py`."""
        return self.folder / lock.SIGN_OF_LIFE

    @property
    def loss_path(self) -> Path:
        """`step,loss` of the steps in effect, the loss as `repr` gives it."""
        return self.folder / "loss.csv"

    @property
    def epochs_path(self) -> Path:
        """One row for each epoch in effect."""
        return self.folder / "epochs.csv"

    @property
    def last_path(self) -> Path:
        """The folder of the state that `resume` goes on from."""
        return self.folder / "last"

    @property
    def model_path(self) -> Path:
        """The Model file: the best weights so far."""
        return self.folder / "model.safetensors"

    @property
    def wanted_path(self) -> Path:
        """What was asked of the Run: see `control.py`."""
        return self.folder / "wanted.jsonl"

    @property
    def plan_path(self) -> Path:
        """What is planned, JSON: see `training/plan.py`."""
        return self.folder / "plan.json"

    @property
    def board_path(self) -> Path:
        """TensorBoard's event files; written where this folder is there."""
        return self.folder / "tensorboard"

    @property
    def exit_path(self) -> Path:
        """How the process ended that was started for the Run, where somebody saw it: see `launch/run.py`."""
        return self.folder / "exit.json"

    @property
    def log_path(self) -> Path:
        """What that process said on stderr."""
        return self.folder / "log.txt"

    @property
    def is_alive(self) -> bool:
        """Whether a process works on the Run now."""
        return lock.living_owner(self.folder) is not None

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Work on the Run alone, and clear away what a dead process left half-written.

        Raises `RunError` when another process works on it.
        """
        with lock.held(self.folder):
            for folder in (self.folder, self.last_path):
                for pattern in _LITTER:
                    for part in folder.glob(pattern):
                        part.unlink(missing_ok=True)
            yield


def with_whole_paths(recipe: Recipe) -> Recipe:
    """Paths from the root on: the Run may be gone on with from anywhere."""
    changes: dict[str, Any] = {"data": _whole(recipe.data)}
    for name in ("weights_file", "weights_folder"):
        if getattr(recipe, name):
            changes[name] = _whole(getattr(recipe, name))
    with contextlib.suppress(OSError):
        if Path(model := _whole(recipe.model)).is_file():
            changes["model"] = model
    return dataclasses.replace(recipe, **changes)


def _whole(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111  as the data check reads it
