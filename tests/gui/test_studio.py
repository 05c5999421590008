"""The Stores together: settings reach what they are about, and what was used is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from convnext_studio.core.requests import LoadModel, MakeSample
from convnext_studio.core.values import Execution, ModelInfo, ModelRef
from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.stores.look import Look
from convnext_studio.gui.stores.places import Places
from convnext_studio.gui.stores.recent import MOST, Recent
from convnext_studio.gui.stores.studio import Studio, build_studio
from convnext_studio.gui.stores.window_memory import WindowMemory
from convnext_studio.gui.theme.theme import Theme
from tests.gui.replies import image, model_info, serve
from tests.gui.training_replies import DATA, Workspace


def load(request: LoadModel, _ctx: object) -> ModelInfo:
    return model_info(request.model, is_meaningless=request.model.weights == "random")


def test_settings_reach_the_classifier(studio: Studio) -> None:
    studio.settings.update(top=3, max_megapixels=50.0, classifies_at_once=False, precision="fp32")
    classifier = studio.classifier
    assert (classifier.top, classifier.max_megapixels, classifier.is_automatic) == (3, 50.0, False)
    assert classifier.execution == Execution(precision="fp32")


def test_the_model_used_last_is_wanted_at_the_next_start(
    studio: Studio, lanes: dict[str, InlineLane], theme: Theme, places: Places, qtbot: QtBot
) -> None:
    for lane in lanes.values():
        lane.served_by[LoadModel] = load
    for ref in (
        ModelRef("convnext_tiny.in12k_ft_in1k", folder="/weights"),
        ModelRef("convnext_tiny", weights="random"),
    ):
        with qtbot.waitSignal(studio.classifier.info_changed):
            studio.classifier.set_model(ref)
    again = build_studio(theme, places, lanes)
    again.recall_model()
    assert again.classifier.model_ref == ModelRef("convnext_tiny.in12k_ft_in1k", folder="/weights")
    assert again.classifier.info is None


def test_what_loading_a_model_told_is_remembered_without_a_window(
    studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    lanes["batch"].served_by[LoadModel] = lambda request, _ctx: model_info(request.model, images_per_s=41.0)
    studio.classifier.set_model(ModelRef("/models/own.safetensors"))
    qtbot.waitUntil(lambda: studio.models.own_files == ("/models/own.safetensors",))
    assert [speed.images_per_s for speed in studio.models.speeds("/models/own.safetensors")] == [41.0]


def test_the_sample_takes_the_place_of_nothing_that_was_opened_while_it_was_made(
    studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    serve(lanes, [image(1)])
    Workspace().serve(lanes)
    lanes["files"].served_by[MakeSample] = lambda _request, _ctx: "/sample"
    asked_to_train: list[str] = []
    studio.sample.made_to_train.connect(asked_to_train.append)
    lanes["files"].hold()
    studio.sample.open_sample()
    studio.open_paths(("/parts",))
    lanes["files"].release()
    qtbot.waitUntil(lambda: not studio.sample.is_making)
    assert studio.opened == ("/parts",)
    studio.sample.open_sample()
    qtbot.waitUntil(lambda: studio.opened == ("/sample",))

    lanes["files"].hold()
    studio.sample.train_on_sample()
    studio.data_sets.choose(DATA)
    lanes["files"].release()
    qtbot.waitUntil(lambda: not studio.sample.is_making)
    assert asked_to_train == []
    studio.sample.train_on_sample()
    qtbot.waitUntil(lambda: asked_to_train == ["/sample"])
    qtbot.waitUntil(lambda: studio.data_sets.is_thorough and not studio.library.is_finding)


def test_the_first_start_wants_the_sample(studio: Studio) -> None:
    studio.recall_model()
    assert studio.classifier.model_ref == ModelRef("sample")


def test_ten_places_are_remembered_the_newest_first(tmp_path: Path, qtbot: QtBot) -> None:
    recent = Recent(tmp_path / "recent.json")
    for number in range(MOST + 2):
        recent.add(f"/place {number}")
    recent.add("/place 5", 812)
    again = Recent(tmp_path / "recent.json")
    assert len(again.places) == MOST
    assert (again.places[0].path, again.places[0].images) == ("/place 5", 812)
    look = Look({"places": InlineLane()}, "recent")
    look.ask(place.path for place in again.places)
    assert not look.is_missing("/place 5")  # nothing is known before the disk has answered
    qtbot.waitSignal(look.changed).wait()
    assert look.is_missing("/place 5")
    again.clear()
    assert Recent(tmp_path / "recent.json").places == ()


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b'[{"path": 1}]', b"[1, 2]", b'{"a": {"b": 1}}'])
def test_damaged_memories_are_forgotten(tmp_path: Path, content: bytes, qapp: object) -> None:
    path = tmp_path / "kept.json"
    path.write_bytes(content)
    assert Recent(path).places == ()
    memory = WindowMemory(path)
    assert memory.text("geometry") == ""
    assert memory.texts("a") == []
    memory.keep("geometry", "abc")
    assert WindowMemory(path).text("geometry") == "abc"


def test_a_recent_place_keeps_its_count_when_other_images_are_shown(
    studio: Studio, lanes: dict[str, InlineLane], qtbot: QtBot
) -> None:
    serve(lanes, [image(1), image(2), image(3)])
    studio.open_paths(("/parts",))
    qtbot.waitUntil(lambda: studio.library.total == 3 and not studio.library.is_finding)
    serve(lanes, [image(1)])
    studio.show_images((image(1).path,))
    qtbot.waitUntil(lambda: studio.library.total == 1 and not studio.library.is_finding)
    assert [(place.path, place.images) for place in studio.recent.places] == [("/parts", 3)]


def test_any_file_name_survives_in_the_recent_places(tmp_path: Path, qapp: object) -> None:
    name = "/a\udcff\n<b>ü😀"
    Recent(tmp_path / "recent.json").add(name)
    assert Recent(tmp_path / "recent.json").places[0].path == name
