"""The Evaluate place: which Model on which Images, how far it is, and then what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from convnext_studio.core.events import Failed
from convnext_studio.core.values import ModelRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.drops import data_set_of
from convnext_studio.gui.stores.evaluation_words import headline, kept_words, split_word
from convnext_studio.gui.stores.evaluator import SPLITS, Wish
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import Button, bind
from convnext_studio.gui.widgets.check_list import CheckList
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.numbers import count, percent
from convnext_studio.gui.widgets.page_drop import DropCover, PageDrop
from convnext_studio.gui.widgets.progress_line import ProgressLine
from convnext_studio.gui.widgets.select import Select

_ASK, _ASK_TABLE = "?", "?csv"
_IN_USE = ""
_NARROW = 1000


class EvaluatePage(QWidget):
    """`make_result` makes what shows an Evaluation, once there is one."""

    model_file_wanted = Signal()
    folder_wanted = Signal()
    table_wanted = Signal()

    def __init__(
        self, studio: Studio, actions: Actions, make_result: Callable[[], QWidget], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._evaluator = studio.evaluator
        self._make_result = make_result
        self.result: QWidget | None = None
        self._making = QTimer(self, singleShot=True, interval=0)  # in turns of their own: each takes a while
        self._making.timeout.connect(self._prepare)
        self._make_parts(actions)
        self._lay_out()
        self._connect()
        self._take_drops()
        self._show_choices()
        self._show()

    def _take_drops(self) -> None:
        lines = (
            self.tr("Labelled images are judged: a folder with one folder for each class, or a CSV."),
            self.tr("A Model file becomes the Model that judges."),
        )
        cover = DropCover(self._studio.theme, "evaluate", lines, self)
        self.drop = PageDrop(self, cover, self.tr("Drop to evaluate"), data_set_of)
        self.drop.dropped.connect(self._on_dropped)

    def _on_dropped(self, path: str) -> None:
        wish = self._evaluator.wish
        if path.endswith(".safetensors"):
            self._evaluator.want(Wish(ModelRef(path), wish.data, wish.split))
        else:
            self._evaluator.want(Wish(wish.model, path, wish.split))

    # --- how it is built

    def _make_parts(self, actions: Actions) -> None:
        theme = self._studio.theme
        self.title = PlainLabel("", "display", elide=Qt.TextElideMode.ElideMiddle)
        self.second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.save = Button(theme, actions["save_evaluation"].text(), "export")
        bind(self.save, actions["save_evaluation"])
        self.compare = Select(self.tr("Compare with another evaluation"))
        self.compare.setToolTip(self.tr("Set another Model's answers to the same images beside these."))
        self.compare.setSizeAdjustPolicy(Select.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.compare.setMinimumContentsLength(14)
        self.earlier = Select(self.tr("Earlier evaluations"))
        self.earlier.setToolTip(self.tr("Show an evaluation of before; nothing is computed."))
        self.earlier.setSizeAdjustPolicy(Select.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.earlier.setMinimumContentsLength(9)
        self.model = Select(self.tr("Model to evaluate"))
        self.model.setToolTip(self.tr("Which Model is judged: the one in use, a Run's best, or a Model file."))
        self.data = Select(self.tr("Labelled images"))
        self.data.setToolTip(self.tr("By which images: a Run's own split, a folder of class folders, or a CSV."))
        self.split = Select(self.tr("Split"))
        self.split.setToolTip(self.tr("Which part of the data. The test split is for reporting only."))
        for split in SPLITS:
            self.split.addItem(_capital(split_word(split)), split)
        for select in (self.model, self.data):
            select.setMinimumWidth(120)
            select.setSizeAdjustPolicy(Select.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            select.setMinimumContentsLength(12)
            select.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.start = Button(theme, self.tr("Evaluate"), "play", "primary")
        bind(self.start, actions["start_evaluation"])
        self.stop = Button(theme, self.tr("Stop"), "stop")
        self.stop.setToolTip(self.tr("Stop judging; images judged so far are not counted."))
        self.line = ProgressLine()
        self.words = PlainLabel("", "small", "text2", wrap=True)
        self.empty = CheckList(theme, "evaluate")
        self.choose = Button(theme, self.tr("Choose a folder…"), "folder")
        self.choose.setToolTip(self.tr("A folder with one folder for each class."))
        self.sample = Button(theme, self.tr("Train on the sample first"), "bolt")
        bind(self.sample, actions["train_sample"])
        self.begin = Button(theme, self.tr("Evaluate"), "play", "primary")
        bind(self.begin, actions["start_evaluation"])
        for button in (self.sample, self.choose, self.begin):
            self.empty.add_button(button)

    def _lay_out(self) -> None:
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(self.title)
        names.addWidget(self.second)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addLayout(names, 1)
        head.addWidget(self.earlier)
        head.addWidget(self.compare)
        head.addWidget(self.save)
        body = QWidget()
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(16, 14, 16, 16)
        self._column.setSpacing(12)
        self._column.addLayout(head)
        self._column.addWidget(self._laid_out_bar())
        self._column.addWidget(self.empty, 1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(body)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.area)

    def _laid_out_bar(self) -> Frame:
        bar = Frame("card")
        self._choices = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._choices.setSpacing(12)
        for text, select, share in (
            (self.tr("Model"), self.model, 4),
            (self.tr("Labelled images"), self.data, 4),
            (self.tr("Split"), self.split, 2),
        ):
            pair = QVBoxLayout()
            pair.setSpacing(4)
            pair.addWidget(PlainLabel(text, "small", "text2"))
            pair.addWidget(select)
            self._choices.addLayout(pair, share)
        for button in (self.start, self.stop):
            self._choices.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(bar)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        column.addLayout(self._choices)
        column.addWidget(self.line)
        column.addWidget(self.words)
        return bar

    def _connect(self) -> None:
        evaluator, studio = self._evaluator, self._studio
        for changed in (evaluator.wish_changed, studio.training.runs_changed, studio.set_up.changed):
            changed.connect(self._show_choices)
        studio.classifier.info_changed.connect(self._show_choices)
        evaluator.wish_changed.connect(self._show)
        evaluator.shown_changed.connect(self._show)
        evaluator.state_changed.connect(self._show)
        evaluator.progress_changed.connect(self._show_progress)
        evaluator.kept_changed.connect(self._show_kept)
        self.model.activated.connect(self._on_model)
        self.data.activated.connect(self._on_data)
        self.split.activated.connect(self._on_split)
        self.compare.activated.connect(self._on_compare)
        self.earlier.activated.connect(self._on_earlier)
        self.stop.clicked.connect(evaluator.stop)
        self.choose.clicked.connect(self.folder_wanted)

    def showEvent(self, event: QShowEvent) -> None:
        """See what was kept in the meantime, by the command line too."""
        super().showEvent(event)
        self._making.start()
        self._evaluator.look()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a small window less room between."""
        super().resizeEvent(event)
        self._choices.setSpacing(12 if self.width() >= _NARROW else 8)

    # --- what can be chosen

    def _show_choices(self) -> None:
        wish, studio = self._evaluator.wish, self._studio
        info = studio.classifier.info
        in_use = info.title if info is not None else Path(studio.classifier.model_ref.name).stem
        models = [(self.tr("In use: {0}").format(in_use), _IN_USE)]
        data: list[tuple[str, str]] = []
        names = [run.name for run in studio.training.runs]
        for run in studio.training.runs:
            if run.best_balanced_accuracy is not None or run.state == "finished":
                name = run.name if names.count(run.name) == 1 else Path(run.folder).name
                models.append((self.tr("Run: {0}").format(name), str(Path(run.folder) / "model.safetensors")))
                data.append((self.tr("Run: {0}, its own split").format(name), run.folder))
        own = studio.set_up.recipe.data
        if own:
            data.append((self.tr("Data set: {0}").format(Path(own).name), own))
        chosen = wish.model.name if wish.model is not None else _IN_USE
        if chosen not in [value for _, value in models]:
            models.append((Path(chosen).name, chosen))
        if wish.data and wish.data not in [value for _, value in data]:
            data.append((Path(wish.data).name, wish.data))
        if not wish.data:
            data.insert(0, (self.tr("Nothing chosen yet"), ""))
        _fill(self.model, [*models, (self.tr("Choose a Model file…"), _ASK)], chosen)
        asks = [(self.tr("Choose a folder…"), _ASK), (self.tr("Choose a CSV…"), _ASK_TABLE)]
        _fill(self.data, [*data, *asks], wish.data)
        self.split.setCurrentIndex(self.split.findData(wish.split))

    def _on_model(self) -> None:
        value, wish = str(self.model.currentData()), self._evaluator.wish
        if value == _ASK:
            self.model_file_wanted.emit()
            self._show_choices()
            return
        runs = {str(Path(run.folder) / "model.safetensors"): run.folder for run in self._studio.training.runs}
        data = runs.get(value, wish.data)
        self._evaluator.want(Wish(ModelRef(value) if value else None, data, wish.split))

    def _on_data(self) -> None:
        value, wish = str(self.data.currentData()), self._evaluator.wish
        if value in (_ASK, _ASK_TABLE):
            (self.folder_wanted if value == _ASK else self.table_wanted).emit()
            self._show_choices()
        else:
            self._evaluator.want(Wish(wish.model, value, wish.split))

    def _on_split(self) -> None:
        wish = self._evaluator.wish
        self._evaluator.want(Wish(wish.model, wish.data, SPLITS[self.split.currentIndex()]))

    # --- what is shown

    def _show(self) -> None:
        evaluator = self._evaluator
        found = evaluator.evaluation
        if found is not None or self.result is not None:
            self._result().setVisible(found is not None)
        self.empty.setVisible(found is None)
        self.save.setVisible(found is not None)
        if found is not None:
            self.title.setText(self.tr("{0} on {1}").format(found.model, split_word(found.split)))
            self.second.setText(headline(found))
            self.start.set_text(self.tr("Evaluate again"))
        else:
            self.title.setText(self.tr("Evaluate"))
            self.second.setText(self.tr("How good a Model is on labelled images, and how sure that is."))
            self.start.set_text(self.tr("Evaluate"))
        self.start.set_kind("secondary" if found is not None else "primary")
        self.start.setVisible(found is not None and not evaluator.is_running)
        self.stop.setVisible(evaluator.is_running)
        self._show_progress()
        self._show_empty()
        self._show_kept()

    def _prepare(self) -> None:
        """Make what shows an Evaluation; put it in its place in the next turn."""
        if self.result is None:
            self.result = self._make_result()
            self._making.start()
        else:
            self._result()

    def _result(self) -> QWidget:
        """What shows an Evaluation, made once."""
        if self.result is None:
            self.result = self._make_result()
        if self.result.parentWidget() is None:
            self.result.hide()
            self._column.addWidget(self.result, 1)
        return self.result

    def _show_progress(self) -> None:
        evaluator = self._evaluator
        self.line.setVisible(evaluator.is_running)
        self.line.set_progress(evaluator.done, evaluator.total)
        words, color = "", "text2"
        if evaluator.is_running:
            words = evaluator.words
        elif evaluator.stopped_at is not None:
            done, total = (count(number) for number in evaluator.stopped_at)
            words = self.tr(
                "Stopped after {0} of {1} images. They are not counted: a part that comes class by class says nothing."
            ).format(done, total)
        elif evaluator.failure is not None:
            color = "ng"
            hint = evaluator.failure.hint if isinstance(evaluator.failure, Failed) else ""
            words = spoken(f"{evaluator.failure.message} {hint}".strip())
        elif evaluator.wish.split == "test" and evaluator.evaluation is None:
            words = self.tr("The test split is read for reporting only. To choose between Models, use validation.")
        self.words.setText(words)
        self.words.set_color(color)
        self.words.setVisible(bool(words))

    def _show_empty(self) -> None:
        evaluator = self._evaluator
        wish, is_running = evaluator.wish, evaluator.is_running
        title = self.tr("Being evaluated") if is_running else self.tr("Not evaluated yet")
        sentence = self.tr("Figures, and the images behind each of them, appear here.")
        self.empty.show_words(title, sentence)
        data = self.data.currentText() if wish.data else self.tr("Choose a folder with one folder for each class.")
        self.empty.show_points(
            (
                (True, self.tr("Model"), self.model.currentText()),
                (bool(wish.data), self.tr("Labelled images"), data),
                (False, _capital(split_word(wish.split)), self._split_sentence()),
            )
        )
        self.begin.setVisible(bool(wish.data) and not is_running)
        self.choose.setVisible(not wish.data)
        self.sample.setVisible(not wish.data and not self._studio.training.runs)

    def _split_sentence(self) -> str:
        return {
            "test": self.tr("never seen in training; read it once, to report"),
            "validation": self.tr("the best epoch was chosen by it; good for comparing settings"),
            "train": self.tr("the Model learned from it; figures look better than they are"),
            "all": self.tr("every labelled image, those that it learned from included"),
        }[self._evaluator.wish.split]

    def _show_kept(self) -> None:
        kept = self._evaluator.kept
        self.earlier.setVisible(bool(kept))
        _fill(self.earlier, [(self.tr("Earlier…"), ""), *((kept_words(one), one.path) for one in kept)], "")
        _widen(self.earlier)
        others = self._evaluator.comparable
        self.compare.setVisible(bool(others))
        items = [(self.tr("Compare with…"), "")]
        for one in others:
            words = self.tr("{0}, balanced accuracy {1}").format(one.model, percent(one.balanced_accuracy))
            items.append((words, one.path))
        _fill(self.compare, items, "")
        _widen(self.compare)

    def _on_earlier(self) -> None:
        path = self.earlier.currentData()
        if found := next((one for one in self._evaluator.kept if one.path == path), None):
            self._evaluator.show(found)

    def _on_compare(self) -> None:
        path = self.compare.currentData()
        self._evaluator.compare(next((one for one in self._evaluator.comparable if one.path == path), None))


def _fill(select: Select, items: list[tuple[str, str]], chosen: str) -> None:
    """Offer these; the same ones stay as they are, for the list may be open and somebody on their way through it."""
    if items != [(select.itemText(row), select.itemData(row)) for row in range(select.count())]:
        select.clear()
        for text, value in items:
            select.addItem(text, value)
    place = max(0, select.findData(chosen))
    if place != select.currentIndex():
        select.setCurrentIndex(place)


def _widen(select: Select) -> None:
    """Let the list be as wide as what is in it, however narrow the field is."""
    longest = max(select.fontMetrics().horizontalAdvance(select.itemText(row)) for row in range(select.count()))
    select.view().setMinimumWidth(longest + 48)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
