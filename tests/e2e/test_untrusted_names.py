"""File names that look like markup, formulas or options are shown, and exported, letter by letter."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from convnext_studio.gui.app import App
from convnext_studio.gui.widgets.label import might_be_markup
from tests.e2e.driver import Until, answer_dialog, drop, is_done, run_program

MAKER = Path(os.environ.get("CONVNEXT_STUDIO_BAD_INPUT", Path(__file__).resolve().parents[3] / "shared" / "bad-input"))
NAMES = (
    "<b>defect</b>.png".replace("/", "∕"),
    "<img src=x>.png",
    "&lt;i&gt;.png",
    "=1+1.png",
    "+cmd.png",
    "@SUM(A1).png",
    "-rf.png",
    "'quoted'.png",
    '"; DROP.png',
    "two\nlines.png",
    "tab\there.png",
    "ümlaut 🙂.png",
    "%n %1 {0}.png",
)


@pytest.fixture
def own_names(tmp_path: Path) -> Path:
    folder = tmp_path / "<u>names</u>".replace("/", "∕")
    folder.mkdir()
    for number, name in enumerate(NAMES):
        Image.new("RGB", (32, 32), (number * 9, 90, 160)).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def hostile_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of the outside checker, where it is there."""
    script = MAKER / "make_bad_folders.py"
    if not script.is_file():
        pytest.skip("the maker of bad folders is not on this machine")
    folder = tmp_path_factory.mktemp("folders")
    command = [sys.executable, str(script), str(folder), "--many", "20", "--huge", "20"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_own_hostile_names_are_literal(
    own_names: Path, quick_settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _show_and_export(own_names, tmp_path / "results.csv", monkeypatch)


@pytest.mark.parametrize("case", ["markup_names", "formula_names"])
def test_outside_hostile_names_are_literal(
    case: str, hostile_folders: Path, quick_settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _show_and_export(hostile_folders / case, tmp_path / "results.csv", monkeypatch)


def _show_and_export(folder: Path, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {os.fspath(path) for path in folder.rglob("*") if path.suffix in {".png", ".jpg"}}
    assert paths

    def script(app: App) -> Generator[Until, None, None]:
        library = app.studio.library
        drop(app, folder)
        yield is_done(app, len(paths))
        for row in range(library.shown):
            library.set_current_row(row)
            yield lambda: True
            _nothing_is_rich(app.window, Path(library.image_at(row).path).name)
        yield app.actions["save_results"].isEnabled
        app.actions["save_results"].trigger()
        answer_dialog(app, results)
        yield results.exists

    assert run_program(monkeypatch, ["gui"], script).code == 0
    with results.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = list(csv.reader(file))
    cells = [cell for row in rows[1:] for cell in row]
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r") and not _is_number(cell)]
    assert {row[0].removeprefix("'") for row in rows[1:]} == paths


def _nothing_is_rich(window: QWidget, name: str) -> None:
    """No label or tool tip that carries `name` may be taken for markup."""
    for label in window.findChildren(QLabel):
        if name in label.text():
            assert label.textFormat() == Qt.TextFormat.PlainText
    for widget in window.findChildren(QWidget):
        tip = widget.toolTip()
        assert name not in tip or not might_be_markup(tip)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
