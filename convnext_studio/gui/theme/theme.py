"""The look at run time: which of the two palettes holds, and colours, icons and durations made from it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QApplication

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.icons import ThemedIconEngine, draw_icon
from convnext_studio.gui.theme.palette import make_palette
from convnext_studio.gui.theme.style_sheet import make_style_sheet
from convnext_studio.gui.theme.tokens import DARK, LIGHT

MODES = ("system", "dark", "light")


class Theme(QObject):
    """Colours by role. `changed` is emitted after the application's palette and style sheet have been replaced."""

    changed = Signal()

    def __init__(self, app: QApplication, mode: str = "system", *, is_motion_reduced: bool = False) -> None:
        super().__init__()
        self.is_motion_reduced = is_motion_reduced
        self._app = app
        self._pixmaps: dict[tuple[str, str, int, float, bool], QPixmap] = {}
        self._mode = mode
        app.setStyle("Fusion")
        app.setFont(font("body"))
        self.is_dark = self._wants_dark()
        self._apply()
        app.styleHints().colorSchemeChanged.connect(self._on_system_changed)

    @property
    def mode(self) -> str:
        """`system`, `dark` or `light`."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Follow the system, or hold to dark or light."""
        self._mode = mode
        self._on_system_changed()

    def color(self, role: str) -> QColor:
        """The colour of a role of `tokens`."""
        return QColor((DARK if self.is_dark else LIGHT)[role])

    def icon(self, name: str, role: str = "text2", on_role: str = "") -> QIcon:
        """An icon that follows the theme; `on_role` is its colour while checked (as `role` if empty)."""
        return QIcon(ThemedIconEngine(self, name, role, on_role or role))

    def pixmap(self, name: str, role: str, size: int, dpr: float = 1.0) -> QPixmap:
        """The icon `name` in the colour of `role`, `size` logical pixels wide and high."""
        key = (name, role, size, dpr, self.is_dark)
        if key not in self._pixmaps:
            self._pixmaps[key] = draw_icon(name, self.color(role), size, dpr)
        return self._pixmaps[key]

    def duration(self, milliseconds: int) -> int:
        """How long a movement may take: 0 where motion is to be reduced."""
        return 0 if self.is_motion_reduced else milliseconds

    def _wants_dark(self) -> bool:
        if self._mode != "system":
            return self._mode == "dark"
        return self._app.styleHints().colorScheme() != Qt.ColorScheme.Light

    def _on_system_changed(self) -> None:
        if self._wants_dark() != self.is_dark:
            self.is_dark = not self.is_dark
            self._apply()
            self.changed.emit()

    def _apply(self) -> None:
        tokens = DARK if self.is_dark else LIGHT
        self._app.setPalette(make_palette(tokens))
        self._app.setStyleSheet(make_style_sheet(tokens, is_dark=self.is_dark))
