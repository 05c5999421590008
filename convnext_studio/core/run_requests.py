"""What can be asked of Runs beside training them: to be described, laid beside each other, to wait in the queue."""

from __future__ import annotations

from dataclasses import dataclass

from convnext_studio.core.recipe import Recipe


@dataclass(frozen=True)
class DescribeRun:
    """Keep what the user calls a Run and says of it, beside it; None leaves a part as it is.

    A `name` of "" is the folder's again. Returns `runs.about.About`.
    """

    run: str
    name: str | None = None
    tags: tuple[str, ...] | None = None
    notes: str | None = None


@dataclass(frozen=True)
class RestoreRun:
    """Put a Run that was moved to the trash, and lies there at `trashed`, back at `folder`. Returns `folder`."""

    trashed: str
    folder: str


@dataclass(frozen=True)
class ReadRecipes:
    """The Recipes of several Runs. Returns `tuple[recipe.Recipe | None, ...]`, in order; None where there is none."""

    runs: tuple[str, ...]


@dataclass(frozen=True)
class ReadHistories:
    """What several Runs have told so far. Returns `tuple[runs.history.History | None, ...]`, in order."""

    runs: tuple[str, ...]


@dataclass(frozen=True)
class SaveTable:
    """Write rows of text and numbers to `path` as CSV, whole or not at all. Returns the path."""

    path: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]


@dataclass(frozen=True)
class ReadQueue:
    """What waits to be trained in the folder `runs`. Returns `runs.queue.Queue`."""

    runs: str


@dataclass(frozen=True)
class ChangeQueue:
    """Change what waits in the folder `runs`, and returns it as `runs.queue.Queue`.

    `add` comes last, as a race of that name if one is given; `remove` and `order` name what waits by its key; what
    `order` does not name keeps its place after. `is_held` None leaves it as it is.
    """

    runs: str
    add: tuple[tuple[str, Recipe], ...] = ()  # name ("" = the data set's) and Recipe
    race: str = ""
    remove: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    is_held: bool | None = None


@dataclass(frozen=True)
class StartNext:
    """Start the first Run that waits, unless one works on this machine. Returns its folder, "" if none was started."""

    runs: str
