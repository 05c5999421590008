"""The store of Models: what is here, what is coming, how fast, and the table over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from pytestqt.qtbot import QtBot

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DownloadError
from convnext_studio.core.events import DownloadProgressed, SpeedMeasured, WeightsOnDisk
from convnext_studio.core.models.card import Card, Metric, Provenance
from convnext_studio.core.models.cards import CardRead
from convnext_studio.core.requests import DownloadWeights, FindWeights, MeasureSpeed, ReadCards
from convnext_studio.core.values import Execution, ModelInfo, ModelRef, Preprocessing
from convnext_studio.gui.jobs import LANES, InlineLane
from convnext_studio.gui.settings import SettingsStore
from convnext_studio.gui.stores.job_list import JobList
from convnext_studio.gui.stores.model_facts import facts_of
from convnext_studio.gui.stores.model_memory import FILE_NAME, ModelMemory
from convnext_studio.gui.stores.model_rows import ModelFilter, ModelRow, catalogue_rows
from convnext_studio.gui.stores.model_table import ROW_ROLE, Column, ModelTable, licence_cell
from convnext_studio.gui.stores.models import Models
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.cells import CELL_ROLE, Cell
from tests.gui.replies import end_engine

TINY = ModelRow(
    name="convnext_tiny.in12k_ft_in1k",
    kind="pretrained",
    title="convnext_tiny.in12k_ft_in1k",
    architecture="convnext_tiny",
    family="ConvNeXt",
    size="tiny",
    parameters=28_600_000,
    gmacs=4.47,
    input_px=224,
    top1=84.2,
    top1_source="timm results-imagenet.csv",
    training_data="ImageNet-12k, then ImageNet-1k",
    licence="Apache-2.0",
    commercial_use=True,
    classes=1000,
    label_set="imagenet-1k",
    file_bytes=114_000_000,
)
ATTO = replace(
    TINY, name="convnext_atto.d2_in1k", title="convnext_atto.d2_in1k", architecture="convnext_atto", size="atto",
    parameters=3_700_000, gmacs=0.55, top1=75.7, training_data="ImageNet-1k", file_bytes=14_800_000,
)  # fmt: skip
SMALL = replace(
    TINY, name="convnext_small.in12k_ft_in1k_384", title="convnext_small.in12k_ft_in1k_384", size="small",
    architecture="convnext_small", parameters=50_200_000, gmacs=25.6, input_px=384, top1=86.2, file_bytes=201_000_000,
)  # fmt: skip
V2 = replace(
    TINY, name="convnextv2_nano.fcmae_ft_in22k_in1k", title="convnextv2_nano.fcmae_ft_in22k_in1k", size="nano",
    architecture="convnextv2_nano", family="ConvNeXt V2", parameters=15_600_000, gmacs=2.5, top1=82.0,
    licence="CC-BY-NC-4.0", commercial_use=False, file_bytes=62_500_000,
)  # fmt: skip
FEATURES = replace(
    V2, name="convnextv2_base.fcmae", title="convnextv2_base.fcmae", size="base", classes=0, top1=None,
    architecture="convnextv2_base", training_data="ImageNet-1k, without labels", parameters=87_700_000,
)  # fmt: skip
BARE = replace(
    TINY, name="convnext_pico", title="convnext_pico", kind="bare", size="pico", architecture="convnext_pico",
    top1=None, training_data="", licence="", commercial_use=None, file_bytes=0, classes=1000, parameters=9_050_000,
)  # fmt: skip
ROWS = (ATTO, BARE, TINY, SMALL, V2, FEATURES)

PREPROCESSING = Preprocessing(224, 224, "crop", "bicubic", (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
HERE = WeightsOnDisk("/weights/atto.safetensors", 14_800_000, "download cache")


SAMPLE_FILE = "/sample/model.safetensors"
SAMPLE_CARD = Card(
    architecture="convnext_atto",
    classes=("crack", "dent", "good", "pit", "scratch", "stain"),
    preprocessing=replace(PREPROCESSING, height=128, width=128),
    title="Surface defects",
    licence="Apache-2.0",
    commercial_use=True,
    training_data="generated metal surfaces",
)
SAMPLE_READ = CardRead(SAMPLE_FILE, SAMPLE_CARD, 3_700_000, 7_600_000)


def read_cards(request: ReadCards, ctx: JobContext) -> tuple[CardRead, ...]:
    """Stand-in for the Job: only the sample is there."""
    return tuple(SAMPLE_READ if path == SAMPLE_FILE else CardRead(path, error="It is gone.") for path in request.paths)


def make_info(ref: ModelRef, **changes: object) -> ModelInfo:
    info = ModelInfo(
        ref, "title", "convnext_tiny", "0" * 64, ("a", "b"), PREPROCESSING, 1, "", None, "", "CPU", "cpu", "openvino",
        "bf16", "", 41.0,
    )  # fmt: skip
    return replace(info, **changes)  # type: ignore[arg-type]


def stock(studio: Studio, folder: Path) -> None:
    """Give a studio the small catalogue of these tests."""
    memory = ModelMemory(folder)
    studio.models = Models(
        studio.lanes, studio.jobs, studio.settings, memory, catalogue=lambda: ROWS, sample=Path(SAMPLE_FILE)
    )


class Bench:
    """The store with a Lane whose Jobs the test decides."""

    def __init__(self, folder: Path) -> None:
        self.found = {ATTO.name: HERE}
        self.lane = InlineLane({FindWeights: self._find, ReadCards: read_cards})
        self.jobs = JobList()
        self.settings = SettingsStore(folder / "settings.json")
        self.memory_folder = folder
        self.models = self.open()

    def open(self) -> Models:
        lanes = dict.fromkeys(LANES, self.lane)
        memory = ModelMemory(self.memory_folder)
        return Models(lanes, self.jobs, self.settings, memory, catalogue=lambda: ROWS, sample=Path(SAMPLE_FILE))

    def serve(self, request: type, job: Callable[[object, JobContext], object]) -> None:
        self.lane.served_by[request] = job

    def _find(self, request: FindWeights, ctx: JobContext) -> dict[str, WeightsOnDisk]:
        return self.found


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def cell(table: ModelTable, name: str, column: Column) -> Cell:
    found = table.index_of(name).siblingAtColumn(column).data(CELL_ROLE)
    assert isinstance(found, Cell)
    return found


def shown(table: ModelTable) -> list[str]:
    rows = (table.index(line, 0).data(ROW_ROLE) for line in range(table.rowCount()))
    return [row.name for row in rows if isinstance(row, ModelRow)]


def test_what_is_on_disk_is_looked_up_once_and_again_when_the_folder_changes(bench: Bench, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bench.models.rows_changed):
        bench.models.look_once()
    assert bench.models.on_disk(ATTO.name) == HERE
    assert bench.models.is_ready(ATTO)
    assert not bench.models.is_ready(TINY)
    bench.models.look_once()
    bench.settings.update(weights_folder=str(bench.memory_folder))
    asked = [request for request in bench.lane.requests if isinstance(request, FindWeights)]
    assert asked == [FindWeights(""), FindWeights(str(bench.memory_folder))]
    qtbot.waitUntil(lambda: bench.models.on_disk(ATTO.name) == HERE)


def test_a_download_shows_how_far_it_is_and_then_the_weights_are_here(bench: Bench, qtbot: QtBot) -> None:
    def job(request: DownloadWeights, ctx: JobContext) -> WeightsOnDisk:
        ctx.emit(DownloadProgressed(0, 114))
        ctx.emit(DownloadProgressed(57, 114))
        return replace(HERE, size_bytes=114)

    bench.serve(DownloadWeights, job)
    states = []
    bench.models.row_changed.connect(lambda name: states.append(bench.models.download_of(name)))
    with qtbot.waitSignal(bench.models.downloaded) as blocker:
        bench.models.download(TINY.name)
        assert [entry.title for entry in bench.jobs.entries] == ["Download"]
    assert blocker.args == [TINY.name]
    assert [(state.state, state.done_bytes) for state in states if state] == [("waiting", 0), ("running", 57)] + [
        ("arrived", 57)
    ] * (len([s for s in states if s]) - 2)
    assert bench.models.is_ready(TINY)
    assert bench.models.download_of(TINY.name) is None
    qtbot.waitUntil(lambda: not bench.jobs.entries)


def test_a_download_that_fails_says_why_and_can_be_tried_again(bench: Bench, qtbot: QtBot) -> None:
    outcomes = iter((DownloadError("No network.", "Choose a local file instead."), None))

    def job(request: DownloadWeights, ctx: JobContext) -> WeightsOnDisk:
        ctx.emit(DownloadProgressed(40, 114))
        if (error := next(outcomes)) is not None:
            raise error
        return HERE

    bench.serve(DownloadWeights, job)
    bench.models.download(TINY.name)
    qtbot.waitUntil(lambda: (d := bench.models.download_of(TINY.name)) is not None and d.state == "failed")
    failed = bench.models.download_of(TINY.name)
    assert failed is not None
    assert (failed.message, failed.hint, failed.done_bytes) == ("No network.", "Choose a local file instead.", 40)
    with qtbot.waitSignal(bench.models.downloaded):
        bench.models.download(TINY.name)


def test_a_stopped_download_keeps_what_has_come_and_is_not_started_twice(bench: Bench, qtbot: QtBot) -> None:
    bench.serve(DownloadWeights, lambda request, ctx: HERE)
    bench.lane.hold()
    bench.models.download(TINY.name)
    bench.models.download(TINY.name)
    assert bench.lane.requests == [DownloadWeights(TINY.name)]
    bench.models.stop_download(TINY.name)
    bench.lane.release()
    qtbot.waitUntil(lambda: (d := bench.models.download_of(TINY.name)) is not None and d.state == "stopped")
    assert not bench.models.is_ready(TINY)


def test_a_measured_speed_is_remembered_over_a_restart(bench: Bench, qtbot: QtBot) -> None:
    fastest = Execution("cpu", "bf16", "openvino")
    bench.serve(MeasureSpeed, lambda request, ctx: SpeedMeasured(41.0, fastest, 8))
    bench.models.measure(TINY)
    assert bench.models.measuring == TINY.name
    qtbot.waitUntil(lambda: bench.models.measuring == "")
    assert bench.lane.requests == [MeasureSpeed(ModelRef(TINY.name, "random"))]
    again = bench.open()
    assert [(speed.images_per_s, speed.execution) for speed in again.speeds(TINY.name)] == [(41.0, fastest)]


def test_a_speed_that_was_extrapolated_says_so(bench: Bench, qtbot: QtBot) -> None:
    bench.serve(MeasureSpeed, lambda request, ctx: SpeedMeasured(0.12, Execution("cpu", "bf16", "torch"), 1, 0.82))
    bench.models.measure(TINY)
    qtbot.waitUntil(lambda: bench.models.measuring == "")
    models = bench.open()
    table = ModelTable(models)
    assert cell(table, TINY.name, Column.SPEED).text == "≈ 0.12"
    words = dict(facts_of(TINY, models))["Speed here"]
    assert words.startswith("0.12 images/") and "PyTorch, extrapolated from 82\xa0% of one answer" in words


def test_measuring_another_model_stops_the_first_whose_late_answer_counts_for_none(bench: Bench, qtbot: QtBot) -> None:
    bench.serve(MeasureSpeed, lambda request, ctx: SpeedMeasured(len(request.model.name), Execution(), 8))
    bench.lane.hold()
    bench.models.measure(TINY)
    bench.models.measure(ATTO)
    bench.lane.release()
    qtbot.waitUntil(lambda: bench.models.measuring == "")
    assert bench.models.speeds(TINY.name) == ()
    assert bench.models.speeds(ATTO.name)[0].images_per_s == len(ATTO.name)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"own_files": 3}', '{"own_files": [], "speeds": [{"name": 1}]}'])
def test_a_broken_memory_file_is_forgotten(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    memory = ModelMemory(tmp_path)
    assert memory.own_files == ()
    memory.note_own_file("/a.safetensors")
    assert ModelMemory(tmp_path).own_files == ("/a.safetensors",)


def test_a_loaded_model_file_joins_the_list_with_what_its_card_says(bench: Bench, qtbot: QtBot) -> None:
    metric = Metric("balanced_accuracy", 0.914, "test", 120, 0.85, 0.95)
    card = Card(
        architecture="convnext_tiny",
        classes=("good", "scratch"),
        preprocessing=PREPROCESSING,
        licence="Apache-2.0",
        title="surface-3",
        provenance=Provenance("convnext_tiny.in12k_ft_in1k"),
        metrics=(metric,),
    )
    reads = {
        SAMPLE_FILE: SAMPLE_READ,
        "/mine/s.safetensors": CardRead("/mine/s.safetensors", card, 27_000_000, 111_000_000),
        "/mine/gone.safetensors": CardRead("/mine/gone.safetensors", error="“gone.safetensors” is not there."),
    }
    bench.serve(ReadCards, lambda request, ctx: tuple(reads[path] for path in request.paths))
    for path in reversed(list(reads)[1:]):
        bench.models.note_loaded(make_info(ModelRef(path)))
    qtbot.waitUntil(lambda: len(bench.models.rows) == len(ROWS) + 3)
    mine, gone = bench.models.rows[1:3]
    assert (mine.title, mine.kind, mine.classes, mine.parameters) == ("surface-3", "own", 2, 27_000_000)
    facts = dict(mine.facts)
    assert facts["Classes"] == "good, scratch"
    assert "on test (120 images), 95 % interval" in facts["Balanced accuracy"]
    assert gone.warnings == ("“gone.safetensors” is not there.",)
    bench.models.forget_own("/mine/gone.safetensors")
    assert [row.name for row in bench.models.rows][:3] == ["sample", "/mine/s.safetensors", ATTO.name]


# --- the filter and the table


def test_what_was_just_downloaded_joins_the_models_on_this_machine(bench: Bench, qtbot: QtBot) -> None:
    bench.serve(DownloadWeights, lambda request, ctx: HERE)
    table = ModelTable(bench.models)
    table.set_filter(ModelFilter(is_here=True))
    assert not table.index_of(TINY.name).isValid()
    with qtbot.waitSignal(bench.models.downloaded):
        bench.models.download(TINY.name)
    assert table.index_of(TINY.name).isValid()


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (ModelFilter(text="TINY in12k"), [TINY.name]),
        (ModelFilter(is_here=True), [ATTO.name]),
        (ModelFilter(family="ConvNeXt V2"), [V2.name, FEATURES.name]),
        (ModelFilter(size="small"), [SMALL.name]),
        (ModelFilter(input_px=384), [SMALL.name]),
        (ModelFilter(text="nothing like it"), []),
    ],
)
def test_the_filter_lets_through_what_was_asked_for(wanted: ModelFilter, names: list[str]) -> None:
    on_disk = {ATTO.name: HERE}
    assert [row.name for row in ROWS if wanted.passes(row, on_disk.get(row.name))] == names


def test_the_commercial_filter_never_guesses() -> None:
    passing = [row for row in ROWS if ModelFilter(is_commercial=True).passes(row, None)]
    assert passing
    assert {row.commercial_use for row in passing} == {True}


def test_rows_stand_under_headings_that_cannot_be_chosen(bench: Bench, qtbot: QtBot) -> None:
    table = ModelTable(bench.models)
    with qtbot.waitSignal(table.modelReset):
        bench.models.read_own()
    assert shown(table) == ["sample", *(row.name for row in ROWS)]
    assert table.shown == len(ROWS) + 1
    lines = table.heading_lines()
    assert table.index(lines[0], 0).data() == "Here, ready to use"
    assert all(table.flags(table.index(line, 0)) == Qt.ItemFlag.NoItemFlags for line in lines)
    first = table.row_at(table.first())
    assert first is not None
    assert (first.name, first.title, first.classes) == ("sample", "Surface defects", 6)


def test_a_sorted_column_has_no_headings_and_unknown_figures_come_last(bench: Bench) -> None:
    table = ModelTable(bench.models)
    table.sort_by(Column.TOP1)
    assert not table.heading_lines()
    assert shown(table)[:3] == [SMALL.name, TINY.name, V2.name]
    assert set(shown(table)[-2:]) == {BARE.name, FEATURES.name}
    table.sort_by(Column.TOP1)
    assert shown(table)[0] == ATTO.name
    table.sort_by(Column.TOP1)
    assert table.heading_lines()


def test_cells_say_licence_disk_and_speed_by_shape_and_word(bench: Bench, qtbot: QtBot) -> None:
    table = ModelTable(bench.models)
    with qtbot.waitSignal(bench.models.rows_changed):
        bench.models.look_once()
    assert cell(table, TINY.name, Column.LICENCE) == Cell("Apache-2.0", icon="check", tone="ok")
    assert cell(table, V2.name, Column.LICENCE) == Cell("CC-BY-NC-4.0", "not commercial", icon="warn", tone="again")
    assert cell(table, BARE.name, Column.LICENCE).text == "–"
    assert licence_cell(replace(TINY, commercial_use=None, licence=""), "", "?") == Cell(
        "?", icon="question", tone="none"
    )
    assert (cell(table, ATTO.name, Column.DISK).icon, cell(table, ATTO.name, Column.DISK).text) == ("check", "15 MB")
    assert (cell(table, TINY.name, Column.DISK).icon, cell(table, TINY.name, Column.DISK).text) == (
        "download",
        "114 MB",
    )
    assert cell(table, TINY.name, Column.PARAMETERS).text == "28.6 M"
    assert cell(table, FEATURES.name, Column.TOP1).text == "–"
    assert cell(table, TINY.name, Column.SPEED) == Cell("Measure", is_button=True, is_right=True)
    bench.models.note_loaded(make_info(ModelRef(TINY.name)))
    assert cell(table, TINY.name, Column.SPEED).text == "41"
    assert "ImageNet classes · ImageNet-12k" in cell(table, TINY.name, Column.MODEL).second
    assert "needs fine-tuning" in cell(table, FEATURES.name, Column.MODEL).second


def test_the_model_in_use_wears_a_badge(bench: Bench) -> None:
    table = ModelTable(bench.models)
    table.set_in_use(ATTO.name)
    assert cell(table, ATTO.name, Column.MODEL).badge == "in use"
    table.set_in_use(TINY.name)
    assert cell(table, ATTO.name, Column.MODEL).badge == ""


def test_a_path_that_looks_like_markup_is_shown_letter_by_letter(bench: Bench, qtbot: QtBot) -> None:
    bench.found = {ATTO.name: replace(HERE, path="/<b>bold</b>/a.safetensors")}
    table = ModelTable(bench.models)
    with qtbot.waitSignal(bench.models.rows_changed):
        bench.models.look_once()
    tip = table.index_of(ATTO.name).siblingAtColumn(Column.DISK).data(Qt.ItemDataRole.ToolTipRole)
    assert "<b>" not in tip


def test_the_catalogue_stands_in_groups_with_published_weights_first() -> None:
    rows = catalogue_rows()
    assert len(rows) > 140
    groups = [row.group for row in rows]
    assert len(set(groups)) == sum(before != after for before, after in zip(["", *groups], groups, strict=False))
    for before, after in pairwise(rows):
        assert before.group != after.group or (before.kind, after.kind) != ("bare", "pretrained")
    assert all(row.licence == "" for row in rows if row.kind == "bare")
    assert any(row.commercial_use is False for row in rows)
    assert any(not row.can_classify for row in rows if row.kind == "pretrained")


def test_headings_and_facts_say_the_family_in_plain_words(bench: Bench) -> None:
    other = replace(TINY, family="to compare", size="Tiny")
    assert dict(facts_of(other, bench.models))["Family"] == "To compare · Tiny"
    assert dict(facts_of(TINY, bench.models))["Family"] == TINY.group


def test_cards_whose_engine_another_job_ended_are_read_again_at_once_and_when_next_looked_at(
    bench: Bench, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_engine(monkeypatch, ReadCards, times=2)
    with qtbot.waitSignal(bench.models.rows_changed):
        bench.models.look_once()
    qtbot.waitUntil(lambda: len([one for one in bench.lane.requests if isinstance(one, ReadCards)]) == 2)
    assert bench.models.rows == ROWS
    turn = QTimer(singleShot=True, interval=0)  # behind that of the Lane
    with qtbot.waitSignal(turn.timeout):
        turn.start()
    bench.models.look_once()
    qtbot.waitUntil(lambda: bench.models.rows[0].title == SAMPLE_CARD.title)
