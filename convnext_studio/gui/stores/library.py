"""The open Images and their Predictions: one table model, which the grid, the table and the canvas all read."""

from __future__ import annotations

import dataclasses
import gc
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, QUrl, Signal
from PySide6.QtCore import QMimeData as MimeData

from convnext_studio.core.events import EngineStopped, Failed, FindSummary, ImagesFound
from convnext_studio.core.requests import FindImages, ReadDates
from convnext_studio.core.values import ImageRef, Prediction
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.messages import Messages
from convnext_studio.gui.stores.arrangement import Arrangement, Records
from convnext_studio.gui.stores.drops import absolute
from convnext_studio.gui.stores.rows import Column, heading, text_of, tile_of
from convnext_studio.gui.stores.search import Search
from convnext_studio.gui.theme.fonts import font
from convnext_studio.gui.widgets.label import plain_tip
from convnext_studio.gui.widgets.numbers import count, percent
from convnext_studio.gui.widgets.tile import TILE_ROLE, Tile

TAKEN_AT_ONCE = 128  # Images taken in between two looks at the clock
INTAKE_S = 0.006  # what an intake may take of one turn of the event loop
DATED_AT_ONCE = 2_000  # files
REARRANGE_MS = 400
FROZEN_AT_ONCE = 4_096  # rows

Index = QModelIndex | QPersistentModelIndex


