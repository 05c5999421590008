"""A Model is evaluated on the Images it is meant for; what does not fit is left out and said."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as reference

from convnext_studio.core import jobs
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.data.split_file import write_split
from convnext_studio.core.errors import DataError
from convnext_studio.core.evaluation import report
from convnext_studio.core.evaluation.report import Evaluation
from convnext_studio.core.events import ImagesClassified, ModelLoading, Noticed
from convnext_studio.core.predict.ready import forget_models
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.requests import EditLabels, Evaluate, MakeSample
from convnext_studio.core.runs.run import Run
from convnext_studio.core.values import Execution, ModelRef
from tests.unit.evaluation.conftest import CLASSES

CPU = Execution("cpu", "fp32", "torch")


def evaluated(request: Evaluate, emitted: list[object] | None = None) -> Evaluation:
    found = jobs.run(replace(request, execution=CPU), JobContext((emitted if emitted is not None else []).append))
    assert isinstance(found, Evaluation)
    return found


@pytest.fixture
def run(data_set: Path, model_file: Path, tmp_path: Path) -> Run:
    """A Run whose test split holds the Images 5, 6, 7 of each class, two parts a class."""
    run = Run.create(tmp_path / "runs", "parts", Recipe(data=str(data_set)))
    files = sorted(data_set.glob("*/*.png"))
    splits = [("test" if int(path.stem) >= 5 else "train") for path in files]
    write_split(
        run.split_path,
        [
            LabelledImage(str(path), path.parent.name, f"{path.parent.name} {path.stem > '5'}", split)
            for path, split in zip(files, splits, strict=True)
        ],
    )
    shutil.copy(model_file, run.model_path)
    return run


def test_the_figures_are_those_of_scikit_learn(data_set: Path, model_file: Path) -> None:
    found = evaluated(Evaluate(ModelRef(str(model_file)), str(data_set), "all"))
    labels = [CLASSES.index(image.label) for image in found.images]
    table = np.array([image.probabilities for image in found.images])
    answers = table.argmax(axis=1)
    assert len(labels) == 24 and found.classes == CLASSES
    assert [image.found for image in found.images] == [CLASSES[index] for index in answers]
    assert found.accuracy == pytest.approx(reference.accuracy_score(labels, answers), abs=1e-9)
    assert found.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(labels, answers), abs=1e-9)
    assert found.log_loss == pytest.approx(reference.log_loss(labels, table, labels=range(3)), abs=1e-9)
    assert (np.array(found.confusion) == reference.confusion_matrix(labels, answers, labels=range(3))).all()
    areas = [one.roc_auc for one in found.per_class]
    assert areas == pytest.approx(reference.roc_auc_score(labels, table, multi_class="ovr", average=None), abs=1e-9)


def test_the_sample_model_is_evaluated_on_the_generated_data_set(tmp_path: Path) -> None:
    jobs.run(MakeSample(str(tmp_path / "steel"), count=24, size=96), JobContext())
    found = evaluated(Evaluate(ModelRef("sample"), str(tmp_path / "steel"), "all"))
    labels = [image.label for image in found.images]
    answers = [image.found for image in found.images]
    assert len(labels) == 24
    assert found.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(labels, answers), abs=1e-9)
    assert found.groups > 0


def test_a_data_set_that_is_not_split_counts_as_a_whole_and_that_is_said(data_set: Path, model_file: Path) -> None:
    emitted: list[object] = []
    found = evaluated(Evaluate(ModelRef(str(model_file)), str(data_set)), emitted)
    assert found.split == "all" and len(found.images) == 24
    assert "not split" in found.notes[0] and Noticed(found.notes[0]) in emitted
    assert sum(len(one.predictions) for one in emitted if isinstance(one, ImagesClassified)) == 24


def test_a_run_is_evaluated_on_its_own_test_split_and_keeps_the_evaluation(run: Run) -> None:
    found = evaluated(Evaluate(ModelRef(str(run.folder)), str(run.folder)))
    assert found.split == "test" and len(found.images) == 9 and found.groups == 6
    assert {Path(image.path).stem for image in found.images} == {"5", "6", "7"}
    assert report.read(run.folder / report.FILE_NAME) == found


def test_another_model_or_split_leaves_the_evaluation_of_the_run_alone(run: Run, model_file: Path) -> None:
    evaluated(Evaluate(ModelRef(str(model_file)), str(run.folder)))
    evaluated(Evaluate(ModelRef(str(run.model_path)), str(run.folder), "train"))
    assert not (run.folder / report.FILE_NAME).exists()


def test_labels_count_as_the_user_edited_them(data_set: Path, model_file: Path) -> None:
    jobs.run(EditLabels(str(data_set), "move", (str(data_set / "pit" / "0.png"),), "good"), JobContext())
    jobs.run(EditLabels(str(data_set), "exclude", (str(data_set / "pit" / "1.png"),)), JobContext())
    found = evaluated(Evaluate(ModelRef(str(model_file)), str(data_set), "all"))
    assert [one.support for one in found.per_class] == [9, 6, 8]


def test_unreadable_images_are_named_and_count_nowhere(data_set: Path, model_file: Path) -> None:
    broken = data_set / "pit" / "3.png"
    broken.write_bytes(broken.read_bytes()[:200])
    found = evaluated(Evaluate(ModelRef(str(model_file)), str(data_set), "all"))
    assert [path for path, _ in found.unreadable] == [str(broken)] and found.unreadable[0][1]
    assert len(found.images) == 23 and found.per_class[1].support == 7


def test_damaged_images_count_and_are_named(data_set: Path, model_file: Path) -> None:
    pytest.importorskip("simplejpeg")
    path = data_set / "pit" / "spoilt.jpg"
    Image.effect_noise((96, 96), 80).convert("RGB").save(path, quality=90)
    data = bytearray(path.read_bytes())
    data[1500:1600] = bytes(100)
    path.write_bytes(data)
    emitted: list[object] = []
    found = evaluated(Evaluate(ModelRef(str(model_file)), str(data_set), "all"), emitted)
    said = f"1 Image is damaged, and a part of the picture may be wrong: “{path}”."
    assert said in found.notes and Noticed(said) in emitted
    assert len(found.images) == 25


def test_images_of_classes_the_model_does_not_know_are_left_out_and_named(data_set: Path, model_file: Path) -> None:
    (data_set / "scratch").rename(data_set / "stain")
    (data_set / "good").rename(data_set / "GOOD")
    found = evaluated(Evaluate(ModelRef(str(model_file)), str(data_set), "all"))
    assert [one.support for one in found.per_class] == [8, 8, 0]
    assert any("“stain”" in note and "8 Images" in note for note in found.notes)
    assert any("“scratch”" in note for note in found.notes)
    assert {image.label for image in found.images} == {"good", "pit"}


def test_a_class_is_not_counted_as_another_whose_very_name_is_there_too(data_set: Path, model_file: Path) -> None:
    (data_set / "scratch").rename(data_set / "PIT")
    found = evaluated(Evaluate(ModelRef(str(model_file)), str(data_set), "all"))
    assert [one.support for one in found.per_class] == [8, 8, 0]
    assert any("“PIT”" in note and "8 Images" in note for note in found.notes)


def test_what_stood_in_the_way_of_reading_the_data_set_is_said(data_set: Path, model_file: Path) -> None:
    (data_set / "scratch").rename(data_set.parent / "elsewhere")
    (data_set / "scratch").symlink_to(data_set.parent / "nowhere")
    (data_set / "pit" / "lost.png").symlink_to(data_set / "nothing.png")
    shutil.copy(data_set / "pit" / "0.png", data_set / "loose.png")
    emitted: list[object] = []
    found = evaluated(Evaluate(ModelRef(str(model_file)), str(data_set), "all"), emitted)
    notes = [one.message for one in emitted if isinstance(one, Noticed)]
    assert f"“{data_set}/scratch” is a link that leads nowhere." in notes and set(notes) <= set(found.notes)
    assert any("1 Image beside the class folders" in note for note in notes)
    assert found.unreadable == ((str(data_set / "pit" / "lost.png"), "The link leads nowhere."),)


def test_a_class_of_which_nothing_can_be_read_is_named(data_set: Path, model_file: Path) -> None:
    for path in (data_set / "pit").iterdir():
        path.write_bytes(b"")
    found = evaluated(Evaluate(ModelRef(str(model_file)), str(data_set), "all"))
    assert len(found.unreadable) == 8
    assert any("no Images of “pit”" in note for note in found.notes)


def test_a_model_for_other_things_is_refused_in_a_sentence_before_its_speed_is_measured(
    data_set: Path, model_file: Path
) -> None:
    forget_models()
    for name in CLASSES:
        (data_set / name).rename(data_set / f"{name} fruit")
    seen: list[object] = []
    with pytest.raises(DataError, match="share no class"):
        jobs.run(Evaluate(ModelRef(str(model_file)), str(data_set), "all"), JobContext(seen.append))
    assert not [event for event in seen if isinstance(event, ModelLoading) and "Measuring" in event.stage]


def test_a_split_that_is_not_there_is_refused_in_a_sentence(run: Run) -> None:
    with pytest.raises(DataError, match=r"no Images in the split “validation”.*test, train"):
        evaluated(Evaluate(ModelRef(str(run.model_path)), str(run.folder), "validation"))


def test_an_evaluation_can_be_stopped(run: Run) -> None:
    ctx = JobContext()
    stopping = JobContext(lambda event: ctx.cancel.set() if isinstance(event, ImagesClassified) else None, ctx.cancel)
    with pytest.raises(Cancelled):
        jobs.run(Evaluate(ModelRef(str(run.model_path)), str(run.folder), execution=CPU), stopping)
    assert not (run.folder / report.FILE_NAME).exists()


def test_the_file_holds_numbers_that_any_reader_of_json_takes(run: Run) -> None:
    evaluated(Evaluate(ModelRef(str(run.folder)), str(run.folder)))
    text = (run.folder / report.FILE_NAME).read_text(encoding="ascii")
    assert json.loads(text, parse_constant=pytest.fail)["split"] == "test"
