"""`convnext-studio train --folds`: a Run for each fold, one after the other, and what they reach together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import PARTLY_DONE, say
from convnext_studio.core.recipe import Recipe
from convnext_studio.launch.torchrun import Place

if TYPE_CHECKING:
    from convnext_studio.core.runs.run import Run
    from convnext_studio.core.runs.summary import RunSummary


def train_folds(recipe: Recipe, runs: Path, name: str, stop: Stop) -> int:
    """Train on every fold; one that was begun by the same words before is gone on with, or left as it is.

    The exit code is that of the fold that ended badly, which also ends the others.
    """
    from convnext_studio.cli.training import work_on
    from convnext_studio.core.runs.summary import summarise

    worst, done = 0, []
    for fold in range(recipe.folds):
        run = _run_of(dataclasses.replace(recipe, fold=fold), runs, name)
        say(f"Fold {fold + 1} of {recipe.folds}")
        code = work_on(str(run.folder), stop, Place())
        if code > PARTLY_DONE:
            say(f"{fold} of {recipe.folds} folds are done. To go on with the others, give the same command again.")
            return code
        worst = max(worst, code)
        done.append(summarise(run))
    for sentence in _words(done):
        say(sentence)
    return worst


def _run_of(recipe: Recipe, runs: Path, name: str) -> Run:
    """The Run of a fold: one with this very Recipe and name, else a new one."""
    from convnext_studio.core.runs.run import Run, with_whole_paths

    titled = f"{name or Path(recipe.data).absolute().stem}-fold-{recipe.fold + 1}-of-{recipe.folds}"
    wanted = with_whole_paths(recipe)
    for run in _runs_in(runs):
        if run.folder.name.endswith(titled) and run.recipe == wanted:
            return run
    return Run.create(runs, titled, recipe)


def _runs_in(runs: Path) -> Iterator[Run]:
    """The Runs of a folder whose Recipes can be read."""
    from convnext_studio.core.errors import StudioError
    from convnext_studio.core.runs.run import Run

    for folder in sorted(runs.iterdir()) if runs.is_dir() else ():
        try:
            run = Run.open(folder)
            run.recipe  # noqa: B018  raises
        except StudioError:
            continue
        yield run


def _words(done: Sequence[RunSummary]) -> Iterator[str]:
    """Each fold's figure, and all of them together."""
    from convnext_studio.core.evaluation.across import across

    for number, one in enumerate(done, 1):
        yield f"fold {number}: {_figure(one.best_balanced_accuracy)} ({one.folder})"
    columns = {
        "validation, by which the best epoch was chosen": [(one.best_balanced_accuracy, one.interval) for one in done],
        "test": [(one.test_balanced_accuracy, one.test_interval) for one in done],
    }
    for split, column in columns.items():
        told = [(share, interval) for share, interval in column if share is not None and interval is not None]
        if len(told) == len(done):
            found = across([share for share, _ in told], [one for _, one in told], is_of_same_images=split == "test")
            yield (
                f"Balanced accuracy over {len(done)} folds ({split}): "
                f"{found.mean:.3f} (95 %: {found.low:.3f} to {found.high:.3f})"
            )


def _figure(value: float | None) -> str:
    return "not validated" if value is None else f"balanced accuracy {value:.3f}"
