"""A Run while it works and after: time left and health first, then figures, curves, where it looks, what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from convnext_studio.core.run_events import EpochEnded
from convnext_studio.core.runs.summary import RunSummary
from convnext_studio.core.values import ImageRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.plot_saving import PlotSaving
from convnext_studio.gui.stores.curves import (
    PlotSpec,
    axis_words,
    drawn,
    expert_plots,
    main_plots,
    more_plots,
    validated,
)
from convnext_studio.gui.stores.evaluation_words import MOST_CLASSES, shown_classes
from convnext_studio.gui.stores.health import health
from convnext_studio.gui.stores.key_figures import key_figures
from convnext_studio.gui.stores.small_pictures import SmallPictures
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.stores.training_words import (
    best_words,
    epoch_word,
    length,
    obeying_words,
    phase_words,
    short,
    state_sign,
    state_word,
)
from convnext_studio.gui.widgets.buttons import ActionIconButton, Button, bind
from convnext_studio.gui.widgets.card_grid import CardGrid, card
from convnext_studio.gui.widgets.chip import Chip, Tone
from convnext_studio.gui.widgets.confusion_matrix import ConfusionMatrix
from convnext_studio.gui.widgets.figure_tile import FigureTiles
from convnext_studio.gui.widgets.fold import Fold
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import IconLabel, PlainLabel, plain_tip
from convnext_studio.gui.widgets.numbers import count, decimal, time_left
from convnext_studio.gui.widgets.picture_flow import Picture, PictureFlow
from convnext_studio.gui.widgets.plot_card import PlotCard
from convnext_studio.gui.widgets.plot_tools import PlotTools
from convnext_studio.gui.widgets.plot_view import PlotView
from convnext_studio.gui.widgets.sample_tiles import SIDE, SampleTiles
from convnext_studio.gui.widgets.segmented import Segmented
from convnext_studio.gui.widgets.when_seen import WhenSeen

_TONES: dict[str, Tone] = {"accent": "accent", "ok": "ok", "ng": "ng", "again": "again"}
_HEALTH_SIGNS = {"ok": ("pulse", "ok"), "again": ("warn", "again"), "ng": ("ng", "ng"), "info": ("info", "accent")}
_PICTURE_SIDE, _MOST_WORST = 84, 10
_NAME_ROOM = 340  # for the Run's name, beside the time left and the buttons


class LivePanel(QWidget):
    """Shows what `training.view` follows; redrawn as often as that says, never faster."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._view = studio.training.view
        self._pictures = SmallPictures(studio.lanes, "worst images", 2 * _PICTURE_SIDE, self)
        self._sample_pictures = SmallPictures(studio.lanes, "samples", 2 * SIDE, self)
        self.plots = PlotView(self)
        self.saving = PlotSaving(studio, self.plots, self)
        self.cards: dict[str, PlotCard] = {}
        self._specs: dict[str, PlotSpec] = {}
        self._to_make: list[Callable[[], object]] = []
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._make_next)
        self._worst: tuple[tuple[str, str, str, float], ...] = ()
        self._counted: EpochEnded | None = None  # the epoch in the matrix,
        self._classes: Sequence[int] = ()  # and the classes of it
        self._make_head(actions)
        self._make_cards()
        self._lay_out()
        self._view.changed.connect(WhenSeen(self, self.show_all).ask)
        self._view.shown_changed.connect(self.show_all)
        studio.training.runs_changed.connect(self._show_head)
        studio.training.runs_changed.connect(self._show_health)
        studio.training.state_changed.connect(self._show_head)
        studio.training.answered.connect(studio.show_images)
        self._pictures.made.connect(self._show_worst)
        self._sample_pictures.made.connect(self.samples.refresh)
        self.samples.pressed.connect(studio.show_images)
        self.matrix.cell_pressed.connect(self._on_cell)
        self.plots.changed.connect(self._show_plots)
        self.worst.pressed.connect(self._on_worst_pressed)
        self.unit.index_changed.connect(lambda index: self.matrix.set_percent(index == 1))
        self.show_all()

    def _make_head(self, actions: Actions) -> None:
        theme = self._studio.theme
        self.title = PlainLabel("", "display", elide=Qt.TextElideMode.ElideMiddle)
        self.title.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)  # whole where it fits
        self.chip = Chip(theme, "", "play", "accent")
        self.second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.left = PlainLabel("", "title")
        self.left_second = PlainLabel("", "small", "text2")
        self.left_third = PlainLabel("", "small", "text2")
        self.buttons: dict[str, Button] = {}
        for name, icon, kind in (
            ("pause_run", "pause", "secondary"),
            ("finish_epoch", "check", "secondary"),
            ("stop_run", "flag", "secondary"),
            ("resume_run", "retry", "primary"),
            ("use_run_model", "models", "primary"),
            ("evaluate_run", "evaluate", "secondary"),
            ("repeat_run", "copy", "secondary"),
        ):
            button = Button(theme, actions[name].text(), icon, kind)  # type: ignore[arg-type]
            bind(button, actions[name])
            self.buttons[name] = button
        self.buttons["evaluate_run"].set_text(self.tr("Evaluate"))
        self.tools = {
            name: ActionIconButton(theme, actions[name], icon)
            for name, icon in (("open_run_folder", "open"), ("delete_run", "trash"))
        }
        self.lower_rate = Button(theme, actions["lower_rate"].text(), "down", "ghost", is_small=True)
        bind(self.lower_rate, actions["lower_rate"])
        self._pause = actions["pause_run"]
        self._pause.changed.connect(lambda: self.buttons["pause_run"].set_text(self._pause.text()))
        self.health = Frame("info")
        self.health_icon = IconLabel(theme, "info", "accent")
        self.health_title = PlainLabel("", "strong")
        self.health_words = PlainLabel("", "body", wrap=True)

    def _make_cards(self) -> None:
        theme = self._studio.theme
        self.figures = FigureTiles(4)
        self.tiles = self.figures.tiles
        self.tools_of_plots = PlotTools(theme, self.plots)
        self._main = [self._plot_card(spec) for spec in main_plots()]
        self.loss, self.accuracy = (card.plot for card in self._main)
        self.samples = SampleTiles(theme, self._sample_pictures.pixmap)
        self.samples_second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.matrix = ConfusionMatrix(theme)
        self.unit = Segmented(theme, (self.tr("Count"), self.tr("Percent")))
        self.worst = PictureFlow(theme, self.tr("Worst validation images"), _PICTURE_SIDE, lines=2)
        self.matrix_second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.worst_second = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)

    def _plot_card(self, spec: PlotSpec) -> PlotCard:
        made = PlotCard(self._studio.theme, spec.title, spec.second, self.plots, spec.scale)
        made.save_asked.connect(lambda: self.saving.ask(made, self.title.text()))
        self.cards[spec.key], self._specs[spec.key] = made, spec
        return made

    def _plot_grid(self, specs: tuple[PlotSpec, ...]) -> CardGrid:
        """The plots of a part that is opened for the first time: in turns of their own, for each takes a while."""
        grid = CardGrid()
        for spec in specs:
            self._to_make += [partial(self._add_plot, grid, spec), partial(self._show_plot, spec.key)]
        self._turn.start()
        return grid

    def _add_plot(self, grid: CardGrid, spec: PlotSpec) -> None:
        grid.add(self._plot_card(spec))

    def _make_next(self) -> None:
        self._to_make.pop(0)()
        if self._to_make:
            self._turn.start()

    def _lay_out(self) -> None:
        theme = self._studio.theme
        self.samples_card = card(self.tr("Where it looks"), self.samples_second, self.samples)
        self.more = Fold(
            theme,
            self.tr("Classes, learning rate, speed and memory"),
            self.tr("Recall of each class, learning rate, images/s, waiting for images, memory and load."),
            lambda: self._plot_grid(more_plots()),
        )
        self.experts = Fold(
            theme,
            self.tr("For experts"),
            self.tr("Norms of the gradients and sizes of the updates, stage by stage."),
            lambda: self._plot_grid(expert_plots()),
        )
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(12)
        column.addLayout(self._laid_out_head())
        column.addWidget(self._laid_out_health())
        column.addWidget(self.figures)
        column.addWidget(self.tools_of_plots)
        column.addWidget(CardGrid(self._main), 1)
        column.addWidget(
            CardGrid([self.samples_card, card(self.tr("Confusion"), self.matrix_second, self.matrix, self.unit)])
        )
        worst = card(self.tr("Worst images"), self.worst_second, self.worst)
        worst.setMinimumHeight(0)
        column.addWidget(worst)
        for fold in (self.more, self.experts):
            column.addWidget(fold)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(body)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.area)

    def _laid_out_head(self) -> QBoxLayout:
        names = QHBoxLayout()
        names.setSpacing(10)
        names.addWidget(self.title)
        names.addWidget(self.chip)
        names.addStretch(1)
        said = QVBoxLayout()
        said.setSpacing(2)
        for label in (self.left, self.left_second, self.left_third):
            said.addWidget(label, 0, Qt.AlignmentFlag.AlignRight)
        first = QHBoxLayout()
        first.setSpacing(16)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addLayout(names)
        words.addWidget(self.second)
        first.addLayout(words, 1)
        first.addLayout(said)
        self._tools = QHBoxLayout()
        self._tools.setSpacing(8)
        for button in (*self.buttons.values(), *self.tools.values()):
            self._tools.addWidget(button)
        self._tools.addStretch(1)
        self._head = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._head.setSpacing(10)
        self._head.addLayout(first, 1)
        self._head.addLayout(self._tools)
        return self._head

    def _laid_out_health(self) -> Frame:
        row = QHBoxLayout(self.health)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(8)
        row.addWidget(self.health_icon)
        row.addWidget(self.health_title)
        row.addWidget(self.health_words, 1)
        row.addWidget(self.lower_rate)
        return self.health

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As much side by side as there is room for."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        directions = QBoxLayout.Direction
        said = max(label.sizeHint().width() for label in (self.left, self.left_second, self.left_third))
        has_room = self.width() >= self._tools.sizeHint().width() + said + _NAME_ROOM
        self._head.setDirection(directions.LeftToRight if has_room else directions.TopToBottom)

    # --- what is shown

    def show_all(self) -> None:
        """Draw anew what the History says."""
        if not self._view.folder:
            return
        self._show_head()
        self._show_health()
        self._show_tiles()
        self._show_plots()
        self._show_validation()
        self._show_samples()

    def _show_plots(self) -> None:
        for key in self.cards:
            self._show_plot(key)

    def _show_plot(self, key: str) -> None:
        """Draw one plot anew, unless it is folded away."""
        card, spec = self.cards[key], self._specs[key]
        if card.isHidden() or not self._view.folder:
            return
        curves, marks = drawn(spec, self._view.history, self._view.others, self.plots)
        axis = axis_words(self.plots.axis, self._view.history)
        card.second.setText(self.tr("by {0} · {1}").format(axis, spec.second))
        has_ended = self._state != "running"
        nothing = self.tr("This Run told nothing of it.") if has_ended else self.tr("Nothing to show yet.")
        card.show_curves(curves, marks, nothing)

    @property
    def _state(self) -> str:
        if self._view.history.ended is not None:
            return self._view.history.ended.ending
        summary = self._summary
        return summary.state if summary is not None else "running"

    @property
    def _summary(self) -> RunSummary | None:
        return self._view.summary or self._studio.training.shown

    def _show_head(self) -> None:
        if not self._view.folder:
            return
        history, summary = self._view.history, self._summary
        started = history.started
        self.title.setText(summary.name if summary else started.name if started else Path(self._view.folder).name)
        is_waiting = history.paused is not None
        icon, role = state_sign(self._state, is_waiting=is_waiting)
        self.chip.set_chip(state_word(self._state, is_waiting=is_waiting), icon, _TONES.get(role, "none"))
        facts = [short(started.model if started else summary.model if summary else "")]
        if summary is not None and summary.data:
            facts.append(Path(summary.data).name)
        if started is not None:
            train, validation = (sum(started.counts.get(split, {}).values()) for split in ("train", "validation"))
            facts.append(self.tr("{0} training images, {1} for validation").format(count(train), count(validation)))
        self.second.setText(" · ".join(filter(None, facts)))
        self._show_time()
        self._show_buttons()

    def _show_time(self) -> None:
        history = self._view.history
        wanted = self._studio.training.wanted.get(self._view.folder, "")
        obeying = obeying_words(wanted)
        self.left_third.setText(self._so_far() if self._state == "running" else "")
        self.left_third.setVisible(bool(self.left_third.text()))
        if self._state != "running":
            self.left.setText(self.tr("took {0}").format(length(history.seconds)) if history.seconds else "")
            best = history.best
            self.left_second.setText(best_words(best.epoch) if best is not None else "")
            return
        seconds = history.seconds_left
        if obeying:  # what was planned is no longer what will be
            self.left.setText(obeying)
            self.left_second.setText(phase_words(history))
            return
        if history.paused is not None or seconds is None:
            self.left.setText(phase_words(history) if history.paused is None else self.tr("waiting"))
            self.left_second.setText("")
            return
        self.left.setText(time_left(seconds))
        ready = QLocale().toString(
            QDateTime.currentDateTime().addSecs(round(seconds)).time(), QLocale.FormatType.ShortFormat
        )
        said = [phase_words(history), self.tr("ready around {0}").format(ready)]
        self.left_second.setText(" · ".join(filter(None, said)))

    def _so_far(self) -> str:
        """Time gone by, and how many epochs it waits for a better one."""
        history = self._view.history
        said = [self.tr("{0} so far").format(length(history.seconds))] if history.seconds else []
        left = history.epochs[-1].patience_left if history.epochs else -1
        if left == 1:
            said.append(self.tr("patience for 1 more epoch"))
        elif left >= 0:
            said.append(self.tr("patience for {0} more epochs").format(count(left)))
        return " · ".join(said)

    def _show_buttons(self) -> None:
        is_running = self._state == "running"
        has_model = self._view.history.best is not None
        summary = self._summary
        can_go_on = not is_running and summary is not None and summary.can_go_on
        shown = {
            "pause_run": is_running,
            "finish_epoch": is_running,
            "stop_run": is_running,
            "resume_run": can_go_on,
            "use_run_model": not is_running and has_model,
            "evaluate_run": not is_running and has_model,
            "repeat_run": not is_running,
            "open_run_folder": not is_running,
            "delete_run": not is_running,
        }
        for name, is_shown in shown.items():
            (self.buttons.get(name) or self.tools[name]).setVisible(is_shown)
        self.buttons["pause_run"].set_icon("pause" if self._view.history.paused is None else "play")
        self.lower_rate.setVisible(is_running and self._view.history.step is not None)
        self.buttons["use_run_model"].set_kind("secondary" if can_go_on else "primary")
        if self._view.can_accept_changes:
            self.buttons["resume_run"].set_text(self.tr("Accept the changes and resume"))
        else:
            self.buttons["resume_run"].set_text(self.tr("Resume"))
        self._arrange()

    def _show_health(self) -> None:
        if not self._view.folder:
            return
        history, summary = self._view.history, self._summary
        tone, title, words = "info", "", ""
        if history.paused is not None:
            tone, title = "again", spoken(history.paused.message)
            words = spoken(history.paused.hint)
        elif self._state == "running" and summary is not None and summary.message:
            tone, title = "again", spoken(summary.message)  # its process does not answer, say
        elif self._state == "running":
            found = health(history)
            tone, title, words = found.tone, found.title, found.sentence
        elif history.ended is not None:
            tone = {"finished": "ok", "stopped": "info"}.get(history.ended.ending, "ng")
            title, words = spoken(history.ended.message), spoken(history.ended.hint)
            if history.ended.images:
                words += " " + self.tr("The images: {0}").format(
                    ", ".join(Path(path).name for path in history.ended.images[:5])
                )
        elif summary is not None:
            tone = "ng" if summary.state == "failed" else "again"
            title, words = spoken(summary.message), spoken(summary.hint)
        icon, role = _HEALTH_SIGNS[tone]
        self.health.set_ground(tone)
        self.health_icon.set_icon(icon, role)
        self.health_title.setText(title)
        self.health_words.setText(words.strip())
        notes = "\n".join(spoken(f"{notice.message} {notice.hint}".strip()) for _at, notice in history.notices[-10:])
        self.health.setToolTip(plain_tip(notes))
        self.health.setAccessibleName(f"{title} {words}".strip())

    def _show_tiles(self) -> None:
        for tile, told in zip(self.tiles, key_figures(self._view.history), strict=True):
            tile.show_figure(*told)

    def _show_validation(self) -> None:
        history, before = self._view.history, self._worst
        known = validated(history)
        last = known[-1] if known else None
        classes = history.started.classes if history.started is not None else ()
        if last is None or len(last.confusion) != len(classes):
            self.matrix.show_matrix((), ())
            self._counted, self._classes = None, ()
            is_running = self._state == "running"
            words = self.tr("after the first validation") if is_running else self.tr("this Run was not validated")
            self.matrix_second.setText(words)
            self.worst_second.setText(words)
            self._worst = ()
        else:
            words = self.tr("{0}, validation").format(epoch_word(last.epoch))
            if last is not self._counted:
                self._counted = last
                self._classes = shown_classes(last.confusion) if len(classes) > MOST_CLASSES else range(len(classes))
                self.matrix.show_matrix(classes, last.confusion, self._classes)
            said = words
            if len(self._classes) < len(classes):
                said = self.tr("{0} · the {1} classes most often confused").format(words, count(len(self._classes)))
            self.matrix_second.setText(self.tr("{0}; press a cell to see its images").format(said))
            self.worst_second.setText(self.tr("largest loss, {0}").format(words))
            self._worst = last.worst[:_MOST_WORST]
            self._pictures.want([ImageRef(path) for path, *_rest in self._worst])
        if self._worst != before:
            self._show_worst()

    def _show_worst(self) -> None:
        self.worst.show_pictures(
            [
                Picture(
                    self._pictures.pixmap(ImageRef(path)),
                    true,
                    self.tr("called {0}").format(found),
                    self.tr("{0}: is “{1}”, was called “{2}”, loss {3}").format(
                        Path(path).name, true, found, decimal(loss, 2)
                    ),
                )
                for path, true, found, loss in self._worst
            ]
        )

    def _show_samples(self) -> None:
        shown = self._view.history.samples
        if shown:
            self._sample_pictures.want([ImageRef(sample[0]) for sample in shown[-1].samples])
            self.samples_second.setText(self.tr("the same images, epoch by epoch"))
        elif self._state == "running":
            self.samples_second.setText(self.tr("after the first validation"))
        else:
            self.samples_second.setText(self.tr("this Run did not look"))
        self.samples.show_samples(shown)

    def _on_cell(self, true: int, found: int) -> None:
        started, known = self._view.history.started, validated(self._view.history)
        label, answer = self._classes[true], self._classes[found]
        if started is not None and known and known[-1].confusion[label][answer]:
            self._studio.training.find_answered(started.classes[label], started.classes[answer])

    def _on_worst_pressed(self, number: int) -> None:
        paths = [path for path, *_rest in self._worst]
        self._studio.show_images((*paths[number:], *paths[:number]))
