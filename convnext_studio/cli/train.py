"""`convnext-studio train`: fine-tune a Model on one's own pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from convnext_studio.cli.arguments import folds
from convnext_studio.cli.command import Command
from convnext_studio.cli.folds import train_folds
from convnext_studio.cli.runs import runs_folder
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import DONE, Progress, say, writing
from convnext_studio.core import jobs, requests
from convnext_studio.core.data.dataset import DataSetCard
from convnext_studio.core.errors import DataError, UsageError
from convnext_studio.core.recipe import PRESETS, Recipe, changed, from_preset, read_recipe
from convnext_studio.core.run_events import Progressed
from convnext_studio.launch import torchrun

_EXAMPLES = """examples:
  convnext-studio sample steel/ && convnext-studio train steel/images
  convnext-studio train parts/ --preset instant             seconds: only a new head for the sample Model
  convnext-studio train parts/ --model convnext_tiny.in12k_ft_in1k --preset thorough --name parts
  convnext-studio train parts/ --group '^(board\\d+)_'       Images of one board stay in one split
  convnext-studio train parts.csv --set epochs=40 --set input_size=320 --set is_upside_down=true
  convnext-studio train parts/ --set on_leak=move           mend train/ and test/ folders that share one part
  convnext-studio train parts/ --recipe best.toml --seed 7
  convnext-studio train parts/ --folds 5                    five Runs, each validated on another fifth; and their mean
  convnext-studio train parts/ --find-rate                  which learning rate suits, for --set
  torchrun --nproc-per-node 2 -m convnext_studio train parts/ --runs runs/

DATA is a folder of class folders (train/, val/ and test/ above them are honoured), or a CSV with the columns path and
label, and group and split if you like. Your files stay as they are. Progress goes to stderr; the last line of stdout is
the Run folder: model.safetensors in it is the Model file, recipe.toml says how it was made, split.csv from what,
events.jsonl holds every step. Ctrl-C saves and stops; go on with: convnext-studio resume RUN
"""


_ELSEWHERE = {
    "preset": "Choose it with --preset: the other settings begin there.",
    "data": "Name the data set in front of the options.",
}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help="a folder of class folders, or a CSV")
    parser.add_argument(
        "--model", metavar="M", help="what to start from: a name, a Model file, or sample (the default)"
    )
    base = parser.add_mutually_exclusive_group()
    base.add_argument("--preset", choices=PRESETS, help="how thorough (default: balanced)")
    base.add_argument("--recipe", type=Path, metavar="FILE.toml", help="begin with the settings in this file")
    parser.add_argument("--set", action="append", default=[], metavar="key=value", help="change one setting; repeat")
    parser.add_argument("--group", metavar="REGEX", help="Images whose names share what it finds stay together")
    parser.add_argument(
        "--folds", type=folds, metavar="K", help="cross-validate by group: K Runs one after the other, summed up"
    )
    parser.add_argument("--seed", type=int, help="another number, other chance (default: 0)")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="where to make the Run folder (default: the window's)")
    parser.add_argument("--name", default="", help="what to call the Run (default: the data set's name)")
    parser.add_argument("--find-rate", action="store_true", help="only try which learning rate suits; makes no Run")
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard's event files too")


def _run(arguments: argparse.Namespace, stop: Stop) -> int:
    from convnext_studio.cli.training import work_on
    from convnext_studio.core.runs.run import with_whole_paths

    place = torchrun.place()
    if place.world_size > 1 and (arguments.find_rate or arguments.folds):
        what = (
            "A learning rate is found by one process"
            if arguments.find_rate
            else "Folds are trained one after the other"
        )
        raise UsageError(f"{what}.", "Start it without torchrun.")
    if not place.is_first:
        return work_on(torchrun.hear(), stop, place)
    recipe = with_whole_paths(recipe_of(arguments))
    _check_model(recipe)
    with stop.at_once():
        jobs.load(requests.CheckDataSet)
    # Quick, and before there is a folder: what is no data set leaves nothing behind.
    card = jobs.run(requests.CheckDataSet(recipe, is_quick=True), stop.context())
    if isinstance(card, DataSetCard) and card.refusal:
        raise DataError(card.refusal, card.refusal_hint)
    if arguments.find_rate:
        return _find_rate(recipe, stop)
    if arguments.folds:
        return train_folds(recipe, arguments.runs or runs_folder(), arguments.name, stop)
    folder = _create(arguments, recipe)
    if place.world_size > 1:
        torchrun.tell_all(folder)
    return work_on(folder, stop, place)


def _check_model(recipe: Recipe) -> None:
    """Refuse a Model that is not there before an Image is looked at, and before there is a folder."""
    from convnext_studio.core.models.weights import check_there, unknown

    if not check_there(recipe.model_ref):
        from convnext_studio.core.models.architecture import is_architecture  # takes seconds, and is seldom needed

        if not is_architecture(recipe.model):
            raise unknown(recipe.model)


def _find_rate(recipe: Recipe, stop: Stop) -> int:
    """Say which learning rate suits and why; stdout gets what `--set` takes."""
    progress = Progress("steps tried")

    def on_event(event: object) -> None:
        if isinstance(event, Progressed):
            progress.show(event.done, event.total)

    try:
        found: Any = jobs.run(requests.FindLearningRate(recipe), stop.context(on_event))
    finally:
        progress.end()
    say(found.reason)
    with writing():
        print(f"learning_rate={found.suggestion:g}")
    return DONE


def recipe_of(arguments: argparse.Namespace) -> Recipe:
    """Put together what was typed. Raises `UsageError`, naming what makes no sense."""
    recipe = read_recipe(arguments.recipe) if arguments.recipe else from_preset(arguments.preset or "balanced")
    changes: dict[str, Any] = {"data": arguments.data}
    if arguments.model is not None:
        changes["model"] = arguments.model
    if arguments.seed is not None:
        changes["seed"] = arguments.seed
    if arguments.folds is not None:
        changes |= {"folds": arguments.folds, "fold": 0}
    if arguments.group is not None:
        changes |= {"group": "name", "group_pattern": arguments.group}
    for text in arguments.set:
        name, separator, value = text.partition("=")
        if not separator:
            raise UsageError(f"“{text}” does not say what to set.", "Write it as key=value, such as epochs=40.")
        if (elsewhere := _ELSEWHERE.get(name.strip())) is not None:
            raise UsageError(f"“{name.strip()}” is nothing to --set.", elsewhere)
        changes[name.strip()] = value.strip()
    return changed(recipe, changes)


def _create(arguments: argparse.Namespace, recipe: Recipe) -> str:
    from convnext_studio.core.runs.run import Run
    from convnext_studio.core.runs.summary import working_here

    runs = arguments.runs or runs_folder()
    for other in working_here(runs):
        say(f"“{other.name}” is training on this machine too: both will be slower.")
    run = Run.create(runs, arguments.name, recipe)
    if arguments.tensorboard:
        from convnext_studio.core.runs.board import ask_for_board

        ask_for_board(run)
    return str(run.folder)


COMMAND = Command("train", "fine-tune a Model on your own pictures", _EXAMPLES, _add_arguments, _run)
