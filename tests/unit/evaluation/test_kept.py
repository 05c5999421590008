"""What an evaluation leaves on disk: it opens again, says how often the test split was read, and warns in time."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.split_file import write_split
from convnext_studio.core.errors import StorageError, UsageError
from convnext_studio.core.evaluation import report
from convnext_studio.core.evaluation.evaluate import warnings
from convnext_studio.core.evaluation.report import Evaluation, KeptEvaluation
from convnext_studio.core.events import Noticed
from convnext_studio.core.models.card import Provenance
from convnext_studio.core.models.model_file import load_model_file, save_model_file
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.requests import Evaluate, FindEvaluations, OpenEvaluation, SaveEvaluation
from convnext_studio.core.run_events import Line, TestEnded, to_line
from convnext_studio.core.runs.run import Run
from convnext_studio.core.values import Execution, ModelRef

CPU = Execution("cpu", "fp32", "torch")
TRAINED_AT = "2026-01-31T12:00:00.000+00:00"


@pytest.fixture
def run(data_set: Path, model_file: Path, tmp_path: Path) -> Run:
    """A finished Run: of each class four Images to train, one to choose the epoch by, three to test."""
    run = Run.create(tmp_path / "runs", "parts", Recipe(data=str(data_set)))
    rows = []
    for path in sorted(data_set.glob("*/*.png")):
        number = int(path.stem)
        split = "train" if number < 4 else "validation" if number == 4 else "test"
        rows.append(LabelledImage(str(path), path.parent.name, "", split))
    write_split(run.split_path, rows)
    shutil.copy(model_file, run.model_path)
    run.events_path.write_text(to_line(Line(1, TRAINED_AT, 9.0, TestEnded(1.0, 1.0, (0.9, 1.0), ((1,),)))) + "\n")
    return run


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "state" / "evaluations"


def evaluated(request: Evaluate, emitted: list[object] | None = None) -> Evaluation:
    found = jobs.run(replace(request, execution=CPU), JobContext((emitted if emitted is not None else []).append))
    assert isinstance(found, Evaluation)
    return found


def opened(request: OpenEvaluation) -> object:
    return jobs.run(request, JobContext())


def test_each_reading_of_a_runs_test_split_is_noted_in_it_and_said_once_there_are_many(run: Run) -> None:
    request = Evaluate(ModelRef(str(run.folder)), str(run.folder))
    first, second = evaluated(request), evaluated(request)
    assert first.test_reads == (TRAINED_AT, first.at) and first.trained_on == first.chosen_by == 0
    assert second.test_reads == (TRAINED_AT, first.at, second.at)
    assert report.read(run.folder / report.FILE_NAME).test_reads == second.test_reads
    assert not warnings(first) and "read 3 times" in warnings(second)[0]


def test_another_models_look_at_the_test_split_is_noted_as_well(run: Run, model_file: Path) -> None:
    own = evaluated(Evaluate(ModelRef(str(run.folder)), str(run.folder)))
    evaluated(Evaluate(ModelRef(str(model_file)), str(run.folder)))
    kept = report.read(run.folder / report.FILE_NAME)
    assert len(kept.test_reads) == 3 and replace(kept, test_reads=own.test_reads) == own


def test_a_look_at_the_test_split_is_noted_where_the_run_was_never_evaluated_itself(run: Run, model_file: Path) -> None:
    other = Evaluate(ModelRef(str(model_file)), str(run.folder))
    first, second = evaluated(other), evaluated(other)
    assert first.test_reads == (TRAINED_AT, first.at) and second.test_reads == (TRAINED_AT, first.at, second.at)
    own = evaluated(Evaluate(ModelRef(str(run.folder)), str(run.folder)))
    assert own.test_reads == (*second.test_reads, own.at)


def test_images_fitted_in_another_way_leave_the_evaluation_of_the_run_as_it_is(run: Run, kept: Path) -> None:
    wanted = Evaluate(ModelRef(str(run.folder)), str(run.folder), keeps_in=str(kept))
    own = evaluated(wanted)
    squashed = evaluated(replace(wanted, fit="squash"))
    shown = opened(OpenEvaluation(wanted=wanted))
    assert isinstance(shown, Evaluation) and replace(shown, test_reads=own.test_reads) == own
    assert opened(OpenEvaluation(wanted=replace(wanted, fit="squash"))) == squashed
    assert opened(OpenEvaluation(wanted=replace(wanted, fit="crop"))) is None


def test_what_was_found_on_all_images_is_not_shown_for_one_split_of_them(
    run: Run, model_file: Path, kept: Path
) -> None:
    everything = Evaluate(ModelRef(str(model_file)), str(run.folder), "all", keeps_in=str(kept))
    found = evaluated(everything)
    assert opened(OpenEvaluation(wanted=everything)) == found
    assert opened(OpenEvaluation(wanted=replace(everything, split="test"))) is None


def test_a_copy_of_an_image_that_is_in_two_splits_counts_as_learned(run: Run, data_set: Path, tmp_path: Path) -> None:
    learned, tested = sorted(data_set.glob("*/0.png"))[0], sorted(data_set.glob("*/7.png"))[0]
    shutil.copy(learned, tested)
    (tmp_path / "copies" / learned.parent.name).mkdir(parents=True)
    shutil.copy(learned, tmp_path / "copies" / learned.parent.name / "copy.png")
    assert evaluated(Evaluate(ModelRef(str(run.model_path)), str(tmp_path / "copies"))).trained_on == 1


def test_a_model_is_warned_of_that_learned_from_these_images(run: Run, data_set: Path, tmp_path: Path) -> None:
    emitted: list[object] = []
    everything = evaluated(Evaluate(ModelRef(str(run.model_path)), str(run.folder), "all"), emitted)
    assert (everything.trained_on, everything.chosen_by) == (12, 3)
    assert any(isinstance(one, Noticed) and "trained on 12 of these 24" in one.message for one in emitted)
    copies = tmp_path / "copies"
    for path in data_set.glob("*/[0-5].png"):
        (copies / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copies / path.parent.name / f"new {path.name}")
    found = evaluated(Evaluate(ModelRef(str(run.model_path)), str(copies)))
    assert (found.trained_on, found.chosen_by) == (12, 3)  # other names, the same pictures


def test_a_model_without_its_run_is_doubted_on_a_data_set_of_the_name_it_learned_from(
    data_set: Path, model_file: Path, tmp_path: Path
) -> None:
    network, card, _, _ = load_model_file(model_file)
    grown = tmp_path / "grown.safetensors"
    save_model_file(grown, network, replace(card, provenance=Provenance(data=f"parts, SHA-256 {'0' * 64}")))
    found = evaluated(Evaluate(ModelRef(str(grown)), str(data_set), "all"))
    assert any("learned from a data set of this name" in note for note in found.notes)
    assert not evaluated(Evaluate(ModelRef(str(model_file)), str(data_set), "all")).notes


def test_what_is_kept_opens_again_without_the_images_and_is_listed(run: Run, data_set: Path, kept: Path) -> None:
    wanted = Evaluate(ModelRef(str(run.model_path)), str(run.folder), keeps_in=str(kept))
    of_test = evaluated(wanted)
    of_validation = evaluated(replace(wanted, split="validation"))
    whole = evaluated(replace(wanted, data=str(data_set)))
    shutil.rmtree(data_set)
    assert opened(OpenEvaluation(wanted=wanted)) == of_test
    assert opened(OpenEvaluation(wanted=replace(wanted, model=ModelRef(str(run.folder))))) == of_test
    assert opened(OpenEvaluation(wanted=replace(wanted, split="validation"))) == of_validation
    assert opened(OpenEvaluation(wanted=replace(wanted, data=str(data_set)))) == whole  # not split: as a whole
    assert opened(OpenEvaluation(wanted=replace(wanted, split="train"))) is None
    listed = jobs.run(FindEvaluations(str(kept)), JobContext())
    assert isinstance(listed, tuple) and all(isinstance(one, KeptEvaluation) for one in listed)
    assert [one.path for one in listed] == [whole.kept_at, of_validation.kept_at, of_test.kept_at]
    assert opened(OpenEvaluation(listed[0].path)) == whole and listed[2].balanced_accuracy == of_test.balanced_accuracy


def test_what_was_named_from_here_is_kept_as_named_from_the_root(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.folder.parent)
    found = evaluated(Evaluate(ModelRef(run.folder.name), run.folder.name))
    assert (found.ref.name, found.data) == (str(run.model_path), str(run.folder))
    assert report.read(run.folder / report.FILE_NAME) == found


def test_what_is_kept_is_not_shown_for_a_model_that_has_changed(run: Run) -> None:
    wanted = Evaluate(ModelRef(str(run.model_path)), str(run.folder))
    found = evaluated(wanted)
    report.write(run.folder / report.FILE_NAME, replace(found, identity="0" * 64))
    assert opened(OpenEvaluation(wanted=wanted)) is None


def test_a_disk_that_does_not_take_it_costs_no_figures(run: Run, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    emitted: list[object] = []
    wanted = Evaluate(ModelRef(str(run.model_path)), str(run.folder), "validation", keeps_in=str(blocked / "in it"))
    found = evaluated(wanted, emitted)
    assert len(found.images) == 3 and found.kept_at == ""  # or what lies there from before would be taken for it
    assert any(isinstance(one, Noticed) and "not kept" in one.message for one in emitted)


def test_an_evaluation_that_could_not_be_written_is_not_said_to_be_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_rest: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr("convnext_studio.core.evaluation.kept.write", full)
    emitted: list[object] = []
    found = evaluated(Evaluate(ModelRef(str(run.folder)), str(run.folder)), emitted)
    assert found.kept_at == "" and Noticed("The disk is full.", "") in emitted


def test_a_report_stands_alone_and_names_are_text(run: Run, tmp_path: Path) -> None:
    evaluated(Evaluate(ModelRef(str(run.folder)), str(run.folder)))
    source = run.folder / report.FILE_NAME
    bad = "<img src=x onerror=alert(1)>"
    source.write_text(source.read_text().replace('"scratch"', f'"{bad}"').replace("/pit/", "/=pit\\udc80/"))
    out = tmp_path / "report.html"
    jobs.run(SaveEvaluation(str(source), str(out)), JobContext())
    text = out.read_text(encoding="utf-8")
    assert bad not in text and "&lt;img src=x" in text and "<script" not in text and "http://" not in text
    assert "test split" in text and "<svg" in text and "read 2 times" in text


def test_the_table_has_a_row_an_image_that_no_spreadsheet_runs(run: Run, tmp_path: Path) -> None:
    found = evaluated(Evaluate(ModelRef(str(run.folder)), str(run.folder)))
    source = run.folder / report.FILE_NAME
    source.write_text(source.read_text().replace('"scratch"', '"=scratch"'))
    out = tmp_path / "images.csv"
    jobs.run(SaveEvaluation(str(source), str(out)), JobContext())
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9 and {row["true"] for row in rows} == {"good", "pit", "'=scratch"}
    assert [float(row["loss"]) for row in rows] == [image.loss for image in found.images]
    with pytest.raises(UsageError):
        jobs.run(SaveEvaluation(str(source), str(tmp_path / "report.doc")), JobContext())
