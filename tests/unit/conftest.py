"""Unit tests run without Qt: `core` must not need it, not even by accident."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

QT = ("PySide6", "shiboken6", "pyqtgraph")


@pytest.fixture(autouse=True)
def qt_is_blocked() -> Iterator[None]:
    """Make every import of Qt fail while the test runs, even if another test has imported it before."""
    with pytest.MonkeyPatch.context() as patch:  # one of its own: undone before the guards look for Qt's objects
        for name in {name for name in sys.modules if name.partition(".")[0] in QT} | set(QT):
            patch.setitem(sys.modules, name, None)
        yield
