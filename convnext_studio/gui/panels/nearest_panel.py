"""Under the Explanation: the training Images that the Model finds most like the current one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from convnext_studio.core.explanations import Neighbour
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import ActionButton
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.numbers import decimal
from convnext_studio.gui.widgets.pair_dialog import PairDialog
from convnext_studio.gui.widgets.picture_flow import Picture, PictureFlow

_SIDE = 84


class NearestPanel(QWidget):
    """A press on one shows it beside the current Image."""

    def __init__(self, studio: Studio, actions: Actions) -> None:
        super().__init__()
        self._studio = studio
        self._nearest = studio.nearest
        self._action = actions["index_training"]
        self.flow = PictureFlow(studio.theme, self.tr("Nearest training images"), _SIDE, lines=2)
        self.state = PlainLabel("", "small", "text2", wrap=True)
        self.button = ActionButton(studio.theme, self._action, "data")
        self._pair: PairDialog | None = None
        self._number = 0
        head = PlainLabel(self.tr("Nearest training images"), "section")
        head.setMinimumHeight(30)
        head.setToolTip(self.tr("Those whose features, as this Model sees them, point most the same way (cosine)."))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (head, self.flow, self.state, self.button):
            column.addWidget(widget)
        actions.connect("index_training", self._nearest.index)
        self.flow.pressed.connect(self._on_pressed)
        self._nearest.changed.connect(self._show)
        self._nearest.pictures.made.connect(self._show)
        self._nearest.opened_changed.connect(self._show_pair)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Look for them from now on."""
        super().showEvent(event)
        self._nearest.set_watched(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is computed that nobody sees."""
        super().hideEvent(event)
        self._nearest.set_watched(False)

    def _show(self) -> None:
        found = self._nearest.found
        if self._pair is not None and not found:
            self._pair.close()  # another Image is current
        is_looking = self._nearest.state == "looking" and bool(self.flow.pictures)
        if not is_looking:
            self.flow.show_pictures([self._picture(one) for one in found])
        elif self.flow.pictures[0].title:  # their room stays, so that nothing jumps
            self.flow.show_pictures([Picture(None)] * len(self.flow.pictures))
        self.flow.setVisible(bool(self.flow.pictures))
        words = "" if is_looking else self._words()
        self.state.setText(words)
        self.state.setVisible(bool(words))
        self._action.setEnabled(self._nearest.can_index)
        self.button.setVisible(self._nearest.state in ("no index", "error") and not self._nearest.is_indexing)

    def _picture(self, one: Neighbour) -> Picture:
        likeness = decimal(one.similarity, 2)
        reason = self._nearest.pictures.error(ImageRef(one.path))
        tip = self.tr("{0}, likeness {1}").format(one.label, likeness)
        if reason:
            return Picture(None, one.label, self.tr("gone"), f"{tip}\n{reason}\n{one.path}", "warn")
        return Picture(self._nearest.pictures.pixmap(ImageRef(one.path)), one.label, likeness, f"{tip}\n{one.path}")

    def _words(self) -> str:
        if self._nearest.is_indexing:
            return self.tr("The training images are being indexed.")
        words = {
            "loading": self.tr("The Model is loading."),
            "no Model": self.tr("There is no Model with classes in use."),
            "no file": self.tr("Only a Model trained here knows its training images. Train one to see them."),
            "no image": self.tr("Pick an image to see those it was trained on that are most like it."),
            "looking": self.tr("Looking…"),
            "no index": self.tr("The training images of this Model are not indexed yet."),
            "error": self._nearest.error,
        }
        return words.get(self._nearest.state, "")

    # --- one of them beside the current Image

    def _on_pressed(self, number: int) -> None:
        if number >= len(self._nearest.found):
            return  # still being looked for
        self._number = number
        if self._pair is None:
            self._pair = PairDialog(self._studio.theme, self.tr("Nearest training image"), self.window())
            self._pair.stepped.connect(self._on_stepped)
            self._pair.finished.connect(self._on_pair_closed)
            self._pair.show()
        self._nearest.open(number)

    def _on_stepped(self, step: int) -> None:
        number = self._number + step
        if 0 <= number < len(self._nearest.found):
            self._on_pressed(number)

    def _on_pair_closed(self) -> None:
        if self._pair is not None:
            self._pair.deleteLater()
            self._pair = None

    def _show_pair(self) -> None:
        pair, found = self._pair, self._nearest.found
        if pair is None or self._number >= len(found):
            return
        opened, one = self._studio.viewer.opened, found[self._number]
        prediction = self._studio.library.current_prediction
        own = prediction.classes[0] if prediction is not None and prediction.classes else ""
        pair.show_left(opened, Path(opened.image.path).name if opened is not None else "", self._own_words(own))
        words = self.tr("“{0}”, likeness {1}").format(one.label, decimal(one.similarity, 2))
        pair.show_right(self._nearest.opened, Path(one.path).name, words, one.path)
        if self._nearest.open_error:
            pair.show_reason(self._nearest.open_error)
        pair.before.setEnabled(self._number > 0)
        pair.after.setEnabled(self._number + 1 < len(found))

    def _own_words(self, own: str) -> str:
        return self.tr("Current image, predicted “{0}”").format(own) if own else self.tr("Current image")
