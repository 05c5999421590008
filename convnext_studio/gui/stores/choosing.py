"""Taking a Model into use, from wherever it was chosen: load it, or ask for its weights first, or say why not."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QCoreApplication

from convnext_studio.core.values import ModelInfo, ModelRef
from convnext_studio.gui.stores.classifier import Classifier
from convnext_studio.gui.stores.model_rows import ModelRow
from convnext_studio.gui.stores.models import Models

_LONGEST = 34  # letters on the Model button


class Taker(Protocol):
    """Who takes a Model into use: the Classifier, or a training that starts from it."""

    @property
    def takes_features(self) -> bool: ...

    def set_model(self, ref: ModelRef) -> None: ...


def use_model(row: ModelRow, models: Models, taker: Taker) -> bool:
    """Take `row` if it is here, else offer the ways to get its weights. True if it is taken."""
    if why_not(row, taker):
        return False
    if models.is_ready(row):
        _take(models.ref(row), models, taker)
        return True
    models.ask(row.name)
    return False


def use_weights_file(row: ModelRow, path: str, models: Models, taker: Taker) -> None:
    """Load the architecture of `row` with weights from a file."""
    _take(ModelRef(row.name, file=path), models, taker)


def use_random_weights(row: ModelRow, models: Models, taker: Taker) -> None:
    """Load `row` untrained; the window says wherever it shows an answer that it means nothing."""
    _take(ModelRef(row.name, "random"), models, taker)


def use_model_file(path: str, models: Models, taker: Taker) -> None:
    """Load a Model file, which knows what it is."""
    _take(ModelRef(path), models, taker)


def _take(ref: ModelRef, models: Models, taker: Taker) -> None:
    models.ask("")
    taker.set_model(ref)
    models.taken.emit()


def why_not(row: ModelRow, taker: Taker | None = None) -> str:
    """One sentence that says why `row` cannot classify (or be trained on from), "" if it can."""
    if row.can_classify or row.kind == "bare" or (taker is not None and taker.takes_features and row.architecture):
        return ""
    if row.kind == "own" and not row.architecture:
        return next(iter(row.warnings), "")
    return QCoreApplication.translate(
        "choosing", "These weights give features, not classes: fine-tune them on your own classes before they classify."
    )


def name_in_use(classifier: Classifier) -> str:
    """The name of the Model that classifies now, as rows call it; "" while weights come from another file."""
    ref = classifier.info.ref if classifier.info is not None else classifier.model_ref
    return "" if ref.file or ref.weights == "random" else ref.name


def short_title(info: ModelInfo) -> str:
    """What a Model is called on a button: its title, and the network where that says more."""
    if info.is_meaningless:
        return QCoreApplication.translate("choosing", "{0} · random weights").format(info.architecture)
    if info.ref.file:
        return f"{Path(info.ref.file).name} · {info.architecture}"
    both = f"{info.title} · {info.architecture}"
    return info.title if info.architecture in info.title or len(both) > _LONGEST else both
