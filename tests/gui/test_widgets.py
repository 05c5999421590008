"""The widget kit: plain text, names for screen readers, focus that comes back."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QAction, QColor, QFontMetrics, QGuiApplication, QStandardItemModel
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow, QStyleOptionComboBox, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button, IconButton, bind
from convnext_studio.gui.widgets.chip import Chip, FilterChip
from convnext_studio.gui.widgets.confusion_matrix import ConfusionMatrix
from convnext_studio.gui.widgets.empty_state import EmptyState
from convnext_studio.gui.widgets.focus_ring import FocusRing
from convnext_studio.gui.widgets.label import PlainLabel, SelectableLabel, might_be_markup, plain_tip
from convnext_studio.gui.widgets.message_bar import MessageBar
from convnext_studio.gui.widgets.popover import Popover
from convnext_studio.gui.widgets.progress_line import ProgressLine
from convnext_studio.gui.widgets.result_table import ResultTable
from convnext_studio.gui.widgets.search_field import SearchField
from convnext_studio.gui.widgets.segmented import Segmented
from convnext_studio.gui.widgets.select import Select

MARKUP = "<b>defect</b> & <img src=/etc/hostname>.png"


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    window = QMainWindow()
    body = QWidget()
    QVBoxLayout(body)
    window.setCentralWidget(body)
    window.resize(800, 600)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    return window


def put(window: QMainWindow, *widgets: QWidget) -> None:
    for widget in widgets:
        window.centralWidget().layout().addWidget(widget)


def test_a_label_shows_markup_letter_by_letter(qtbot: QtBot) -> None:
    label = PlainLabel(MARKUP, elide=Qt.TextElideMode.ElideMiddle)
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText
    label.resize(30, 20)
    label.show()
    assert label.toolTip()
    assert not might_be_markup(label.toolTip())
    assert label.toolTip().replace("\u2060", "") == MARKUP


def test_a_tool_tip_without_markup_stays_as_it_is() -> None:
    assert plain_tip("part 1.png") == "part 1.png"


@pytest.mark.parametrize("text", ["<b>x</b>", "<?xml x", "a &lt;b", " <img src=x>", "&lt;p>", "<!-- x -->", "a\n<b>"])
def test_no_tool_tip_is_taken_for_markup(text: str) -> None:
    assert not might_be_markup(plain_tip(text))


def test_a_button_shows_an_ampersand_and_tells_its_name(theme: Theme, qtbot: QtBot) -> None:
    button = Button(theme, "Cut & paste", "copy")
    qtbot.addWidget(button)
    assert button.text().strip() == "Cut && paste"
    assert button.accessibleName() == "Cut & paste"
    assert button.shortcut().isEmpty()


@pytest.mark.parametrize("kind", ["secondary", "primary", "ghost", "danger", "link", "chip", "segment", "row"])
def test_no_button_is_smaller_than_a_finger_tip_may_be(theme: Theme, qtbot: QtBot, kind: str) -> None:
    button = Button(theme, "Word", "stop", kind)
    qtbot.addWidget(button)
    button.show()
    assert button.height() >= 24
    assert button.width() >= 24


def test_an_icon_button_has_tip_and_name(theme: Theme, qtbot: QtBot) -> None:
    button = IconButton(theme, "grid", "Show as a grid", True)
    qtbot.addWidget(button)
    assert button.toolTip() == button.accessibleName() == "Show as a grid"
    assert button.isCheckable()


def test_a_bound_button_is_another_face_of_its_action(theme: Theme, qtbot: QtBot) -> None:
    action = QAction("Do", checkable=True)
    button = Button(theme, "Do")
    qtbot.addWidget(button)
    bind(button, action)
    action.setEnabled(False)
    assert not button.isEnabled()
    action.setEnabled(True)
    button.click()
    assert action.isChecked()
    assert button.isChecked()
    button.deleteLater()
    QApplication.sendPostedEvents()
    action.setChecked(False)


def test_escape_empties_the_search_field(theme: Theme, qtbot: QtBot) -> None:
    field = SearchField(theme, "Filter")
    qtbot.addWidget(field)
    field.show()
    qtbot.keyClicks(field, "abc")
    assert field._clear.isVisible()
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == ""
    assert not field._clear.isVisible()


def test_chips_tell_their_words(theme: Theme, qtbot: QtBot) -> None:
    chip, other = Chip(theme, "OK", "ok", "ok"), FilterChip(theme, "All")
    for widget in (chip, other):
        qtbot.addWidget(widget)
        widget.show()
        assert not widget.grab().isNull()
    assert chip.accessibleName() == "OK"
    assert chip.focusPolicy() == Qt.FocusPolicy.NoFocus
    assert other.isCheckable()


def test_exactly_one_segment_holds(theme: Theme, qtbot: QtBot) -> None:
    choice = Segmented(theme, ("Count", "Percent"))
    qtbot.addWidget(choice)
    with qtbot.waitSignal(choice.index_changed) as changed:
        choice.button(1).click()
    assert changed.args == [1]
    assert choice.index() == 1
    choice.button(1).click()
    assert choice.index() == 1


def test_progress_of_any_size_is_shown(qtbot: QtBot) -> None:
    line = ProgressLine()
    qtbot.addWidget(line)
    line.set_progress(3 * 2**40, 4 * 2**40)
    assert line.value() == 750
    line.set_progress(5, 0)
    assert line.value() == 0


def test_the_wheel_passes_over_a_select_without_focus(qtbot: QtBot) -> None:
    select = Select("Choice")
    qtbot.addWidget(select)
    assert select.accessibleName() == "Choice"
    assert select.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_a_choice_without_room_ends_in_dots(qtbot: QtBot) -> None:
    select = Select("Choice")
    qtbot.addWidget(select)
    select.addItem("a choice that has far more words than there is room for")
    shown = []
    for width in (140, 600):
        select.setFixedWidth(width)
        option = QStyleOptionComboBox()
        select.initStyleOption(option)
        shown.append(option.currentText)
    assert shown[0].endswith("…") and shown[0].startswith("a ch") and shown[1] == select.currentText()


@pytest.mark.parametrize("words", ["Any size", "Any input", "Any family", "Alle Klassen", "All 120", "WWW", "ill"])
def test_a_choice_is_whole_in_the_width_that_it_asks_for(theme: Theme, words: str, qtbot: QtBot) -> None:
    select = Select("Choice")
    qtbot.addWidget(select)
    select.addItem(words)
    select.show()
    select.resize(select.sizeHint())
    option = QStyleOptionComboBox()
    select.initStyleOption(option)
    assert option.currentText == words


def test_an_empty_state_offers_its_button(theme: Theme, qtbot: QtBot) -> None:
    state = EmptyState(theme, "No images", "Open some.", "Open…")
    qtbot.addWidget(state)
    with qtbot.waitSignal(state.pressed):
        state._button.click()


def test_a_message_bar_hides_what_it_does_not_need(theme: Theme, qtbot: QtBot) -> None:
    bar = MessageBar(theme)
    qtbot.addWidget(bar)
    bar.show_message("error", MARKUP, "Do this.")
    assert bar._fact.text() == MARKUP
    assert bar._copy.isHidden()
    assert bar._action.isHidden()
    assert bar.accessibleName() == f"{MARKUP} Do this."


class TestPopover:
    @pytest.fixture
    def anchor(self, theme: Theme, window: QMainWindow) -> Button:
        anchor = Button(theme, "Open")
        put(window, anchor)
        return anchor

    @pytest.fixture
    def popover(self, theme: Theme, window: QMainWindow, anchor: Button, qtbot: QtBot) -> Popover:
        popover = Popover(theme, window)
        popover.body.addWidget(QLineEdit())
        qtbot.waitExposed(window)
        anchor.setFocus()
        popover.open_under(anchor, popover.findChild(QLineEdit))
        return popover

    def test_focus_goes_in_and_comes_back_with_escape(self, popover: Popover, anchor: Button, qtbot: QtBot) -> None:
        field = popover.findChild(QLineEdit)
        assert popover.isVisible()
        assert field.hasFocus()
        qtbot.keyClick(field, Qt.Key.Key_Escape)
        assert not popover.isVisible()
        assert anchor.hasFocus()

    def test_a_click_outside_closes_it_and_one_inside_does_not(
        self, popover: Popover, window: QMainWindow, qtbot: QtBot
    ) -> None:
        qtbot.mouseClick(popover, Qt.MouseButton.LeftButton, pos=QPoint(4, 4))
        assert popover.isVisible()
        qtbot.mouseClick(window.centralWidget(), Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
        assert not popover.isVisible()

    def test_its_button_closes_it_and_does_not_open_it_again(
        self, popover: Popover, anchor: Button, qtbot: QtBot
    ) -> None:
        anchor.clicked.connect(lambda: popover.open_under(anchor))
        qtbot.mouseClick(anchor, Qt.MouseButton.LeftButton)
        assert not popover.isVisible()

    def test_it_closes_also_where_what_had_the_focus_is_gone(
        self, popover: Popover, anchor: Button, qtbot: QtBot
    ) -> None:
        popover.close_popover()
        anchor.setFocus()
        qtbot.waitUntil(anchor.hasFocus)
        popover.open_under(anchor, popover.findChild(QLineEdit))
        anchor.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        with qtbot.waitSignal(popover.closed):
            qtbot.keyClick(popover.findChild(QLineEdit), Qt.Key.Key_Escape)
        assert not popover.isVisible()

    def test_it_stays_inside_a_window_that_shrinks(self, popover: Popover, window: QMainWindow) -> None:
        window.resize(300, 200)
        assert window.rect().contains(popover.geometry())


class TestFocusRing:
    @pytest.fixture
    def ring(self, theme: Theme, window: QMainWindow, qtbot: QtBot) -> FocusRing:
        put(window, Button(theme, "One"), Button(theme, "Two"))
        ring = FocusRing(theme, window)
        qtbot.waitExposed(window)
        return ring

    def test_it_goes_round_what_the_keyboard_reached(self, ring: FocusRing, window: QMainWindow) -> None:
        button = window.findChildren(Button)[1]
        button.setFocus(Qt.FocusReason.TabFocusReason)
        assert ring.isVisible()
        assert ring.geometry().center() == button.mapTo(window, button.rect().center())

    def test_the_mouse_brings_none(self, ring: FocusRing, window: QMainWindow) -> None:
        button = window.findChildren(Button)[1]
        button.setFocus(Qt.FocusReason.TabFocusReason)
        button.clearFocus()
        button.setFocus(Qt.FocusReason.MouseFocusReason)
        assert not ring.isVisible()

    def test_it_does_not_stay_where_a_widget_was(self, ring: FocusRing, window: QMainWindow) -> None:
        first, second = window.findChildren(Button)
        second.setFocus(Qt.FocusReason.TabFocusReason)
        second.hide()
        assert first.hasFocus()
        assert ring.geometry().center() == first.mapTo(window, first.rect().center())

    def test_it_goes_along_when_what_holds_the_widget_moves(self, ring: FocusRing, window: QMainWindow) -> None:
        button = window.findChildren(Button)[1]
        button.setFocus(Qt.FocusReason.TabFocusReason)
        holder = button.parentWidget()
        holder.move(holder.x() + 40, holder.y() + 24)
        assert ring.geometry().center() == button.mapTo(window, button.rect().center())


def test_a_long_name_wraps_at_its_joints_and_is_copied_as_it_is(theme: Theme, qtbot: QtBot) -> None:
    label = SelectableLabel("swin_tiny_patch4_window7_224.ms_in22k_ft_in1k, or " + "f" * 64)
    qtbot.addWidget(label)
    label.setFixedWidth(150)
    assert label.minimumSizeHint().width() <= 170
    assert label.text() == "swin_tiny_patch4_window7_224.ms_in22k_ft_in1k, or " + "f" * 64
    label.setSelection(0, 4)
    qtbot.keyClick(label, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "swin"
    label.setSelection(0, 60)
    label.actions()[0].trigger()
    assert (
        QGuiApplication.clipboard().text() in label.text() and "_ft_in1k, or ff" in QGuiApplication.clipboard().text()
    )


def test_the_whole_row_under_the_mouse_lights_up(theme: Theme, qtbot: QtBot) -> None:
    model = QStandardItemModel(3, 2)
    table = ResultTable(theme, "Rows")
    qtbot.addWidget(table)
    table.setModel(model)
    table.resize(300, 200)
    table.show()
    qtbot.waitExposed(table)
    view = table.viewport()

    def ground(column: int) -> QColor:
        rect = table.visualRect(model.index(1, column))
        return view.grab().toImage().pixelColor(rect.topLeft() + QPoint(3, 3))

    before = [ground(0), ground(1)]
    qtbot.mouseMove(view, table.visualRect(model.index(1, 0)).center())
    qtbot.waitUntil(lambda: table.lit_row == 1)
    assert [ground(0), ground(1)] == [theme.color("hover")] * 2
    for left in (view, table):
        QApplication.sendEvent(left, QEvent(QEvent.Type.Leave))
    assert [ground(0), ground(1)] == before


def test_a_matrix_of_many_classes_measures_their_names_once_and_finds_the_cell_below_the_pointer(
    theme: Theme, qtbot: QtBot
) -> None:
    measured: list[None] = []

    class Counted(ConfusionMatrix):
        def fontMetrics(self) -> QFontMetrics:
            measured.append(None)
            return super().fontMetrics()

    matrix = Counted(theme)
    qtbot.addWidget(matrix)
    matrix.resize(900, 700)
    matrix.show_matrix([f"class {n}" for n in range(40)], [[1] * 40 for _ in range(40)])
    matrix.grab()
    cells = [(true, found) for true in range(40) for found in range(40)]
    assert [matrix._at(*matrix._cell(*cell).center().toTuple()) for cell in cells] == cells
    assert matrix._at(0, 0) is None and matrix._at(899, 699) is None
    assert len(measured) <= 2


def test_a_matrix_of_some_classes_says_shares_of_all_that_were_labelled_so(theme: Theme, qtbot: QtBot) -> None:
    matrix = ConfusionMatrix(theme)
    qtbot.addWidget(matrix)
    matrix.show_matrix(("a", "b", "c"), ((5, 1, 4), (0, 3, 0), (2, 0, 8)), (0, 1))
    assert matrix.sentence(0, 1) == "1 of 10 “a” were called “b”"
