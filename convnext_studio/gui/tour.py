"""The tour: from the first image to a Model of one's own, step by step at the real controls. Nothing is modal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAction
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QWidget
from shiboken6 import isValid

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import faces_of
from convnext_studio.gui.widgets.tour_card import TourCard

if TYPE_CHECKING:
    from convnext_studio.gui.main_window import MainWindow

Find = Callable[[], QWidget | None]


@dataclass(frozen=True)
class Step:
    """What to say, where; `go` leads there, and the tour goes on by itself once `is_done` turns true."""

    title: str
    sentence: str
    find: Find
    go: Callable[[], None] = lambda: None
    is_done: Callable[[], bool] = lambda: False


class Tour(QObject):
    """`start` from Help, as often as one likes. What the user does on the way is real, and stays."""

    def __init__(self, studio: Studio, actions: Actions, window: MainWindow) -> None:
        super().__init__(window)
        self._studio = studio
        self._actions = actions
        self._window = window
        self._card: TourCard | None = None
        self._steps: tuple[Step, ...] = ()
        self._at = 0
        self._was_done = False
        self._came_from: QWidget | None = None
        actions.connect("tour", self.start)
        for changed in (
            studio.library.counts_changed,
            studio.data_sets.changed,
            studio.training.runs_changed,
            studio.training.view.shown_changed,
            window.pages.currentChanged,
        ):
            changed.connect(self._on_changed)

    @property
    def is_on(self) -> bool:
        """True while a step is shown."""
        return bool(self._steps)

    @property
    def card(self) -> TourCard | None:
        """The card of the step, once the tour was started."""
        return self._card

    def start(self) -> None:
        """Begin with the first step."""
        if self._card is None:
            self._card = TourCard(self._studio.theme, self._window)
            self._card.next_pressed.connect(self.next)
            self._card.back_pressed.connect(self.back)
            self._card.left.connect(self.leave)
        self._came_from = QApplication.focusWidget()
        self._steps = self._all_steps()
        self._show(0, takes_focus=True)

    def next(self) -> None:
        """The step after this one; after the last, the end."""
        if self._at + 1 < len(self._steps):
            self._show(self._at + 1, takes_focus=True)
        else:
            self.leave()

    def back(self) -> None:
        """The step before this one."""
        self._show(max(0, self._at - 1), takes_focus=True)

    def leave(self) -> None:
        """End here; everything stays as it is."""
        self._steps = ()
        if self._card is None:
            return
        had_focus = self._card.isAncestorOf(QApplication.focusWidget() or self._window)
        self._card.leave()
        came_from, self._came_from = self._came_from, None
        if had_focus and came_from is not None and isValid(came_from) and came_from.isVisible():
            came_from.setFocus(Qt.FocusReason.PopupFocusReason)

    def _show(self, number: int, *, takes_focus: bool) -> None:
        step = self._steps[number]
        self._at = number
        self._was_done = step.is_done()
        step.go()  # which may say that something changed: what was done before is no reason to go on
        self._was_done = step.is_done()
        assert self._card is not None
        self._card.show_step(number + 1, len(self._steps), step.title, step.sentence)
        self._point()
        QTimer.singleShot(0, self, self._point)  # once more when the page has its layout
        if takes_focus:
            self._card.next.setFocus(Qt.FocusReason.ShortcutFocusReason)
        words = f"{self._card.accessibleName()}. {step.sentence}"
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._card, words))

    def _point(self) -> None:
        if not self._steps or self._card is None:
            return
        target = self._steps[self._at].find()
        _scroll_to(target)
        self._card.point_at(target if target is not None and target.isVisible() else None)

    def _on_changed(self) -> None:
        if not self._steps:
            return
        if not self._was_done and self._steps[self._at].is_done() and self._at + 1 < len(self._steps):
            self._show(self._at + 1, takes_focus=False)
        else:
            QTimer.singleShot(0, self, self._point)

    # --- the steps

    def _all_steps(self) -> tuple[Step, ...]:
        studio, actions = self._studio, self._actions
        return (
            Step(
                _tr("Begin with images"),
                _tr("The sample shows what the program does. Or open a folder, or drop images anywhere on the window."),
                lambda: self._face(actions["open_sample"]) or self._window.top_bar.open_button,
                actions["go_inspect"].trigger,
                lambda: studio.library.total > 0,
            ),
            Step(
                _tr("Read what is in them"),
                _tr("Each image gets its most probable classes. The eye shows where the Model sees its evidence."),
                lambda: self._face(actions["show_heatmap"]) or self._window.rail.button("inspect"),
                actions["go_inspect"].trigger,
            ),
            Step(
                _tr("Teach it your own parts"),
                _tr("Press Train. A Model learns from folders of images, one folder for each class."),
                lambda: self._window.rail.button("train"),
                is_done=lambda: self._window.rail.place == "train",
            ),
            Step(
                _tr("Choose a data set"),
                _tr("Choose the folder that holds the class folders, or take the sample data. It is checked at once."),
                lambda: self._set_up("card"),
                actions["new_run"].trigger,
                lambda: studio.data_sets.card is not None,
            ),
            Step(
                _tr("Choose how thorough"),
                _tr("Each way says what it takes on this machine. Instant is right for a first try."),
                lambda: self._set_up("preset_group"),
                actions["new_run"].trigger,
            ),
            Step(
                _tr("Start"),
                _tr("Press Start training. It goes on when the window is closed, and is found again."),
                lambda: self._face(actions["start_run"]),
                actions["new_run"].trigger,
                lambda: bool(studio.training.view.folder),
            ),
            Step(
                _tr("Use your Model"),
                _tr("Watch it learn here. At the end press Use this Model: it then classifies your images."),
                lambda: self._face(actions["use_run_model"]) or self._window.rail.button("train"),
            ),
        )

    def _face(self, action: QAction) -> QPushButton | None:
        return next((face for face in faces_of(action, self._window) if face.isVisible()), None)

    def _set_up(self, part: str) -> QWidget | None:
        page = self._window.training.train().page("set_up")
        found = getattr(page, part, None)
        return found if isinstance(found, QWidget) else None


def _scroll_to(target: QWidget | None) -> None:
    """Bring a control into sight where its page scrolls."""
    parent = target.parentWidget() if target is not None else None
    while parent is not None and not isinstance(parent, QScrollArea):
        parent = parent.parentWidget()
    if isinstance(parent, QScrollArea) and target is not None:
        parent.ensureWidgetVisible(target)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Tour", text)
