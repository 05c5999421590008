"""What stands in the window while nothing is open: a question, three doors, and the recent places."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from convnext_studio.core.images.find import is_image_name
from convnext_studio.core.resources import resource
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.stores.recent import RecentPlace
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button, bind
from convnext_studio.gui.widgets.frame import Frame, set_variant
from convnext_studio.gui.widgets.key_cap import ActionKeyCap
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel, plain_tip
from convnext_studio.gui.widgets.numbers import count

_WIDTH, _DOORS = 872, 3
_SENTENCE_WIDTH, _SENTENCE_HEIGHT = (_WIDTH - 16 * (_DOORS - 1)) // _DOORS - 34, 54
_CENTRE = Qt.AlignmentFlag.AlignHCenter


class WelcomePanel(QScrollArea):
    """Doors are cards; each does what an action does."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(0)
        column.addStretch(2)
        column.addWidget(PlainLabel(self.tr("What would you like to see?"), "hero"), 0, _CENTRE)
        column.addSpacing(4)
        column.addWidget(
            PlainLabel(self.tr("Everything runs on this machine. No image leaves it."), "body", "text2"), 0, _CENTRE
        )
        column.addSpacing(24)
        column.addWidget(self._doors(actions), 0, _CENTRE)
        column.addSpacing(14)
        self.tour = Button(studio.theme, self.tr("New here? Take the tour"), kind="link")
        bind(self.tour, actions["tour"])
        column.addWidget(self.tour, 0, _CENTRE)
        column.addSpacing(14)
        self._recent = _RecentList(studio, actions)
        column.addWidget(self._recent, 0, _CENTRE)
        column.addStretch(3)
        self.setWidget(body)

    def _doors(self, actions: Actions) -> QWidget:
        theme = self._studio.theme
        sample = _Door(theme, actions["open_sample"], ("crack", "dent", "stain"), "primary")
        images = _Door(theme, actions["open_folder"], ("good", "pit", "scratch"), "secondary")
        images.say(
            self.tr("Classify images"),
            self.tr("Drop images or a folder here, or choose a folder, and read what is in them."),
        )
        train = self.train_door = _Door(
            theme, actions["train_folder"], ("stain", "dent", "pit"), "secondary", actions["train_sample"]
        )
        train.say(
            self.tr("Train on a folder"),
            self.tr("One folder for each class is enough. Check it, choose how thorough, start."),
        )
        doors = QWidget()
        doors.setFixedWidth(_WIDTH)
        row = QHBoxLayout(doors)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        for door in (sample, images, train):
            row.addWidget(door, 1)
        self._sample_door = sample
        self._on_sample_changed()
        self._studio.sample.changed.connect(self._on_sample_changed)
        return doors

    def _on_sample_changed(self) -> None:
        making = self._studio.sample
        words = self.tr("600 metal parts, five kinds of defect, made on this machine. A trained Model is ready.")
        if making.is_making and making.total:
            words = self.tr("{} of {} images are made. They open when all are there.").format(
                count(making.done), count(making.total)
            )
        self._sample_door.say(self.tr("Try the sample"), words)
        self._sample_door.set_busy(is_busy=making.is_making)


class _Door(Frame):
    """A card: pictures, title, two or three lines, one button and its key, or another way in as a link."""

    def __init__(
        self, theme: Theme, action: QAction, pictures: tuple[str, ...], kind: str, other: QAction | None = None
    ) -> None:
        super().__init__("card")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._title = PlainLabel("", "title", wrap=True)
        self._title.setAlignment(_CENTRE)
        self._sentence = PlainLabel("", "body", "text2", wrap=True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._button = Button(theme, action.text(), kind="primary" if kind == "primary" else "secondary")
        bind(self._button, action)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 24, 16, 16)
        column.setSpacing(0)
        column.addWidget(_Strip(pictures), 0, _CENTRE)
        column.addSpacing(18)
        column.addWidget(self._title)
        column.addSpacing(6)
        column.addWidget(self._sentence)
        column.addSpacing(10)
        column.addStretch(1)
        column.addWidget(self._button, 0, _CENTRE)
        if other is None:
            column.addSpacing(10)
            column.addWidget(ActionKeyCap(action), 0, _CENTRE)
            return
        self.other = Button(theme, self.tr("or on the sample data"), kind="link")
        bind(self.other, other)
        column.addSpacing(4)
        column.addWidget(self.other, 0, _CENTRE)

    def say(self, title: str, sentence: str) -> None:
        """Set the words."""
        self._title.setText(title)
        self._title.setFixedHeight(self._title.heightForWidth(_SENTENCE_WIDTH))
        self._sentence.setText(sentence)
        self._sentence.setFixedHeight(max(_SENTENCE_HEIGHT, self._sentence.heightForWidth(_SENTENCE_WIDTH)))

    def set_busy(self, *, is_busy: bool) -> None:
        """While it works it cannot be pressed again."""
        self._button.setEnabled(not is_busy)

    def enterEvent(self, event: object) -> None:  # noqa: ARG002
        """Show that this is a door."""
        set_variant(self, "st", "hover")

    def leaveEvent(self, event: object) -> None:  # noqa: ARG002
        """As before."""
        set_variant(self, "st", "")


