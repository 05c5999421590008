"""An Evaluation counts what it was given, finds Images by cell, and comes back whole from its file."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convnext_studio.core.errors import DataError
from convnext_studio.core.evaluation import report
from convnext_studio.core.evaluation.count import About, Answers, evaluation_of

ABOUT = About(
    "test",
    "Tiny",
    "ab" * 32,
    "/data",
    (("/data/broken.png", "It is cut off."),),
    ("/data/stain.png",),
    ("A note.",),
    1.5,
)


@pytest.fixture
def answers() -> Answers:
    """Thirty Images of two of three classes, ten parts of three Images each."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 30)
    table = random.random((30, 3)) + 0.5 * np.eye(3)[labels]
    return Answers(
        ("dent", "good", "scratch"),
        [f"/data/{number}\udcff.png" for number in range(30)],
        labels,
        [f"part {number // 3}" for number in range(30)],
        table / table.sum(axis=1, keepdims=True),
    )


def test_an_evaluation_comes_back_whole_from_its_file(answers: Answers, tmp_path: Path) -> None:
    evaluation = evaluation_of(answers, ABOUT)
    report.write(tmp_path / report.FILE_NAME, evaluation)
    assert report.read(tmp_path / report.FILE_NAME) == evaluation


def test_the_file_says_what_scripts_rely_on(answers: Answers) -> None:
    evaluation = evaluation_of(answers, ABOUT)
    said = json.loads(report.to_json(evaluation))
    counts = [int((answers.labels == index).sum()) for index in range(3)]
    assert said["split"] == "test" and said["classes"] == ["dent", "good", "scratch"] and said["support"] == counts
    assert said["per_class"]["good"]["support"] == counts[1]
    assert set(said["per_class"]["good"]) >= {"precision", "recall", "f1", "support"}
    assert np.trace(said["confusion_matrix"]) / 30 == pytest.approx(said["accuracy"])
    low, high = said["intervals"]["balanced_accuracy"]
    assert 0 <= low < said["balanced_accuracy"] < high <= 1
    assert said["per_class"]["scratch"]["roc_auc"] is None


def test_a_class_that_is_never_missed_may_still_be_missed_sometimes(answers: Answers) -> None:
    sure = dataclasses.replace(answers, probabilities=np.eye(3)[answers.labels])
    dent = evaluation_of(sure, ABOUT).per_class[0]
    assert dent.missed == 0 and dent.recall == 1.0
    parts = len({group for group, label in zip(answers.groups, answers.labels, strict=True) if label == 0})
    assert parts < dent.support and dent.missed_at_most == pytest.approx(1 - 0.05 ** (1 / parts))
    assert dent.recall_interval[0] < 0.9 and dent.f1_interval[0] < 0.9


def test_f1_lies_within_its_interval(answers: Answers) -> None:
    for one in evaluation_of(answers, ABOUT).per_class[:2]:
        assert one.f1_interval[0] < one.f1 < one.f1_interval[1]


def test_a_cell_opens_its_images_the_worst_first(answers: Answers) -> None:
    evaluation = evaluation_of(answers, ABOUT)
    inside = evaluation.cell("dent", "good")
    assert len(inside) == evaluation.confusion[0][1]
    assert [image.loss for image in inside] == sorted((image.loss for image in inside), reverse=True)
    assert evaluation.worst(3)[0].loss == max(image.loss for image in evaluation.images)


def test_groups_widen_the_interval_and_are_counted(answers: Answers) -> None:
    alone = evaluation_of(dataclasses.replace(answers, groups=[""] * 30), ABOUT)
    assert alone.groups == 0 and evaluation_of(answers, ABOUT).groups == 10
    sure = dataclasses.replace(answers, probabilities=np.eye(3)[answers.labels])
    alone, grouped = evaluation_of(dataclasses.replace(sure, groups=[""] * 30), ABOUT), evaluation_of(sure, ABOUT)
    assert grouped.accuracy_interval[0] < alone.accuracy_interval[0] - 0.03
    assert grouped.balanced_accuracy_interval[0] < alone.balanced_accuracy_interval[0] - 0.03


