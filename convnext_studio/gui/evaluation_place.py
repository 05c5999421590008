"""The place Evaluate of the window, made when it is first shown, and the actions that belong to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMainWindow, QStackedWidget, QWidget

from convnext_studio.core.values import ModelRef
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.messages import Message
from convnext_studio.gui.panels.rail import Rail
from convnext_studio.gui.stores.evaluator import SPLITS, Wish
from convnext_studio.gui.stores.studio import Studio

if TYPE_CHECKING:
    from convnext_studio.gui.panels.evaluate_page import EvaluatePage

_MODEL = "model.safetensors"  # of a Run


class EvaluationPlace(QObject):
    """Puts the page into `pages` and serves its actions."""

    def __init__(
        self, studio: Studio, actions: Actions, window: QMainWindow, pages: QStackedWidget, rail: Rail
    ) -> None:
        super().__init__(window)
        self._studio = studio
        self._actions = actions
        self._window = window
        self._pages = pages
        self._rail = rail
        self.page: EvaluatePage | None = None
        for name, slot in {
            "go_evaluate": self.show,
            "evaluate_run": self.evaluate_shown_run,
            "start_evaluation": studio.evaluator.start,
            "save_evaluation": self._ask_save,
        }.items():
            actions.connect(name, slot)
        evaluator = studio.evaluator
        for changed in (evaluator.state_changed, evaluator.shown_changed, evaluator.wish_changed):
            changed.connect(self._show_actions)
        for changed in (studio.training.view.changed, studio.training.view.shown_changed):
            changed.connect(self._show_actions)
        evaluator.wish_changed.connect(self._remember)
        evaluator.saved.connect(self._on_saved)
        studio.classifier.info_changed.connect(self._on_model_in_use)
        self._show_actions()

    def show(self) -> None:
        """How good a Model is."""
        if self.page is None:
            from convnext_studio.gui.panels.evaluate_page import EvaluatePage

            self._on_model_in_use()
            if not self._studio.evaluator.wish.data:
                self._studio.evaluator.want(self._first_wish())
            self.page = EvaluatePage(self._studio, self._actions, self._make_result)
            self.page.model_file_wanted.connect(self._choose_model)
            self.page.folder_wanted.connect(self._choose_folder)
            self.page.table_wanted.connect(self._choose_table)
            self._pages.addWidget(self.page)
        self._pages.setCurrentWidget(self.page)
        self._rail.set_place("evaluate")

    def evaluate_run(self, folder: str) -> None:
        """Show how good the Model of the Run in `folder` is on its test split; judge it if nobody did yet."""
        self._studio.evaluator.want(Wish(ModelRef(str(Path(folder) / _MODEL)), folder, "test"))
        self.show()

    def evaluate_shown_run(self) -> None:
        """The same for the Run that is shown."""
        self.evaluate_run(self._studio.training.view.folder)

    def _make_result(self) -> QWidget:
        from convnext_studio.gui.panels.evaluation_panel import EvaluationPanel

        return EvaluationPanel(self._studio, self._actions)

    def _first_wish(self) -> Wish:
        """The Run that is shown, else what was judged last, else the newest Run with a Model, else the data set."""
        training = self._studio.training
        kept = self._studio.memory.texts("evaluated")
        if training.view.folder and training.view.history.best is not None:
            return Wish(ModelRef(str(Path(training.view.folder) / _MODEL)), training.view.folder)
        if len(kept) == 3 and kept[2] in SPLITS:
            split = next(one for one in SPLITS if one == kept[2])
            return Wish(ModelRef(kept[0]) if kept[0] else None, kept[1], split)
        newest = next((run.folder for run in training.runs if run.best_balanced_accuracy is not None), "")
        if newest:
            return Wish(ModelRef(str(Path(newest) / _MODEL)), newest)
        return Wish(None, self._studio.set_up.recipe.data)

    def _remember(self) -> None:
        wish = self._studio.evaluator.wish
        if wish.data:
            self._studio.memory.keep("evaluated", [wish.model.name if wish.model else "", wish.data, wish.split])

    def _on_model_in_use(self) -> None:
        classifier, evaluator = self._studio.classifier, self._studio.evaluator
        evaluator.execution = classifier.execution
        evaluator.set_model_in_use(classifier.model_ref)

    def _show_actions(self) -> None:
        evaluator, view = self._studio.evaluator, self._studio.training.view
        self._actions["start_evaluation"].setEnabled(evaluator.can_start)
        shown = evaluator.evaluation
        self._actions["save_evaluation"].setEnabled(shown is not None and bool(shown.kept_at))
        has_ended = view.history.ended is not None or view.summary is not None
        self._actions["evaluate_run"].setEnabled(bool(view.folder) and has_ended and view.history.best is not None)

    # --- dialogs

    def _choose_model(self) -> None:
        dialog = self._dialog(self.tr("Choose a Model file"), QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(self.tr("Model files (*.safetensors)"))
        dialog.fileSelected.connect(self._on_model)

    def _choose_folder(self) -> None:
        dialog = self._dialog(self.tr("Choose a folder with one folder for each class"), QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._on_data)

    def _choose_table(self) -> None:
        dialog = self._dialog(
            self.tr("Choose a CSV with the columns path and label"), QFileDialog.FileMode.ExistingFile
        )
        dialog.setNameFilter(self.tr("Tables (*.csv *.tsv *.txt)"))
        dialog.fileSelected.connect(self._on_data)

    def _dialog(self, title: str, mode: QFileDialog.FileMode) -> QFileDialog:
        dialog = QFileDialog(self._window, title, self._studio.memory.text("evaluate_folder") or str(Path.home()))
        dialog.setFileMode(mode)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def _on_model(self, path: str) -> None:
        wish = self._studio.evaluator.wish
        self._studio.memory.keep("evaluate_folder", str(Path(path).parent))
        self._studio.evaluator.want(Wish(ModelRef(path), wish.data, wish.split))

    def _on_data(self, path: str) -> None:
        wish = self._studio.evaluator.wish
        self._studio.memory.keep("evaluate_folder", str(Path(path).parent))
        self._studio.evaluator.want(Wish(wish.model, path, wish.split))

    def _ask_save(self) -> None:
        dialog = self._dialog(self.tr("Save the evaluation"), QFileDialog.FileMode.AnyFile)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        report, table, figures = (
            self.tr("Report (*.html)"),
            self.tr("A row for each image (*.csv)"),
            self.tr("All figures (*.json)"),
        )
        dialog.setNameFilters([report, table, figures])
        dialog.setDefaultSuffix("html")
        endings = {report: "html", table: "csv", figures: "json"}
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(endings[chosen]))
        dialog.selectFile("evaluation")
        dialog.fileSelected.connect(self._studio.evaluator.save)

    def _on_saved(self, path: object) -> None:
        saved = Path(str(path))

        def show() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(saved)))

        fact = self.tr("Saved {0}.").format(saved.name)
        self._studio.messages.post(Message("success", fact, str(saved.parent), "", self.tr("Open"), show))
