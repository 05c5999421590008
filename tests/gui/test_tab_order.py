"""Keyboard only: Tab reaches every control in the order the eye goes, back again, and each says what it is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from convnext_studio.gui.jobs import InlineLane
from convnext_studio.gui.main_window import MainWindow
from convnext_studio.gui.panels.device_badge import DeviceBadge
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.focus_ring import FocusRing
from convnext_studio.gui.widgets.popover import Popover
from convnext_studio.gui.widgets.question import Question
from tests.gui.every_place import PLACES, Go, inspect, whole_window

CONTROLS = (
    QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit,
)  # fmt: skip
WHOLES = (QAbstractItemView, QAbstractSpinBox, QComboBox)  # what they are made of is theirs
FAR = 300  # stops: no page has as many


@pytest.fixture
def window(studio: Studio, theme: Theme, lanes: dict[str, InlineLane], qtbot: QtBot) -> Iterator[MainWindow]:
    with whole_window(studio, theme, lanes, qtbot) as window:
        yield window


def name(widget: QWidget) -> str:
    """What a screen reader calls it."""
    face = QAccessible.queryAccessibleInterface(widget)
    return face.text(QAccessible.Text.Name) if face is not None else ""


def called(widget: QWidget) -> str:
    return f"{type(widget).__name__} “{name(widget)}”"


def walk(start: QWidget, key: Qt.Key) -> list[QWidget]:
    """Press `key` from `start` on until a stop comes again."""
    top = start.window()
    start.setFocus(Qt.FocusReason.TabFocusReason)
    stops: list[QWidget] = []
    while (focused := top.focusWidget()) not in stops and len(stops) < FAR:
        stops.append(focused)
        QTest.keyClick(focused, key)
    assert top.focusWidget() is start, f"the way leads from {called(stops[-1])} to {called(top.focusWidget())}"
    return stops


def controls(top: QWidget) -> list[QWidget]:
    """What can be operated and is in sight. Of a row of choices, one of which holds, arrows lead to the others."""
    found = []
    for widget in top.findChildren(QWidget):
        is_control = isinstance(widget, CONTROLS) and widget.focusPolicy() is not Qt.FocusPolicy.NoFocus
        if not is_control and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            continue
        if isinstance(widget, QScrollBar | QHeaderView) or isinstance(widget.parent(), WHOLES):
            continue
        is_other_choice = (
            isinstance(widget, QAbstractButton)
            and not widget.isChecked()
            and (widget.autoExclusive() or (widget.group() is not None and widget.group().exclusive()))
        )
        if widget.isVisible() and widget.isEnabled() and widget.focusProxy() is None and not is_other_choice:
            found.append(widget)
    return found


def is_backwards(before: QWidget, after: QWidget) -> bool:
    """Whether the eye would go back: in what holds both, the later part lies left of the earlier or above it."""
    top = before.window()
    above = [before]
    while above[-1] is not top:
        above.append(above[-1].parentWidget())
    part = after
    while part.parentWidget() not in above:
        part = part.parentWidget()
    holder = part.parentWidget()
    if holder is before:
        return False
    first, second = (_room(widget, holder) for widget in (above[above.index(holder) - 1], part))
    is_left = second.right() <= first.left() and second.bottom() > first.top() + 8 and second.top() < first.bottom() - 8
    is_above = second.bottom() <= first.top() and second.right() > first.left() and second.left() < first.right()
    return is_left or is_above


def _room(widget: QWidget, holder: QWidget) -> QRect:
    return QRect(widget.mapTo(holder, QPoint(0, 0)), widget.size())


def check(start: QWidget, top: QWidget) -> None:
    """Go round in `top` from `start`, both ways."""
    stops = walk(start, Qt.Key.Key_Tab)
    missed = [called(widget) for widget in controls(top) if widget not in stops]
    assert missed == [], "Tab does not lead there"
    assert [called(stop) for stop in stops if not name(stop)] == [], "nothing to read aloud"
    turns = [f"{called(a)} -> {called(b)}" for a, b in pairwise(stops) if is_backwards(a, b)]
    assert turns == [], "the order is not the one in sight"
    back = walk(start, Qt.Key.Key_Backtab)
    assert [stop.accessibleName() for stop in back[1:]] == [stop.accessibleName() for stop in stops[:0:-1]]
    assert back[1:] == stops[:0:-1]


@pytest.mark.parametrize("size", [(1440, 900), (1024, 640)], ids=str)
@pytest.mark.parametrize("go", PLACES, ids=lambda go: go.__name__)
def test_tab_goes_round_a_place_as_the_eye_does(
    window: MainWindow, go: Go, size: tuple[int, int], qtbot: QtBot
) -> None:
    window.resize(*size)
    go(window, qtbot)
    qtbot.wait(60)  # what is shown in a moment is shown
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    check(window.rail._places["inspect"], window)


@pytest.mark.parametrize("action", ["settings", "shortcuts", "log", "about"])
def test_tab_goes_round_a_dialog_as_the_eye_does(window: MainWindow, action: str, qtbot: QtBot) -> None:
    window._actions[action].trigger()
    dialog = next(child for child in window.findChildren(QDialog) if child.isVisible())
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    check(controls(dialog)[0], dialog)


@pytest.mark.parametrize("action", ["choose_model", "device", "palette"])
def test_tab_goes_round_a_popover_and_esc_leads_out(window: MainWindow, action: str, qtbot: QtBot) -> None:
    inspect(window, qtbot)
    came_from = window.rail._places["inspect"]
    came_from.setFocus(Qt.FocusReason.TabFocusReason)
    if action == "device":
        window.top_bar.findChildren(DeviceBadge)[0].click()
    else:
        window._actions[action].trigger()
    popover = next(child for child in window.findChildren(Popover) if child.isVisible())
    qtbot.waitUntil(lambda: popover.isAncestorOf(window.focusWidget()))
    focused = window.focusWidget()
    check(min(controls(popover), key=lambda control: _room(control, popover).top()), popover)
    focused.setFocus()
    QTest.keyClick(focused, Qt.Key.Key_Escape)
    assert not popover.isVisible()
    assert window.focusWidget() is came_from


def test_what_tab_leads_to_has_a_ring_round_it_or_marks_its_own_item(window: MainWindow, qtbot: QtBot) -> None:
    inspect(window, qtbot)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    ring = window._focus_ring
    assert isinstance(ring, FocusRing)
    for stop in walk(window.rail._places["models"], Qt.Key.Key_Tab):
        stop.setFocus(Qt.FocusReason.TabFocusReason)
        assert isinstance(stop, QAbstractItemView) or (ring.isVisible() and ring._target is stop), called(stop)


def test_enter_presses_a_button_once_however_long_it_is_held(window: MainWindow, qtbot: QtBot) -> None:
    place = window.rail._places["models"]
    place.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(place, Qt.Key.Key_Return)
    assert window.pages.currentWidget() is window.models_page
    pressed: list[bool] = []
    place.clicked.connect(pressed.append)
    QApplication.sendEvent(place, held_enter())
    assert pressed == []


def held_enter() -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r", True)


def test_a_question_shows_where_the_focus_is(theme: Theme, qtbot: QtBot) -> None:
    question = Question(theme, "End?", "A Run goes on.", [("stay", "Stay", "secondary"), ("end", "End", "danger")])
    qtbot.addWidget(question)
    question.show()
    question.activateWindow()
    qtbot.waitUntil(question.isActiveWindow)
    check(question.buttons["stay"], question)
    ring = question.findChild(FocusRing)
    assert ring is not None and ring.isVisible() and ring._target is question.focusWidget()
