"""The Image in the middle: its name and tools above, zoom below, and beside it what the network sees."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSplitter, QVBoxLayout

from convnext_studio.core.values import FITS
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.canvas_heat import CanvasHeat
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import ActionIconButton
from convnext_studio.gui.widgets.frame import Frame, Hairline, set_variant
from convnext_studio.gui.widgets.heat_colours import ColourBar
from convnext_studio.gui.widgets.image_canvas import ImageCanvas
from convnext_studio.gui.widgets.key_cap import ActionKeyCap
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.numbers import count, percent
from convnext_studio.gui.widgets.segmented import Segmented
from convnext_studio.gui.widgets.stage_strip import StageStrip

NARROW = 480


class CanvasPanel(Frame):
    """`readout_changed` says in words what the pointer is on."""

    readout_changed = Signal(str)

    def __init__(self, studio: Studio, actions: Actions) -> None:
        super().__init__("panel")
        self._studio = studio
        self._actions = actions
        self._is_narrow = False
        self.canvas = ImageCanvas(studio.theme, self.tr("Image"))
        self.input_canvas = ImageCanvas(studio.theme, self.tr("What the network sees"))
        self.plain_canvas = ImageCanvas(studio.theme, self.tr("Image without its Heatmap"))
        self.strip = StageStrip(studio.theme)
        self.bar = ColourBar(studio.theme, self.tr("Heatmap"))
        self.fits = Segmented(studio.theme, [self.tr("Squash"), self.tr("Letterbox"), self.tr("Crop")])
        self._name = PlainLabel("", "section", elide=Qt.TextElideMode.ElideMiddle)
        self._facts = PlainLabel("", "small", "text2")
        self._notes = PlainLabel("", "small", "again", elide=Qt.TextElideMode.ElideRight)
        self._zoom = PlainLabel("", "small", "text2")
        self._input_facts = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self._announced = PlainLabel("", "small", "accent", elide=Qt.TextElideMode.ElideRight)
        self._box_words = PlainLabel("", "small", "text")
        self._box_words.setContentsMargins(8, 0, 0, 0)
        self._peek_words = Frame("panel")
        self._below = QHBoxLayout()
        self._lay_out()
        self.heat = CanvasHeat(studio, actions, self.canvas, self.plain_canvas, self.strip)
        self._connect()
        self._on_opened()
        self._on_input()

    def _lay_out(self) -> None:
        self.setMinimumWidth(280)
        self._input = Frame("panel", "left")
        beside = QVBoxLayout(self._input)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(0)
        strip = QHBoxLayout()
        strip.setContentsMargins(12, 3, 12, 3)
        strip.addWidget(self.fits)
        strip.addStretch(1)
        beside.addLayout(strip)
        beside.addWidget(self.input_canvas, 1)
        self._input_facts.setContentsMargins(12, 4, 12, 6)
        beside.addWidget(self._input_facts)
        self._both = both = QSplitter(Qt.Orientation.Horizontal)
        both.setHandleWidth(1)
        both.setChildrenCollapsible(False)
        both.addWidget(self.canvas)
        both.addWidget(self.plain_canvas)
        both.addWidget(self._input)
        both.setSizes([10_000, 10_000, 10_000])  # equal parts
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        column.addWidget(Hairline())
        column.addWidget(both, 1)
        column.addWidget(self.strip)
        column.addWidget(Hairline())
        column.addLayout(self._foot())

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setContentsMargins(12, 5, 8, 5)
        head.setSpacing(8)
        self._name.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)  # notes get the rest
        head.addWidget(self._name)
        head.addWidget(self._notes, 1)
        head.addStretch(0)  # where there is no note
        head.addWidget(self._facts)
        for action, icon in (
            ("show_heatmap", "eye"),
            ("show_input", "frame"),
            ("zoom_full", "image"),
            ("zoom_fit", "fit"),
        ):
            head.addWidget(ActionIconButton(self._studio.theme, self._actions[action], icon))
        return head

    def _foot(self) -> QHBoxLayout:
        foot = self._below
        foot.setContentsMargins(12, 3, 8, 3)
        foot.setSpacing(4)
        peek = QHBoxLayout(self._peek_words)
        peek.setContentsMargins(8, 0, 0, 0)
        peek.setSpacing(6)
        peek.addWidget(ActionKeyCap(self._actions["peek"]))
        peek.addWidget(PlainLabel(self.tr("hold to hide"), "small", "text2"))
        foot.addWidget(self.bar)
        foot.addWidget(self._peek_words)
        foot.addWidget(self._box_words)
        foot.addWidget(self._announced, 1)
        self._zoom.setFixedWidth(56)
        self._zoom.setAlignment(Qt.AlignmentFlag.AlignCenter)
        foot.addWidget(ActionIconButton(self._studio.theme, self._actions["zoom_out"], "minus"))
        foot.addWidget(self._zoom)
        foot.addWidget(ActionIconButton(self._studio.theme, self._actions["zoom_in"], "plus"))
        foot.addWidget(ActionIconButton(self._studio.theme, self._actions["full_screen"], "full"))
        return foot

    def _connect(self) -> None:
        studio, actions, canvas = self._studio, self._actions, self.canvas
        actions.connect("zoom_in", lambda: canvas.zoom_by(1))
        actions.connect("zoom_out", lambda: canvas.zoom_by(-1))
        actions.connect("zoom_fit", canvas.fit)
        actions.connect("zoom_full", canvas.show_pixels)
        actions.connect("show_input", self._on_show_input)
        actions.connect("copy_image", self._copy_image)
        canvas.zoom_changed.connect(self._on_zoom)
        canvas.pointed.connect(self._on_pointed)
        for each in (canvas, self.input_canvas, self.plain_canvas):
            each.stepped.connect(studio.library.step)
            each.jumped.connect(self._on_jumped)
        studio.viewer.opened_changed.connect(self._on_opened)
        studio.viewer.input_changed.connect(self._on_input)
        studio.library.current_changed.connect(self._on_current)
        studio.library.prediction_changed.connect(self._describe)
        studio.library.counts_changed.connect(self._show_place)
        studio.library.wrapped.connect(self._announce)
        studio.classifier.info_changed.connect(self._on_info)
        self.fits.index_changed.connect(self._on_fit_chosen)
        self.heat.changed.connect(self._show_heat)
        self.heat.box_words_changed.connect(self._show_box_words)
        self._show_box_words("")
        self.setFocusProxy(canvas)
        canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        names = "copy_image copy_result show_heatmap save_heatmap zoom_fit zoom_full show_input full_screen"
        canvas.addActions([actions[name] for name in names.split()])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where it is narrow, what the network sees stands below, and the size is left to the Image's facts."""
        super().resizeEvent(event)
        self._show_peek()
        if (self.width() < NARROW) != self._is_narrow:
            self._is_narrow = not self._is_narrow
            self._both.setOrientation(Qt.Orientation.Vertical if self._is_narrow else Qt.Orientation.Horizontal)
            set_variant(self._input, "edge", "top" if self._is_narrow else "left")
            self._show_place()
            self._show_heat()

    # --- the Heatmap

    def _show_heat(self) -> None:
        """The bar, what the Model saw, and that a key hides the map."""
        look, is_seen = self._studio.explainer.look, self.canvas.heat.is_seen
        words = self.tr("1 is the hottest place of this map. The line is drawn at {0} of it.")
        self.bar.set_look(look.colours, look.line, words.format(percent(look.line, 0)))
        self.bar.setVisible(is_seen)
        self._show_peek()
        self._show_region()

    def _show_peek(self) -> None:
        """That a key hides the map is said where the words have room."""
        items = [self._below.itemAt(place) for place in range(self._below.count())]
        others = [item for item in items if item is not None and item.widget() is not self._peek_words]
        needed = sum(item.minimumSize().width() + self._below.spacing() for item in others if not item.isEmpty())
        margins = self._below.contentsMargins()
        room = self.width() - margins.left() - margins.right() - needed
        has_room = not self._is_narrow and self._peek_words.sizeHint().width() <= room
        self._peek_words.setVisible(self.canvas.heat.is_seen and has_room and not self._box_words.text())

    def _show_region(self) -> None:
        viewer = self._studio.viewer
        found = viewer.model_input if viewer.shows_input else None
        self.canvas.set_region(found.region if found is not None else self.heat.region)

    def _show_box_words(self, words: str) -> None:
        self._box_words.setText(words)
        self._box_words.setVisible(bool(words))
        self._show_heat()

    # --- the Image

    def _announce(self, sentence: str) -> None:
        """Say it to the eye and to a screen reader."""
        self._announced.setText(sentence)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._announced, sentence))

    def _copy_image(self) -> None:
        opened = self._studio.viewer.opened
        if opened is None:
            return
        from convnext_studio.gui.convert import image_from_array

        copied = image_from_array(opened.pixels)
        QGuiApplication.clipboard().setImage(copied)
        is_reduced = (copied.width(), copied.height()) != (opened.width, opened.height)
        size = self.tr("It was reduced to {0} × {1} pixels.").format(count(copied.width()), count(copied.height()))
        self._studio.messages.success(self.tr("The image was copied."), size if is_reduced else "")

    def _on_current(self) -> None:
        self._announced.setText("")
        if not self.canvas.has_picture and self._studio.library.current_image is not None:
            self.canvas.set_words("", "")  # it is being opened; after a while that is said
        self._show_place()
        self._describe()

    def _show_place(self) -> None:
        library, image, opened = self._studio.library, self._studio.library.current_image, self._studio.viewer.opened
        self._name.setText(Path(image.path).name if image is not None else "")
        facts = []
        if opened is not None and opened.image == image and not self._is_narrow:
            facts.append(f"{count(opened.width)} × {count(opened.height)}")
        if library.current_row >= 0:
            facts.append(self.tr("{0} of {1}").format(count(library.current_row + 1), count(library.shown)))
        self._facts.setText(" · ".join(facts) if image is not None else "")

    def _on_opened(self) -> None:
        viewer, image = self._studio.viewer, self._studio.library.current_image
        opened = viewer.opened
        if opened is not None:
            keeps = self._studio.settings.value.keeps_zoom
            self.canvas.set_picture(opened.pixels, opened.width, opened.height, keeps_view=keeps)
        elif viewer.error:
            self.canvas.set_words(self.tr("This image cannot be shown"), viewer.error, "warn")
        elif viewer.is_opening:
            self.canvas.set_words("", self.tr("Opening…"))
        elif image is None:
            self.canvas.set_words(self.tr("No image"), self.tr("Drop images or a folder here, or open them."), "image")
        self.heat.show()
        self._notes.setText(" · ".join(map(spoken, opened.notes)) if opened is not None else "")
        self._notes.setVisible(bool(self._notes.text()))
        for name in ("zoom_in", "zoom_out", "zoom_fit", "zoom_full", "copy_image"):
            self._actions[name].setEnabled(self.canvas.has_picture)
        self._on_zoom(self.canvas.zoom)
        self._show_place()
        self._describe()

    def _describe(self) -> None:
        """For a screen reader: "image 3 of 20, scratch 92 %"."""
        library = self._studio.library
        self.canvas.setAccessibleDescription(library.sentence(library.current_row))

    def _on_zoom(self, zoom: float) -> None:
        self._zoom.setText(percent(zoom, 0) if self.canvas.has_picture else "")

    def _on_pointed(self, found: tuple[int, int, tuple[int, int, int]] | None) -> None:
        if found is None:
            self.readout_changed.emit("")
            return
        x, y, (red, green, blue) = found
        color = self.tr("grey {0}").format(red) if red == green == blue else f"RGB {red} {green} {blue}"
        heat = self.heat.value_words(x, y)
        self.readout_changed.emit("   ".join(filter(None, (f"x {x}   y {y}", color, heat))))

    def _on_jumped(self, where: str) -> None:
        library = self._studio.library
        page = 10
        targets = {
            "first": 0,
            "last": library.shown - 1,
            "page up": max(0, library.current_row - page),
            "page down": min(library.shown - 1, library.current_row + page),
        }
        library.set_current_row(targets[where])

    # --- what the network sees

    def _on_show_input(self, is_on: bool) -> None:
        self._studio.viewer.set_shows_input(is_on)
        self._on_input()

    def _on_info(self) -> None:
        info = self._studio.classifier.info
        if info is not None:
            self.fits.blockSignals(True)
            self.fits.set_index(FITS.index(info.preprocessing.fit))
            self.fits.blockSignals(False)
        self._on_input()

    def _on_input(self) -> None:
        viewer, info = self._studio.viewer, self._studio.classifier.info
        self._input.setVisible(viewer.shows_input)
        found = viewer.model_input if viewer.shows_input else None
        self._show_region()
        self.fits.setEnabled(info is not None)
        if found is not None:
            height, width = found.pixels.shape[:2]
            self.input_canvas.set_picture(found.pixels, width, height)
            self._input_facts.setText(self.tr("The network sees {0} × {1} pixels").format(width, height))
        else:
            words = viewer.input_error or ("" if info is not None else self.tr("The Model is not ready yet."))
            self.input_canvas.set_words("", words)
            self._input_facts.setText("")

    def _on_fit_chosen(self, index: int) -> None:
        classifier = self._studio.classifier
        had_answers = self._studio.library.classified > 0
        classifier.set_fit(FITS[index])
        if had_answers:
            self._studio.messages.info(
                self.tr("The images are classified again."), self.tr("The network now sees them in another way.")
            )
