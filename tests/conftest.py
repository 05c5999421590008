"""What all tests share: a quiet screen, a fixed locale, and the guards."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import tests.environment  # noqa: F401 - must come before anything imports Qt
from tests.guards import (
    expect_connect,
    expect_log,
    expect_message,
    homes,
    no_process_outlives,
    no_thread_outlives,
    own_home,
    pytest_runtest_makereport,
    refused_connects,
)
from tests.qt_guards import no_qt_object_outlives

__all__ = [
    "expect_connect",
    "expect_log",
    "expect_message",
    "homes",
    "no_process_outlives",
    "no_qt_object_outlives",
    "no_thread_outlives",
    "own_home",
    "pytest_runtest_makereport",
    "refused_connects",
]

HAS_QT = importlib.util.find_spec("PySide6") is not None
_NEEDS_QT = re.compile(r"^(from|import) (PySide6|pytestqt|convnext_studio\.gui)|qtbot|qapp", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where pytest-qt is missing, its options are still in pyproject.toml, and unknown options are errors."""
    if importlib.util.find_spec("pytestqt") is None:
        for option in ("qt_api", "qt_log_level_fail", "qt_log_ignore"):
            parser.addini(option, "an option of pytest-qt, which is not installed")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without PySide6, pass over what needs it: a test file, or a folder by its conftest."""
    if HAS_QT:
        return None
    file = collection_path / "conftest.py" if collection_path.is_dir() else collection_path
    if file.suffix != ".py" or not file.exists():
        return None
    return True if _NEEDS_QT.search(file.read_text(encoding="utf-8")) else None