class Library(QAbstractTableModel):
    """Rows are what the Arrangement lets through, in its order; records are all Images in the order of finding."""

    opening_began = Signal()  # the user opened something
    images_added = Signal(object)  # range of records
    emptied = Signal()  # all Images went
    errors_dropped = Signal()  # what could not be read is to be tried once more
    current_changed = Signal()  # another Image is the current one
    prediction_changed = Signal()  # the current Image's Prediction
    counts_changed = Signal()
    arrangement_changed = Signal()
    finding_changed = Signal()
    wrapped = Signal(str)  # a step went over the end: a sentence to announce

    def __init__(self, lanes: Mapping[str, LaneLike], messages: Messages, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.arrangement = Arrangement()
        self.class_counts: Counter[str] = Counter()
        self.errors = 0
        self.classified = 0
        self.opened: tuple[str, ...] = ()  # what the user opened last
        self.left_out = 0  # files passed over: not images
        self._lanes = lanes
        self._messages = messages
        self._records = Records()
        self._order: list[int] = []
        self._rows: list[int] | None = None  # record -> row, made when first asked for
        self._current: int | None = None  # a record
        self._inbox: deque[tuple[ImageRef, ...]] = deque()
        self._finds: list[Search] = []
        self._intake = QTimer(self, interval=0)
        self._intake.timeout.connect(self._take_in)
        self._unfrozen = 0
        self._rearranging = QTimer(self, interval=REARRANGE_MS, singleShot=True)
        self._rearranging.timeout.connect(self._rearrange)
        self._dating: JobHandle | None = None

    # --- opening

    @property
    def is_finding(self) -> bool:
        """True while files are looked for."""
        return bool(self._finds or self._inbox)

    @property
    def total(self) -> int:
        """How many Images are open."""
        return len(self._records)

    @property
    def shown(self) -> int:
        """How many Images the Arrangement lets through."""
        return len(self._order)

    @property
    def waiting(self) -> int:
        """How many Images have no Prediction yet."""
        return self.total - self.classified - self.errors

    def open_paths(self, paths: Sequence[str], *, add: bool = False) -> None:
        """Look for Images in files and folders; they take the place of those now open unless `add`."""
        wanted = tuple(map(absolute, paths))
        if not wanted:
            return
        if not add:
            self.clear()
        self.opened = wanted
        search = Search(self._lanes["scan"], FindImages(wanted), self)
        self._finds.append(search)
        search.events.connect(self._on_found)
        search.succeeded.connect(self._on_find_succeeded)
        search.failed.connect(self._on_find_failed)
        search.closed.connect(self._on_find_closed)
        self.opening_began.emit()
        self.finding_changed.emit()

    def stop_finding(self) -> None:
        """Look no further; what was found stays."""
        for search in self._finds:
            search.cancel()

    def clear(self) -> None:
        """Close all Images."""
        for search in self._finds:
            search.drop()
        self._finds.clear()
        self._inbox.clear()
        for timer in (self._intake, self._rearranging):
            timer.stop()
        self._dating = None  # an answer that is under way is about Images that go
        self.beginResetModel()
        self._records, self._order, self._rows, self._current = Records(), [], None, None
        self.class_counts, self.errors, self.classified, self.left_out = Counter(), 0, 0, 0
        self.endResetModel()
        self.emptied.emit()
        if self.arrangement.class_name or self.arrangement.only != "all":  # chosen for the Images that went
            self.arrange(class_name="", only="all")
        self.current_changed.emit()
        self.counts_changed.emit()
        self.finding_changed.emit()

    def _on_found(self, events: list[object]) -> None:
        self._inbox.extend(event.images for event in events if isinstance(event, ImagesFound))
        if self._inbox and not self._intake.isActive():
            self._intake.start()
            self._take_in()  # the first ones at once

    def _on_find_succeeded(self, summary: FindSummary) -> None:
        self.left_out += summary.ignored
        if summary.problems:
            said = [spoken(problem) for problem in summary.problems]
            fact = self.tr("{0} places could not be read.") if said[1:] else self.tr("1 place could not be read.")
            self._messages.warning(fact.format(count(len(said))), said[0], "\n".join(said))
        elif summary.found == 0:
            where = Path(self.opened[0]).name if len(self.opened) == 1 else self.tr("what was opened")
            self._messages.info(self.tr("No images were found in {0}.").format(where))

    def _on_find_failed(self, end: Failed | EngineStopped) -> None:
        self._messages.failed(end, self.tr("Not all images were found."))

    def _on_find_closed(self) -> None:
        self._finds = [search for search in self._finds if not search.is_closed]
        self.counts_changed.emit()
        if not self.is_finding:
            self._settle()

    def _take_in(self) -> None:
        """Take a part of what was found, so that the window goes on living."""
        first = self.total
        until = time.perf_counter() + INTAKE_S
        while self._inbox and time.perf_counter() < until:
            images = self._inbox.popleft()
            if len(images) > TAKEN_AT_ONCE:
                self._inbox.appendleft(images[TAKEN_AT_ONCE:])
            for image in images[:TAKEN_AT_ONCE]:
                self._records.add(image)
        if not self._inbox:
            self._intake.stop()
        self._spare_collector(self.total - first)
        self._show_new(range(first, self.total))
        if not self.is_finding:
            self._settle()

    def _settle(self) -> None:
        """All is found: into the wanted order, now."""
        self._rearrange()
        self.finding_changed.emit()

    def _show_new(self, records: range) -> None:
        if not records:
            return
        if not self._rearranging.isActive():
            self._rearranging.start()
        if not self.arrangement.is_filtered:
            self.beginInsertRows(QModelIndex(), len(self._order), len(self._order) + len(records) - 1)
            if self._rows is not None:  # so that Predictions that come meanwhile need not make it anew
                self._rows.extend(range(len(self._order), len(self._order) + len(records)))
            self._order.extend(records)
            self.endInsertRows()
        else:
            self._rows = None
        self.images_added.emit(records)
        self.counts_changed.emit()
        if self._current is None and self._order:
            self._set_current_record(self._order[0])

    # --- the current Image

    @property
    def current_row(self) -> int:
        """Row of the current Image; -1 if there is none or it is filtered out."""
        return -1 if self._current is None else self._row_of_record(self._current)

    @property
    def current_image(self) -> ImageRef | None:
        """The Image on the canvas."""
        return None if self._current is None else self._records.images[self._current]

    @property
    def current_prediction(self) -> Prediction | None:
        """What is known of the current Image, if it was classified."""
        return None if self._current is None else self._records.predictions[self._current]

    def set_current_row(self, row: int) -> None:
        """Make a row the current one."""
        if 0 <= row < len(self._order):
            self._set_current_record(self._order[row])

    def step(self, by: int) -> None:
        """Go on by so many rows; over the end it starts again, and says so."""
        shown = len(self._order)
        if not shown:
            return
        row = self.current_row
        wanted = (row if row >= 0 else -1 if by > 0 else 0) + by
        if wanted >= shown:
            self.set_current_row(0)
            self.wrapped.emit(self.tr("Back at the first image"))
        elif wanted < 0:
            self.set_current_row(shown - 1)
            self.wrapped.emit(self.tr("On to the last image"))
        else:
            self.set_current_row(wanted)

    def neighbour(self, by: int) -> ImageRef | None:
        """The Image so many rows away from the current one, if there is one."""
        row = self.current_row
        return self.image_at(row + by) if row >= 0 and 0 <= row + by < len(self._order) else None

    def _set_current_record(self, record: int) -> None:
        if record != self._current:
            self._current = record
            self.current_changed.emit()

    def _row_of_record(self, record: int) -> int:
        if self._rows is None:
            self._rows = [-1] * self.total
            for row, shown in enumerate(self._order):
                self._rows[shown] = row
        return self._rows[record] if record < len(self._rows) else -1

    # --- Predictions

    def image_at(self, row: int) -> ImageRef:
        """The Image of a row."""
        return self._records.images[self._order[row]]

    def prediction_at(self, row: int) -> Prediction | None:
        """The Prediction of a row, if it was classified."""
        return self._records.predictions[self._order[row]]

    def row_of(self, image: ImageRef) -> int:
        """The row of an Image, -1 if it is not shown."""
        record = self._records.find(image)
        return -1 if record is None else self._row_of_record(record)

    def image_of_record(self, record: int) -> ImageRef:
        """The Image of a record."""
        return self._records.images[record]

    def unclassified(self) -> list[int]:
        """The records that wait for a Prediction, in the order of the rows, then those not shown."""
        predictions = self._records.predictions
        shown = [record for record in self._order if predictions[record] is None]
        known = set(shown)
        return shown + [n for n, done in enumerate(predictions) if done is None and n not in known]

    def predictions(self) -> tuple[Prediction, ...]:
        """All Predictions of the rows now shown, in their order."""
        known = self._records.predictions
        return tuple(done for record in self._order if (done := known[record]) is not None)

    def set_predictions(self, predictions: Iterable[Prediction]) -> None:
        """Take in what was predicted; Images that are no longer open are passed over."""
        changed: list[int] = []
        for prediction in predictions:
            if (record := self._records.find(prediction.image)) is None:
                continue
            self._forget(record)
            self._remember(record, prediction)
            changed.append(record)
        self._spare_collector(len(changed))
        if changed:
            self._tell_changed(changed)

    def _spare_collector(self, added: int) -> None:
        """Keep the garbage collector away from rows that stay: going through 50,000 held the window for 100 ms."""
        self._unfrozen += added
        if self._unfrozen >= FROZEN_AT_ONCE:
            self._unfrozen = 0
            gc.collect(1)
            gc.freeze()

    def drop_predictions(self) -> None:
        """Forget every Prediction, for another Model is asked now."""
        self._records.predictions[:] = [None] * self.total
        self.class_counts, self.errors, self.classified = Counter(), 0, 0
        if self._order:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._order) - 1, len(Column) - 1))
        if self.arrangement.depends_on_predictions:
            self._rearranging.start()
        self.prediction_changed.emit()
        self.counts_changed.emit()

    def drop_prediction(self, image: ImageRef) -> None:
        """Forget the Prediction of one Image."""
        record = self._records.find(image)
        if record is not None:
            self._forget(record)
            self._tell_changed([record])

    def drop_errors(self) -> None:
        """Forget of all Images that they could not be read."""
        failed = [record for record, done in enumerate(self._records.predictions) if done is not None and done.error]
        for record in failed:
            self._forget(record)
        self.errors_dropped.emit()
        self._tell_changed(failed)

    def _remember(self, record: int, prediction: Prediction) -> None:
        # Each batch brings its own copies of the same few words and of the path: keep one of each.
        names = tuple(map(sys.intern, prediction.classes))
        self._records.predictions[record] = Prediction(
            self._records.images[record],
            names,
            prediction.probabilities,
            prediction.margin,
            prediction.milliseconds,
            prediction.error,
            prediction.note,
            sys.intern(prediction.model),
        )
        if prediction.error:
            self.errors += 1
        else:
            self.classified += 1
            for name in names[:1]:
                self.class_counts[name] += 1

    def _forget(self, record: int) -> None:
        known = self._records.predictions[record]
        if known is None:
            return
        self._records.predictions[record] = None
        if known.error:
            self.errors -= 1
        else:
            self.classified -= 1
            for name in known.classes[:1]:
                self.class_counts[name] -= 1

    def _tell_changed(self, records: list[int]) -> None:
        rows = [row for record in records if (row := self._row_of_record(record)) >= 0]
        if rows:
            self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), len(Column) - 1))
        if self.arrangement.depends_on_predictions and not self._rearranging.isActive():
            self._rearranging.start()
        if self._current in records:
            self.prediction_changed.emit()
        self.counts_changed.emit()

    # --- order and filter

    def arrange(self, **changes: Any) -> None:
        """Change the Arrangement by name, as in `arrange(sort="class", text="scratch")`."""
        wanted = dataclasses.replace(self.arrangement, **changes)
        if wanted == self.arrangement:
            return
        self.arrangement = wanted
        self._rearrange()
        self.arrangement_changed.emit()
        self.counts_changed.emit()

    def _ask_dates(self) -> None:
        """Have more files' dates read, a part at a time: another folder that is opened does not wait for all."""
        paths = self._records.undated(DATED_AT_ONCE)
        if self.arrangement.sort != "date" or self._dating is not None or not paths:
            return
        self._dating = self._lanes["scan"].submit(ReadDates(paths))
        self._dating.succeeded.connect(self._on_dates)

    def _on_dates(self, dates: tuple[float, ...]) -> None:
        if self._dating is None or self.sender() is not self._dating:
            return
        self._dating = None
        self._records.take_dates(dates)
        self._ask_dates()
        if self._dating is None:  # all are known
            self._rearrange()

    def _rearrange(self) -> None:
        """Bring the rows into the wanted order; views keep their place when only the order changed."""
        self._rearranging.stop()
        self._ask_dates()
        order = self._records.arrange(self.arrangement)
        if order == self._order:
            return
        if len(order) == len(self._order) == self.total:
            self._reorder(order)
        else:
            self.beginResetModel()
            self._order, self._rows = order, None
            self.endResetModel()
            if self._current is None and order:
                self._set_current_record(order[0])

    def _reorder(self, order: list[int]) -> None:
        self.layoutAboutToBeChanged.emit()
        kept = self.persistentIndexList()
        records = [self._order[index.row()] for index in kept]
        self._order, self._rows = order, None
        moved = [self.index(self._row_of_record(n), i.column()) for n, i in zip(records, kept, strict=True)]
        self.changePersistentIndexList(kept, moved)
        self.layoutChanged.emit()

    # --- the table model

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(Column)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        record = self._order[index.row()]
        if role == TILE_ROLE:
            return self._tile(record)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._text(record, Column(index.column()))
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._text(record, Column.ERROR) or self._records.images[record].path)
        if role == Qt.ItemDataRole.TextAlignmentRole and Column(index.column()).is_number:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return heading(Column(section))
        if role == Qt.ItemDataRole.FontRole:
            return font("cap")  # a header under a style sheet takes its font from nowhere else
        if role == Qt.ItemDataRole.TextAlignmentRole and Column(section).is_number:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled | Qt.ItemFlag.ItemNeverHasChildren

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> MimeData:
        """The files themselves, so that a tile can be dragged into another program."""
        paths = dict.fromkeys(self.image_at(index.row()).path for index in indexes)
        mime = MimeData()
        mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
        return mime

    def _tile(self, record: int) -> Tile:
        known = self._records
        return tile_of(known.images[record], known.names[record], known.predictions[record])

    def _text(self, record: int, column: Column) -> str:
        return text_of(self._records.names[record], self._records.predictions[record], column)

    def sentence(self, row: int) -> str:
        """A row in words, for a screen reader: "image 3 of 20, scratch 92 %"."""
        if row < 0:
            return ""
        place = self.tr("image {0} of {1}").format(count(row + 1), count(len(self._order)))
        tile = self._tile(self._order[row])
        if tile.state == "done":
            return f"{place}, {tile.class_name} {percent(tile.probability, 0)}"
        return f"{place}, {tile.reason or self.tr('not classified')}"
