"""A theme, all Stores with inline Lanes, and the actions, for tests of Stores and Panels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QLocale, QObject, QTimer
from PySide6.QtWidgets import QApplication

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.jobs import LANES, InlineLane
from convnext_studio.gui.stores.places import Places
from convnext_studio.gui.stores.studio import Studio, build_studio
from convnext_studio.gui.theme.fonts import load_fonts
from convnext_studio.gui.theme.theme import Theme


@pytest.fixture(autouse=True)
def _locale() -> Iterator[None]:
    """The locale each test begins with; a window that speaks another language changes it for the whole process."""
    before = QLocale(QLocale().name())  # QLocale() itself follows the default as it changes
    yield
    QLocale.setDefault(before)


@pytest.fixture(scope="session")
def shipped_fonts(qapp: QApplication) -> None:
    """The fonts that users see: else a test's widths would hang on the machine, and on what ran before it."""
    load_fonts()


@pytest.fixture
def theme(qapp: QApplication, shipped_fonts: None) -> Theme:
    """Dark, and without movement."""
    return Theme(qapp, "dark", is_motion_reduced=True)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Folders of this test alone."""
    return Places(*(tmp_path / name for name in ("config", "data", "cache", "state")))


@pytest.fixture
def lanes(qapp: QApplication) -> dict[str, InlineLane]:
    """An inline Lane under each name; a test puts what serves a Request into its `served_by`."""
    return {name: InlineLane() for name in LANES}


@pytest.fixture
def studio(theme: Theme, places: Places, lanes: dict[str, InlineLane]) -> Iterator[Studio]:
    """All Stores. Nothing is loaded before the test asks for it."""
    studio = build_studio(theme, places, lanes)
    yield studio
    for store in vars(studio).values():
        for timer in store.findChildren(QTimer) if isinstance(store, QObject) else ():
            timer.stop()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def actions(theme: Theme) -> Actions:
    """The table of actions, connected to nothing."""
    return Actions(theme)