class _Strip(QWidget):
    """Pictures side by side, with round corners."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self._pictures = [QPixmap(str(resource("welcome", f"{name}.jpg"))) for name in names]
        self.setFixedSize(QSize(68 * len(names) - 4, 64))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for number, picture in enumerate(self._pictures):
            place = QRectF(68 * number, 0, 64, 64)
            corner = QPainterPath()
            corner.addRoundedRect(place, 4, 4)
            painter.setClipPath(corner)
            painter.drawPixmap(place, picture, QRectF(picture.rect()))


class _RecentList(QWidget):
    """The recent places; one that is gone stays, muted, with a triangle and its reason."""

    def __init__(self, studio: Studio, actions: Actions) -> None:
        super().__init__()
        self._studio = studio
        self.setFixedWidth(_WIDTH)
        self._clear = Button(studio.theme, self.tr("Clear list"), kind="link")
        bind(self._clear, actions["clear_recent"])
        head = QHBoxLayout()
        head.setContentsMargins(12, 0, 12, 0)
        head.addWidget(PlainLabel(self.tr("Recent"), "section"))
        head.addStretch(1)
        head.addWidget(self._clear)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._column.addLayout(head)
        self._rows: list[QWidget] = []
        studio.recent.changed.connect(self._show)
        studio.recent_look.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        for row in self._rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = [self._row(place) for place in self._studio.recent.places]
        for row in self._rows:
            self._column.addWidget(row)
        self.setVisible(bool(self._rows))

    def _row(self, place: RecentPlace) -> QWidget:
        look = self._studio.recent_look
        is_missing = look.is_missing(place.path)
        is_folder = look.is_folder(place.path)
        if is_folder is None:  # not heard yet: the name is a fair guess
            is_folder = not is_image_name(place.name)
        icon = "warn" if is_missing else "folder" if is_folder else "image"
        button = Button(self._studio.theme, "", None, "row")
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setToolTip(plain_tip(place.path))
        button.setAccessibleName(place.name)
        button.setEnabled(not is_missing)
        button.clicked.connect(lambda _checked=False, path=place.path: self._studio.open_paths((path,)))
        row = QHBoxLayout(button)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(10)
        row.addWidget(IconLabel(self._studio.theme, icon, "text3" if is_missing else "text2"))
        name = PlainLabel(place.name, "body", "text3" if is_missing else "text", elide=Qt.TextElideMode.ElideMiddle)
        row.addWidget(name, 2)
        row.addWidget(PlainLabel(place.folder, "small", "text3", elide=Qt.TextElideMode.ElideMiddle), 1)
        row.addWidget(PlainLabel(self.tr("not found") if is_missing else self._facts(place), "small", "text3"))
        for child in (name,):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        return button

    def _facts(self, place: RecentPlace) -> str:
        when = QDateTime.fromSecsSinceEpoch(int(place.opened))
        days = when.daysTo(QDateTime.currentDateTime())
        locale = QLocale()
        if days == 0:
            day = self.tr("today {}").format(locale.toString(when.time(), QLocale.FormatType.ShortFormat))
        elif days < 7:
            day = locale.dayName(when.date().dayOfWeek())
        else:
            day = locale.toString(when.date(), QLocale.FormatType.ShortFormat)
        if place.images == 1:
            return self.tr("1 image · {}").format(day)
        return self.tr("{} images · {}").format(count(place.images), day) if place.images else day
