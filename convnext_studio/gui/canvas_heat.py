"""Lays the Heatmap over the canvas: peek, swipe, side by side, the box, the filmstrip and what they say in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Signal
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QApplication

from convnext_studio.core.events import OpenedImage
from convnext_studio.core.explanations import Heatmap, Region
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.heat_layer import HeatLook
from convnext_studio.gui.widgets.image_canvas import ImageCanvas
from convnext_studio.gui.widgets.numbers import decimal, percent
from convnext_studio.gui.widgets.stage_strip import StageStrip

_SMALL = 256  # pixels of the longer side of a picture in the filmstrip


class CanvasHeat(QObject):
    """`canvas` shows the Heatmap, `plain` stands beside it without one, `strip` shows all stages.

    `changed` says that Heatmap, region or look are others; `box_words_changed` what the box holds.
    """

    changed = Signal()
    box_words_changed = Signal(str)

    def __init__(
        self, studio: Studio, actions: Actions, canvas: ImageCanvas, plain: ImageCanvas, strip: StageStrip
    ) -> None:
        super().__init__()  # no child of the canvas: actions hold on to the canvas, and would then to everything
        self._studio = studio
        self._actions = actions
        self._canvas = canvas
        self._plain = plain
        self._strip = strip
        self._peek: _Peek | None = None
        self._shown_of: OpenedImage | None = None  # whose pixels `plain` and `strip` show
        self._connect()
        self._on_look()

    def _connect(self) -> None:
        explainer, actions = self._studio.explainer, self._actions
        actions["show_heatmap"].setChecked(explainer.look.is_shown)
        actions.connect("show_heatmap", self._on_show_heatmap)
        actions.connect("peek", self.peek)
        actions.connect("swipe", self._on_swipe)
        actions.connect("side_by_side", self._on_side_by_side)
        actions.connect("show_stages", self._on_show_stages)
        actions.connect("heat_box", self._on_box)
        actions["peek"].setAutoRepeat(False)
        explainer.changed.connect(self.show)
        explainer.look_changed.connect(self._on_look)
        explainer.stages_changed.connect(self._show_stages)
        explainer.network_changed.connect(self._show_stages)
        self._canvas.view_changed.connect(self._on_view_changed)
        self._plain.view_changed.connect(self._on_plain_view_changed)
        self._canvas.box.changed.connect(self._show_box)
        self._strip.chosen.connect(self._on_stage_chosen)
        self._plain.hide()
        self._strip.hide()

    @property
    def heatmap(self) -> Heatmap | None:
        """The Heatmap of the Image on the canvas."""
        explained, opened = self._studio.explainer.explained, self._studio.viewer.opened
        is_of_this = explained is not None and opened is not None and explained.image == opened.image
        return explained.heatmaps[0] if is_of_this and explained is not None else None

    @property
    def region(self) -> Region | None:
        """What the Model saw of the Image, while its Heatmap is shown."""
        heatmap = self.heatmap if self._studio.explainer.look.is_shown else None
        return heatmap.seen if heatmap is not None else None

    def show(self) -> None:
        """Show what there is now."""
        explained, heatmap = self._studio.explainer.explained, self.heatmap
        if heatmap is not None and explained is not None:
            if self._canvas.heat.heatmap is not heatmap:
                self._canvas.heat.set_heatmap(heatmap, explained.width, explained.height)
        else:
            self._canvas.heat.set_heatmap(None, 0, 0)
        self._canvas.update()
        self._show_plain()
        self._show_stages()
        self._show_box()
        self.changed.emit()

    def value_words(self, x: int, y: int) -> str:
        """The value under the pointer."""
        heat = self._canvas.heat
        if not heat.is_seen or heat.heatmap is None:
            return ""
        from convnext_studio.core.explain.place import value_at

        return self.tr("heat {0}").format(decimal(value_at(heat.heatmap, x + 0.5, y + 0.5), 2))

    # --- look

    def _on_show_heatmap(self, is_on: bool) -> None:
        self._studio.explainer.set_look(is_shown=is_on)

    def _on_look(self) -> None:
        look = self._studio.explainer.look
        self._actions["show_heatmap"].setChecked(look.is_shown)
        self._set_look(look)
        self._strip.set_look(look)
        self.changed.emit()

    def _set_look(self, look: HeatLook) -> None:
        self._canvas.heat.set_look(look)
        self._canvas.update()

    def peek(self) -> None:
        """Hide the Heatmap until the key is let go."""
        if self._peek is None and self._canvas.heat.is_seen:
            look = self._studio.explainer.look
            self._set_look(HeatLook(False, look.opacity, look.colours, look.line))
            self._peek = _Peek(self)
            self._peek.over.connect(self._end_peek)

    def _end_peek(self) -> None:
        if self._peek is not None:
            self._peek.deleteLater()
            self._peek = None
            self._set_look(self._studio.explainer.look)

    # --- comparing

    def _on_view_changed(self) -> None:
        self._plain.follow(self._canvas)

    def _on_plain_view_changed(self) -> None:
        self._canvas.follow(self._plain)

    def _on_swipe(self, is_on: bool) -> None:
        if is_on:
            self._actions["side_by_side"].setChecked(False)
        self._canvas.set_divider(0.5 if is_on else None)

    def _on_side_by_side(self, is_on: bool) -> None:
        if is_on:
            self._actions["swipe"].setChecked(False)
        self._plain.setVisible(is_on)
        self._show_plain()

    def _show_plain(self) -> None:
        opened = self._studio.viewer.opened
        if not self._actions["side_by_side"].isChecked() or opened is None:
            self._plain.set_words("", "")
            self._shown_of = None
        elif opened is not self._shown_of:
            self._shown_of = opened
            self._plain.set_picture(opened.pixels, opened.width, opened.height)
            self._plain.follow(self._canvas)

    # --- the box

    def _on_box(self, is_on: bool) -> None:
        self._canvas.box.set_on(is_on)
        if is_on:
            self._canvas.setFocus()

    def _show_box(self) -> None:
        explained, box = self._studio.explainer.explained, self._canvas.box.box
        heatmap = self.heatmap
        if box is None or heatmap is None or explained is None:
            self.box_words_changed.emit("")
            return
        from convnext_studio.core.explain.place import share_inside

        share = share_inside(heatmap, box, explained.width, explained.height)
        self.box_words_changed.emit(self.tr("Box: {0} of the heat").format(percent(share, 0)))

    # --- the stages

    def _on_stage_chosen(self, layer: str) -> None:
        explainer = self._studio.explainer
        explainer.set_wish(method=explainer.method, layer=layer)

    def _on_show_stages(self, is_on: bool) -> None:
        self._strip.setVisible(is_on)
        self._studio.explainer.set_shows_stages(is_on)
        self._show_stages()

    def _show_stages(self) -> None:
        if self._strip.isHidden():
            return
        explainer, opened = self._studio.explainer, self._studio.viewer.opened
        if opened is not None:
            self._strip.set_picture(_small(opened), opened.width, opened.height)
        layers = explainer.network.layers if explainer.network is not None else ()
        titles = [spoken(layer.title) for layer in layers if layer.is_stage][-4:]
        large = explainer.heatmap.layer if explainer.heatmap is not None else ""
        self._strip.set_heatmaps(titles, explainer.stages, large)


class _Peek(QObject):
    """Listens to the whole program, but only while a key is held."""

    over = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        application = QCoreApplication.instance()
        assert isinstance(application, QApplication)
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002
        """Over when a key is let go, or when the window is left with the key still held."""
        kind = event.type()
        is_let_go = isinstance(event, QKeyEvent) and kind == QEvent.Type.KeyRelease and not event.isAutoRepeat()
        if is_let_go or kind in (QEvent.Type.WindowDeactivate, QEvent.Type.MouseButtonPress):
            self.over.emit()
        return False


def _small(opened: OpenedImage) -> QImage:
    from convnext_studio.gui.convert import image_from_array

    step = max(1, max(opened.pixels.shape[:2]) // _SMALL)
    return image_from_array(opened.pixels[::step, ::step].copy())
