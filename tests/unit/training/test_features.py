"""Features on disk: computed once a file, whatever its label; never trusted further than they can be read."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from convnext_studio.core.context import JobContext
from convnext_studio.core.data.journal import edit_labels
from convnext_studio.core.models.architecture import build
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.predict.runners.build import cache_folder
from convnext_studio.core.predict.runners.torch_runner import TorchRunner
from convnext_studio.core.recipe import from_preset
from convnext_studio.core.requests import EditLabels, Train
from convnext_studio.core.run_events import Progressed, RunEnded, TestEnded
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training import features, fit
from convnext_studio.core.training.work import Work
from convnext_studio.core.values import Preprocessing
from tests.exam_train import draw_data_set

COUNT = 6  # Images a class: 8 to train, 2 to validate, 2 to test


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small data set that was last changed two hours ago."""
    folder = draw_data_set(tmp_path / "data", COUNT)
    for path in folder.rglob("*.png"):
        facts = path.stat()
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns - 7_200_000_000_000))
    return folder


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files of which features are computed, as it happens."""
    names: list[str] = []
    honest = features._computed

    def counting(work: Work, split: Any, missing: Sequence[int], *rest: Any) -> Any:
        names.extend(Path(work.ground.data.images[split][number].path).name for number in missing)
        return honest(work, split, missing, *rest)

    monkeypatch.setattr(features, "_computed", counting)
    return names


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Model file of a tiny network: features are kept of Models, not of random weights."""
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build("test_convnext", 2)
    way_in = Preprocessing(32, 32, "squash", "bicubic", (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    save_model_file(path, network, Card(architecture="test_convnext", classes=("a", "b"), preprocessing=way_in))
    return path


@pytest.fixture
def instant(data: Path, small_model: Path, tmp_path: Path) -> Callable[..., tuple[RunEnded, list[object]]]:
    """Work on a new Run of the preset Instant."""

    def worked(name: str, **changes: object) -> tuple[RunEnded, list[object]]:
        usual: dict[str, object] = {"data": str(data), "model": str(small_model), "group": "none", "precision": "fp32"}
        recipe = from_preset("instant", **(usual | changes))
        events: list[object] = []
        run = Run.create_in(tmp_path / name, recipe)
        return fit.train(Train(str(run.folder)), JobContext(events.append)), events

    return worked


def kept_files() -> list[Path]:
    return sorted((cache_folder() / "features").glob("*"))


def test_a_second_run_computes_nothing_and_finds_the_same(
    instant: Callable[..., Any], computed: list[str], data: Path
) -> None:
    first, events = instant("first")
    assert first.ending == "finished"
    assert len(computed) == 2 * COUNT
    computed.clear()

    again, more = instant("again")

    assert not computed
    assert again.best_balanced_accuracy == first.best_balanced_accuracy
    tests = [[one for one in told if isinstance(one, TestEnded)] for told in (events, more)]
    assert tests[0] == tests[1]
    assert [one.done for one in more if isinstance(one, Progressed) and one.phase == "features"] == [10]


def test_another_label_costs_nothing(instant: Callable[..., Any], computed: list[str], data: Path) -> None:
    instant("first")
    computed.clear()
    edit_labels(EditLabels(str(data), "move", (str(data / "bad" / "000.png"),), "good"), JobContext())

    ended, _ = instant("again")

    assert ended.ending == "finished"
    assert not computed


def test_only_the_file_that_was_changed_is_computed_anew(
    instant: Callable[..., Any], computed: list[str], data: Path
) -> None:
    instant("first")
    computed.clear()
    changed = data / "good" / "003.png"
    shutil.copyfile(data / "bad" / "005.png", changed)
    os.utime(changed, (0, changed.stat().st_mtime - 30))

    instant("again")

    assert computed == ["003.png"]


def test_a_file_changed_a_moment_ago_is_not_relied_on(
    instant: Callable[..., Any], computed: list[str], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_SETTLED_S", 3600.0)
    os.utime(data / "good" / "003.png")
    instant("first")
    computed.clear()

    instant("again")

    assert computed == ["003.png"]


def test_another_way_in_or_precision_has_features_of_its_own(instant: Callable[..., Any], computed: list[str]) -> None:
    instant("first")
    others: tuple[dict[str, object], ...] = ({"input_size": 48}, {"fit": "letterbox"}, {"precision": "bf16"})
    for number, changes in enumerate(others):
        computed.clear()
        instant(f"other {number}", **changes)
        assert len(computed) == 2 * COUNT
    assert len(kept_files()) == 4


@pytest.mark.parametrize("harm", ["cut", "text", "folder"])
def test_a_broken_file_of_features_is_made_anew(instant: Callable[..., Any], computed: list[str], harm: str) -> None:
    first, _ = instant("first")
    (path,) = kept_files()
    if harm == "cut":
        os.truncate(path, path.stat().st_size // 2)
    elif harm == "text":
        path.write_text("nothing of the kind", encoding="ascii")
    else:
        path.unlink()
        path.mkdir()
    computed.clear()

    again, _ = instant("again")

    assert len(computed) == 2 * COUNT
    assert again.best_balanced_accuracy == first.best_balanced_accuracy


def test_without_images_to_validate_or_test_the_head_is_fitted_all_the_same(instant: Callable[..., Any]) -> None:
    ended, _ = instant("run", validation=0.0, test=0.0)
    assert ended.ending == "finished"


def test_a_stop_does_not_wait_for_a_network_that_is_still_made_ready(
    data: Path, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, stop = threading.Event(), threading.Event()

    def slow(*rest: Any) -> Any:
        stop.set()
        let_go.wait()
        return features.build_runner(*rest)

    monkeypatch.setattr(features, "build_runner", slow)
    recipe = from_preset("instant", data=str(data), model=str(small_model), precision="fp32")
    run = Run.create_in(tmp_path / "run", recipe)
    try:
        ended = fit.train(Train(str(run.folder)), JobContext(cancel=stop))
        assert stop.is_set() and not let_go.is_set()
    finally:
        monkeypatch.undo()
        let_go.set()
    assert (ended.ending, ended.can_go_on) == ("stopped", True)


def test_a_stop_does_not_wait_until_a_whole_batch_is_computed(
    data: Path, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, sizes = threading.Event(), []
    honest = TorchRunner.run

    def counting(self: TorchRunner, batch: Any) -> Any:
        sizes.append(len(batch))
        stop.set()
        return honest(self, batch)

    monkeypatch.setattr(features, "_WORK_AT_ONCE", 1.0)
    monkeypatch.setattr(TorchRunner, "run", counting)
    recipe = from_preset("instant", data=str(data), model=str(small_model), precision="fp32", batch_size=8)
    run = Run.create_in(tmp_path / "run", recipe)
    assert fit.train(Train(str(run.folder)), JobContext(cancel=stop)).ending == "stopped"
    assert sizes == [1]
