"""Under the Predictions: how the Heatmap is made and painted, and whether it can be trusted."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from convnext_studio.core.explanations import METHODS, record_of
from convnext_studio.core.requests import ExplainFolder, SaveHeatmap
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.explanation_files import SUFFIXES
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.buttons import ActionIconButton
from convnext_studio.gui.widgets.class_select import ClassSelect
from convnext_studio.gui.widgets.heat_colours import ColourChoice
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip
from convnext_studio.gui.widgets.numbers import percent
from convnext_studio.gui.widgets.select import Select
from convnext_studio.gui.widgets.trust_box import TrustBox

_AUTOMATIC = 0  # first of the methods
_TOOLS = (
    ("swipe", "swipe"),
    ("side_by_side", "compare"),
    ("show_stages", "stages"),
    ("heat_box", "box"),
    ("save_heatmap", "export"),
)


class ExplanationPanel(QWidget):
    """Every change asks the Explainer; only method, stage and class make anything new."""

    def __init__(self, studio: Studio, actions: Actions) -> None:
        super().__init__()
        self._studio = studio
        self._actions = actions
        self._explainer = studio.explainer
        self.method = Select(self.tr("Method"))
        self.stage = Select(self.tr("Stage"))
        self.class_name = ClassSelect(self.tr("Class"))
        self.versus = ClassSelect(self.tr("Against"))
        self.opacity = _slider(self.tr("Opacity"))
        self.line = _slider(self.tr("Line"))
        words = {
            "inferno": self.tr("Inferno: black, red, yellow"),
            "viridis": self.tr("Viridis: blue, green, yellow"),
            "cividis": self.tr("Cividis: blue, grey, yellow; the same without colour vision"),
        }
        self.colours = ColourChoice(studio.theme, words)
        self.trust = TrustBox(studio.theme)
        self.state = PlainLabel("", "small", "text2", wrap=True)
        self.notes = PlainLabel("", "small", "text2", wrap=True)
        self._opacity_words = PlainLabel("", "small", "text2")
        self._line_words = PlainLabel("", "small", "text2")
        self._controls = QWidget()
        for select in (self.method, self.stage):
            select.setSizeAdjustPolicy(Select.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            select.setMinimumContentsLength(8)
        self._lay_out()
        self._fill_methods()
        self._connect()
        self._show_look()
        self._show_network()
        self._show()
        self._explainer.watch()

    # --- how it lies

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._head())
        inner = QVBoxLayout(self._controls)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addLayout(self._rows())
        inner.addLayout(self._tools())
        column.addWidget(self.state)
        column.addWidget(self.trust)  # first: in a small window what lies lower is not seen
        column.addWidget(self.notes)
        column.addWidget(self._controls)

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.addWidget(PlainLabel(self.tr("Explanation"), "section"))
        head.addStretch(1)
        head.addWidget(ActionIconButton(self._studio.theme, self._actions["show_heatmap"], "eye"))
        return head

    def _rows(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        rows: tuple[tuple[str, QWidget, QWidget | None], ...] = (
            (self.tr("Method"), self.method, None),
            (self.tr("Stage"), self.stage, None),
            (self.tr("Class"), self.class_name, None),
            (self.tr("Against"), self.versus, None),
            (self.tr("Opacity"), self.opacity, self._opacity_words),
            (self.tr("Line"), self.line, self._line_words),
            (self.tr("Colours"), self.colours, None),
        )
        for number, (word, control, value) in enumerate(rows):
            label = PlainLabel(word, "small", "text2")
            label.setBuddy(control)
            grid.addWidget(label, number, 0)
            grid.addWidget(control, number, 1, 1, 1 if value is not None else 2)
            if value is not None:
                value.setMinimumWidth(40)
                grid.addWidget(value, number, 2, Qt.AlignmentFlag.AlignRight)
        return grid

    def _tools(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        for action, icon in _TOOLS:
            row.addWidget(ActionIconButton(self._studio.theme, self._actions[action], icon))
        row.addStretch(1)
        return row

    def _connect(self) -> None:
        explainer = self._explainer
        self.method.activated.connect(self._on_method)
        self.stage.activated.connect(self._on_stage)
        self.class_name.chosen.connect(self._on_class)
        self.versus.chosen.connect(self._on_versus)
        self.opacity.valueChanged.connect(self._on_opacity)
        self.line.valueChanged.connect(self._on_line)
        self.colours.chosen.connect(self._on_colours)
        self.trust.check_wanted.connect(explainer.check_model)
        explainer.changed.connect(self._show)
        explainer.wish_changed.connect(self._show)
        explainer.look_changed.connect(self._show_look)
        explainer.network_changed.connect(self._show_network)
        explainer.check_changed.connect(self._show_check)
        library = self._studio.library
        library.current_changed.connect(self._show)
        self._studio.classifier.state_changed.connect(self._show)
        library.counts_changed.connect(self._show_actions)
        self._studio.explanation_files.running_changed.connect(self._show_actions)
        self._actions.connect("save_heatmap", self._ask_save)
        self._actions.connect("explain_all", self._ask_folder)

    # --- what the user chooses

    def _on_method(self) -> None:
        if self.method.currentIndex() == _AUTOMATIC:
            self._explainer.set_wish(method=None, layer="")
        else:
            self._explainer.set_wish(method=self.method.currentData())

    def _on_stage(self) -> None:
        self._explainer.set_wish(method=self._explainer.method, layer=self.stage.currentData())

    def _on_class(self, name: str) -> None:
        self._explainer.set_wish(class_name=name)

    def _on_versus(self, name: str) -> None:
        self._explainer.set_wish(versus=name)

    def _on_opacity(self, value: int) -> None:
        self._explainer.set_look(opacity=value / 100)

    def _on_line(self, value: int) -> None:
        self._explainer.set_look(line=value / 100)

    def _on_colours(self, name: str) -> None:
        self._explainer.set_look(colours=name)

    # --- what there is to choose

    def _fill_methods(self) -> None:
        self.method.addItem(self.tr("Automatic"), None)
        tip = self.tr(
            "Grad-CAM at the stage that points best. Where its map does not show what the answer rests on, one of "
            "another method or stage that does."
        )
        self.method.setItemData(_AUTOMATIC, tip, Qt.ItemDataRole.ToolTipRole)
        for method, info in METHODS.items():
            title = spoken(info.title)
            words = self.tr("{0} (slow)").format(title) if info.is_slow else title
            self.method.addItem(words, method)
            self.method.setItemData(self.method.count() - 1, spoken(info.sentence), Qt.ItemDataRole.ToolTipRole)

    def _show_network(self) -> None:
        network = self._explainer.network
        self.stage.clear()
        for layer in network.layers if network is not None else ():
            cells = self.tr("{0}, {1} × {2}").format(spoken(layer.title), layer.height, layer.width)
            self.stage.addItem(cells, layer.name)
        self._show()

    def _show_wish(self) -> None:
        explainer = self._explainer
        heatmap, network = explainer.heatmap, explainer.network
        method, is_free = explainer.method, explainer.wish.is_free
        named = self.tr("Auto ({0})").format(spoken(METHODS[method].title))
        self.method.setItemText(_AUTOMATIC, named if is_free else self.tr("Automatic"))
        self.method.setCurrentIndex(_AUTOMATIC if is_free else self.method.findData(method))
        self.method.setToolTip(plain_tip(spoken(METHODS[method].sentence)))
        layer = explainer.wish.layer or (network.default_layer if network is not None else "")
        if is_free and heatmap is not None:
            layer = heatmap.layer
        self.stage.setCurrentIndex(self.stage.findData(layer))
        self.stage.setEnabled(METHODS[method].has_layer and self.stage.count() > 0)
        top = explainer.explained.classes if explainer.explained is not None else ()
        is_of_class = METHODS[method].is_of_class
        first = self.tr("{0} (top)").format(top[0]) if top else self.tr("Most probable")
        self.class_name.show_classes(first, top, explainer.classes, explainer.wish.class_name)
        self.versus.show_classes(self.tr("Nothing"), top, explainer.classes, explainer.wish.versus)
        self.class_name.setEnabled(is_of_class)
        self.versus.setEnabled(is_of_class)

    # --- what there is to see

    def _show(self) -> None:
        explainer = self._explainer
        words = self._state_words()
        self.state.setText(words)
        self.state.setVisible(bool(words))
        self._controls.setVisible(explainer.look.is_shown and explainer.can_explain)
        self._show_wish()
        notes = explainer.explained.notes if explainer.explained is not None else ()
        self.notes.setText(" ".join(map(spoken, notes)))
        self.notes.setVisible(bool(notes))
        has_map = explainer.heatmap is not None
        is_measuring = explainer.trust is None and not explainer.error and (explainer.is_busy or has_map)
        self.trust.show_trust(explainer.trust, is_measuring=is_measuring, has_map=has_map)
        self._show_check()
        self._show_actions()

    def _state_words(self) -> str:
        explainer = self._explainer
        if not explainer.look.is_shown:
            return self.tr("Switched off: nothing is computed.")
        if not explainer.can_explain:
            is_loading = self._studio.classifier.state == "loading"
            no_model = self.tr("There is no Model with classes to explain.")
            return self.tr("The Model is loading.") if is_loading else no_model
        if explainer.error:
            return explainer.error
        if self._studio.library.current_image is None:
            return self.tr("Pick an image to see where the Model looks.")
        if explainer.heatmap is not None and explainer.heatmap.peak <= 0:
            return self.tr("Nothing in this image speaks for “{0}” here.").format(explainer.heatmap.class_name)
        return ""

    def _show_check(self) -> None:
        self.trust.show_check(self._explainer.check, is_checking=self._explainer.is_checking)

    def _show_look(self) -> None:
        look = self._explainer.look
        for slider, value, words in (
            (self.opacity, look.opacity, self._opacity_words),
            (self.line, look.line, self._line_words),
        ):
            slider.blockSignals(True)
            slider.setValue(round(100 * value))
            slider.blockSignals(False)
            words.setText(percent(value, 0) if value or slider is self.opacity else self.tr("none"))
        self.colours.set_chosen(look.colours)
        if self._controls.isHidden() == look.is_shown:
            self._show()

    def _show_actions(self) -> None:
        explainer, actions = self._explainer, self._actions
        has_map = explainer.heatmap is not None
        for name in ("peek", "save_heatmap"):
            actions[name].setEnabled(has_map)
        for name in ("swipe", "side_by_side", "show_stages", "heat_box"):
            actions[name].setEnabled(has_map or actions[name].isChecked())
        actions["show_heatmap"].setEnabled(True)
        can_all = explainer.can_explain and self._studio.library.shown > 0
        actions["explain_all"].setEnabled(can_all and not self._studio.explanation_files.is_running)

    # --- files

    def _ask_save(self) -> None:
        """Ask where to, and write what the suffix says."""
        explained = self._explainer.explained
        if explained is None:
            return
        stem = f"{Path(explained.image.path).stem}{SUFFIXES[0]}"
        dialog = QFileDialog(self, self.tr("Save Heatmap"), str(self._folder() / stem))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        filters = {
            self.tr("Overlay") + " (*.png)": "png",
            self.tr("Raw map") + " (*.npy)": "npy",
            self.tr("Raw map, 32-bit TIFF") + " (*.tif)": "tif",
            self.tr("Record") + " (*.json)": "json",
        }
        dialog.setNameFilters(list(filters))
        dialog.setDefaultSuffix("png")
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(filters[chosen]))
        dialog.fileSelected.connect(self._on_save_chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_save_chosen(self, path: str) -> None:
        self._studio.memory.keep("save_folder", str(Path(path).parent))
        explainer, classifier = self._explainer, self._studio.classifier
        explained = explainer.explained
        if explained is None or classifier.info is None:
            return
        request = SaveHeatmap(
            explained.image,
            explained.heatmaps[0],
            (path,),
            record_of(explained, classifier.info, explainer.check),
            explainer.look.colours,
            explainer.look.opacity,
            classifier.max_megapixels,
        )
        self._studio.explanation_files.save(request)

    def _ask_folder(self) -> None:
        """Ask where to, and explain every Image now shown in the list."""
        dialog = QFileDialog(self, self.tr("Explain all shown images into a folder"), str(self._folder()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self._on_folder_chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_folder_chosen(self, folder: str) -> None:
        self._studio.memory.keep("save_folder", folder)
        library, classifier, wish = self._studio.library, self._studio.classifier, self._explainer.wish
        if classifier.info is None:
            return
        request = ExplainFolder(
            tuple(library.image_at(row) for row in range(library.shown)),
            folder,
            classifier.info.ref,
            classifier.execution,
            classifier.fit,
            method=wish.method,
            layer=wish.layer,
            class_name=wish.class_name,
            versus=wish.versus,
            colours=self._explainer.look.colours,
            opacity=self._explainer.look.opacity,
            max_megapixels=classifier.max_megapixels,
        )
        self._studio.explanation_files.explain_all(request)
        self._show_actions()

    def _folder(self) -> Path:
        return Path(self._studio.memory.folder("save_folder"))


def _slider(name: str) -> QSlider:
    made = QSlider(Qt.Orientation.Horizontal)
    made.setRange(0, 100)
    made.setPageStep(10)
    made.setAccessibleName(name)
    return made
