"""A plot as a card: its name, a key for each series with its value, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import IconButton
from convnext_studio.gui.widgets.curve import Curve, Marks, Scale
from convnext_studio.gui.widgets.curve_plot import CurvePlot
from convnext_studio.gui.widgets.enter_key import PressedByEnter
from convnext_studio.gui.widgets.flow_layout import FlowLayout
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip
from convnext_studio.gui.widgets.numbers import figure, percent
from convnext_studio.gui.widgets.plot_view import PlotView

_LINE, _MOST_KEY = 18, 240


class PlotCard(Frame):
    """`save_asked`: the user wants this plot in a file."""

    save_asked = Signal()

    def __init__(self, theme: Theme, title: str, second: str, view: PlotView, scale: Scale) -> None:
        super().__init__("card")
        self._theme, self._view, self._scale = theme, view, scale
        self.title = title
        self.plot = CurvePlot(theme, title, view, scale)
        self.second = PlainLabel(second, "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.nothing = PlainLabel("", "small", "text2", wrap=True)
        self.keys: list[SeriesKey] = []
        self._legend = QWidget()
        self._flow = FlowLayout(self._legend, spacing=12, row_spacing=0)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self._legend.setSizePolicy(policy)
        self.save = IconButton(theme, "export", self.tr("Save {0}: picture, drawing or values").format(title))
        self.save.clicked.connect(self.save_asked)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(PlainLabel(title, "section"))
        head.addWidget(self.second, 1)
        head.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 8, 8)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._legend)
        column.addWidget(self.nothing)
        column.addWidget(self.plot, 1)
        self.setMinimumHeight(230)
        self.nothing.hide()
        view.cursor_changed.connect(self._show_values)

    def show_curves(self, curves: Sequence[Curve], marks: Marks, nothing: str) -> None:
        """Draw these; `nothing` says why there are none."""
        self.plot.show_curves(curves, marks)
        has_any = any(len(curve.y) for curve in curves)
        self.nothing.setText(nothing)
        self.nothing.setVisible(not has_any)
        self._legend.setVisible(has_any)
        if [(key.title, key.role) for key in self.keys] != [(curve.title, curve.role) for curve in curves]:
            self._make_keys(curves)
        self._show_values()

    def picture(self, suffix: str) -> bytes:
        """The card as it is seen now, PNG or SVG."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        with self.plot.as_drawn():
            self._paint(buffer, suffix)
        return bytes(data.data())

    def _paint(self, buffer: QBuffer, suffix: str) -> None:
        if suffix == ".svg":
            drawing = QSvgGenerator()
            drawing.setOutputDevice(buffer)
            drawing.setSize(self.size())
            drawing.setViewBox(self.rect())
            drawing.setTitle(self.title)
            painter = QPainter(drawing)
            self.render(painter, QPoint())
            painter.end()
        else:
            picture = QPixmap(self.size() * 2)
            picture.setDevicePixelRatio(2.0)
            self.render(picture)
            picture.save(buffer, "PNG")

    def _make_keys(self, curves: Sequence[Curve]) -> None:
        for key in self.keys:
            self._flow.removeWidget(key)
            key.deleteLater()
        self.keys = [SeriesKey(self._theme, self._view, curve) for curve in curves]
        for key in self.keys:
            self._flow.addWidget(key)

    def _show_values(self) -> None:
        """At the cursor, or the last ones."""
        for key, value in zip(self.keys, self.plot.values_at(self._view.cursor), strict=True):
            key.show_value("–" if value is None else percent(value) if self._scale.is_share else figure(value))


class SeriesKey(PressedByEnter, QAbstractButton):
    """The look of a line, its name and a value; pressed, the line is left out or drawn again."""

    def __init__(self, theme: Theme, view: PlotView, curve: Curve) -> None:
        super().__init__()
        self.title, self.role = curve.title, curve.role
        self._theme, self._is_dashed, self._value = theme, curve.is_dotted, ""
        self.setFont(font("small"))
        self.setCheckable(True)
        self.setChecked(curve.title not in view.hidden)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(curve.title)
        self.setToolTip(plain_tip(self.tr("{0}: press to leave it out or draw it again").format(curve.title)))
        self.toggled.connect(lambda is_on: view.set_shown(curve.title, is_on))
        theme.changed.connect(self.update)

    def show_value(self, value: str) -> None:
        """Show another value."""
        if value != self._value:
            is_longer = len(value) != len(self._value)
            self._value = value
            self.setAccessibleDescription(value)
            if is_longer:
                self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """Line, name and value, high enough to be hit."""
        metrics = self.fontMetrics()
        words = min(metrics.horizontalAdvance(self.title), _MOST_KEY)
        return QSize(_LINE + 12 + words + metrics.horizontalAdvance("0" * max(5, len(self._value))), 24)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw it; what is left out is pale and has no line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, metrics = self.height() / 2, self.fontMetrics()
        if self.isChecked():
            style = Qt.PenStyle.DashLine if self._is_dashed else Qt.PenStyle.SolidLine
            painter.setPen(QPen(self._theme.color(self.role), 2, style))
            painter.drawLine(QPointF(0, middle), QPointF(_LINE, middle))
        painter.setPen(self._theme.color("text2" if self.isChecked() else "off"))
        title = metrics.elidedText(self.title, Qt.TextElideMode.ElideMiddle, _MOST_KEY)
        room = self.rect().adjusted(_LINE + 6, 0, 0, 0)
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), title)
        room.setLeft(room.left() + metrics.horizontalAdvance(title) + 6)
        painter.setPen(self._theme.color("text" if self.isChecked() else "off"))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), self._value)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.color("focus"), 2))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 4, 4)