def test_groups_make_every_figure_of_a_class_less_sure(answers: Answers) -> None:
    alone = evaluation_of(dataclasses.replace(answers, groups=[""] * 30), ABOUT)
    tens = evaluation_of(dataclasses.replace(answers, groups=[f"part {number // 10}" for number in range(30)]), ABOUT)
    for one, other in zip(alone.per_class[:2], tens.per_class[:2], strict=True):
        assert other.missed_at_most > one.missed_at_most
        for name in ("recall_interval", "precision_interval", "f1_interval"):
            (low, high), (below, above) = getattr(one, name), getattr(other, name)
            assert below <= low and above >= high and above - below > high - low


def test_what_may_be_missed_and_the_interval_of_the_recall_do_not_disagree(answers: Answers) -> None:
    labels = np.repeat([0, 1], [18, 12])
    table = np.eye(3)[np.where(np.arange(30) == 0, 1, labels)]
    parts = [f"part {number // 4}" for number in range(30)]
    dent = evaluation_of(dataclasses.replace(answers, labels=labels, probabilities=table, groups=parts), ABOUT)
    for one in dent.per_class[:2]:
        assert one.recall_interval[0] <= 1 - one.missed_at_most <= one.recall <= one.recall_interval[1]


def test_where_each_part_has_one_image_no_parts_are_told(answers: Answers) -> None:
    named = dataclasses.replace(answers, groups=[f"part {number}" for number in range(30)])
    alone, nameless = evaluation_of(named, ABOUT), evaluation_of(dataclasses.replace(named, groups=[""] * 30), ABOUT)
    assert alone.groups == 0 and alone.per_class == nameless.per_class
    assert alone.balanced_accuracy_interval == nameless.balanced_accuracy_interval


def test_a_long_curve_is_drawn_with_a_limited_number_of_points() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 5000)
    table = np.stack([random.random(5000), np.full(5000, 0.5)], axis=1)
    many = Answers(("bad", "good"), [f"{number}" for number in range(5000)], labels, [""] * 5000, table)
    curve = evaluation_of(many, ABOUT).per_class[0].roc
    assert 900 < len(curve) <= 1000 and curve[0] == (0.0, 0.0) and curve[-1] == (1.0, 1.0)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"classes": 3}', "not JSON"])
def test_what_is_no_evaluation_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="no Evaluation"):
        report.from_json(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("groups", "<script>"),
        ("accuracy", None),
        ("test_reads", [1]),
        ("confusion_matrix", [[1]]),
        ("notes", None),
        ("at", 3),
        ("log_loss", 1e400),
    ],
)
def test_an_evaluation_whose_values_are_not_what_they_should_be_is_refused(
    answers: Answers, name: str, value: object
) -> None:
    document = json.loads(report.to_json(evaluation_of(answers, ABOUT)))
    assert report.from_json(json.dumps(document))
    with pytest.raises(DataError, match="no Evaluation"):
        report.from_json(json.dumps(document | {name: value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("probability", value) for value in (float("nan"), None)),
        pytest.param("probability", 10**400, id="beyond all bounds"),
        *(("loss", value) for value in (float("inf"), "1")),
        *(("probabilities", value) for value in ([0.5], [], [0.1, 0.2, float("nan")], [0.1, 0.2, 0.3, 0.4])),
    ],
)
def test_an_evaluation_with_a_strange_figure_of_one_image_is_refused(
    answers: Answers, name: str, value: object
) -> None:
    """A row with too few probabilities would also be followed by rows with those of others."""
    document = json.loads(report.to_json(evaluation_of(answers, ABOUT)))
    document["images"][3][name] = value
    with pytest.raises(DataError, match="no Evaluation"):
        report.from_json(json.dumps(document))


def test_rows_of_which_one_has_what_another_lacks_are_refused_too(answers: Answers) -> None:
    document = json.loads(report.to_json(evaluation_of(answers, ABOUT)))
    document["images"][3]["probabilities"] += document["images"][4]["probabilities"]
    document["images"][4]["probabilities"] = []
    with pytest.raises(DataError, match="no Evaluation"):
        report.from_json(json.dumps(document))


def test_the_window_can_hold_an_evaluation_without_numpy() -> None:
    code = "import sys; import convnext_studio.core.evaluation.report; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
