"""A folder dropped on the window: every picture gets its ranked classes, every broken one its reason."""

from __future__ import annotations

import csv
from collections.abc import Generator
from pathlib import Path

import pytest

from convnext_studio.core.values import ImageRef, ModelRef, Prediction
from convnext_studio.gui.app import App
from tests.e2e.conftest import BROKEN, GOOD
from tests.e2e.driver import Until, answer_dialog, drop, is_done, run_program


def test_a_dropped_folder_is_classified_exported_and_opened_again(
    thousand: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results.csv"

    def first(app: App) -> Generator[Until, None, None]:
        yield lambda: app.host.is_ready
        drop(app, thousand)
        yield is_done(app, GOOD + BROKEN)
        library = app.studio.library
        assert (library.classified, library.errors) == (GOOD, BROKEN)
        for row in range(library.shown):
            prediction = library.prediction_at(row)
            assert prediction is not None
            assert bool(prediction.error) == (not prediction.classes)
            assert list(prediction.probabilities) == sorted(prediction.probabilities, reverse=True)
        yield app.actions["save_results"].isEnabled
        app.actions["save_results"].trigger()
        answer_dialog(app, results)
        yield results.exists

    assert run_program(monkeypatch, ["gui"], first, model=ModelRef("sample")).code == 0
    with results.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == GOOD + BROKEN
    assert len({row["path"] for row in rows}) == GOOD + BROKEN
    assert sum(bool(row["error"]) for row in rows) == BROKEN
    assert all(row["class_1"] for row in rows if not row["error"])

    def again(app: App) -> Generator[Until, None, None]:
        yield lambda: app.studio.library.total == GOOD + BROKEN
        assert app.studio.recent.places[0].path == str(thousand)
        assert app.studio.library.image_at(0).path.startswith(str(thousand))

    assert run_program(monkeypatch, ["gui", str(thousand)], again).code == 0


def test_stop_keeps_what_is_done_and_classify_goes_on_with_the_rest(
    thousand: Path, quick_settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(app: App) -> Generator[Until, None, None]:
        library, classifier = app.studio.library, app.studio.classifier
        drop(app, thousand)
        yield lambda: classifier.state == "classifying" and library.classified >= 20
        app.actions["stop"].trigger()
        assert classifier.state == "ready"
        kept = library.classified
        assert 20 <= kept < GOOD
        yield lambda: not library.is_finding and library.total == GOOD + BROKEN
        assert (classifier.state, library.classified) == ("ready", kept)
        kept_predictions = {prediction.image: prediction for prediction in library.predictions()}
        app.actions["classify"].trigger()
        yield is_done(app, GOOD + BROKEN)
        assert (library.classified, library.errors) == (GOOD, BROKEN)
        now = {prediction.image: prediction for prediction in library.predictions()}
        assert all(now[image] == prediction for image, prediction in kept_predictions.items())

    assert run_program(monkeypatch, ["gui"], script).code == 0


def test_results_that_are_being_written_are_whole_when_the_program_has_ended(
    quick_settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results.csv"
    images = (ImageRef(f"/parts/{number}.png") for number in range(20_000))
    predictions = tuple(Prediction(image, ("good", "scratch"), (0.9, 0.1), 0.8) for image in images)

    def script(app: App) -> Generator[Until, None, None]:
        yield lambda: app.studio.classifier.state == "ready"
        app.window.leaving._patience.setInterval(60_000)  # nobody is here to answer
        app.studio.exporter.save(predictions, str(results), 2)

    outcome = run_program(monkeypatch, ["gui"], script)
    assert outcome.code == 0 and "Saved results.csv." in outcome.messages
    with results.open(encoding="utf-8") as lines:
        assert sum(1 for _ in lines) == 20_001
