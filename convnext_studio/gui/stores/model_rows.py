"""One row of the Model picker and of the Models page: a plain value, and the filter that chooses among such rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QCoreApplication

from convnext_studio.core.events import WeightsOnDisk
from convnext_studio.core.models.card import Card, Metric
from convnext_studio.core.models.cards import CardRead
from convnext_studio.core.models.catalogue import CatalogueEntry, catalogue
from convnext_studio.core.values import ModelRef
from convnext_studio.gui.language import spoken
from convnext_studio.gui.widgets import numbers

Kind = Literal["sample", "own", "pretrained", "bare"]


@dataclass(frozen=True)
class ModelRow:
    """A Model that can be chosen. `name` is what a `ModelRef` calls it; `classes` 0 means that it cannot classify."""

    name: str
    kind: Kind
    title: str
    architecture: str
    family: str
    size: str
    parameters: int = 0
    gmacs: float | None = None
    input_px: int = 0
    top1: float | None = None  # per cent on ImageNet-1k
    top1_source: str = ""
    training_data: str = ""
    licence: str = ""  # SPDX-like id, "" = unknown
    commercial_use: bool | None = None
    classes: int = 0
    file_bytes: int = 0
    source: str = ""  # where the weights are published
    label_set: str = ""
    description: str = ""
    warnings: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()  # further label, value pairs, from a Model file's card

    @property
    def can_classify(self) -> bool:
        """True when there are classes to predict."""
        return self.classes > 0

    @property
    def is_own(self) -> bool:
        """True for what needs no weights from elsewhere: the sample and the user's Model files."""
        return self.kind in {"sample", "own"}

    @property
    def group(self) -> str:
        """Words of the heading under which the row stands, without translation."""
        return " · ".join(word for word in (self.family, self.size) if word)

    def ref(self, folder: str = "") -> ModelRef:
        """The reference that loads it."""
        return ModelRef(self.name, folder="" if self.is_own else folder)


@dataclass(frozen=True)
class ModelFilter:
    """What the search field, the chips and the selects ask for; the default lets everything through."""

    text: str = ""
    is_commercial: bool = False
    is_here: bool = False
    family: str = ""
    size: str = ""
    input_px: int = 0

    def passes(self, row: ModelRow, on_disk: WeightsOnDisk | None) -> bool:
        """True if `row` is wanted. Every word of `text` must occur somewhere in what the row says of itself."""
        if self.is_commercial and row.commercial_use is not True:
            return False
        if self.is_here and not (row.is_own or on_disk):
            return False
        if (self.family and row.family != self.family) or (self.size and row.size != self.size):
            return False
        if self.input_px and row.input_px != self.input_px:
            return False
        haystack = " ".join((row.title, row.name, row.group, row.training_data, row.licence)).casefold()
        return all(word in haystack for word in self.text.casefold().split())


def own_row(read: CardRead, *, sample: str = "") -> ModelRow:
    """The row of a Model file; one that cannot be read stays in the list with its reason.

    `sample` is the path of the Model that ships with the program.
    """
    title = Path(read.path).stem
    card = read.card
    if card is None:
        return ModelRow(read.path, "own", title, "", "", "", warnings=(spoken(f"{read.error} {read.hint}".strip()),))
    is_sample = read.path == sample
    return ModelRow(
        name="sample" if is_sample else read.path,
        kind="sample" if is_sample else "own",
        title=card.title or title,
        architecture=card.architecture,
        family="",
        size="",
        parameters=read.parameters,
        input_px=card.preprocessing.width,
        training_data=card.training_data,
        licence=card.licence,
        commercial_use=card.commercial_use,
        classes=len(card.classes),
        file_bytes=read.file_bytes,
        facts=tuple(_card_facts(card)),
    )


def _card_facts(card: Card) -> list[tuple[str, str]]:
    tr = QCoreApplication.translate
    facts = [(tr("card", "Classes"), ", ".join(card.classes))]
    facts += [(_metric_name(metric), _metric_words(metric)) for metric in card.metrics]
    grown = card.provenance
    facts += [
        (tr("card", "Grew from"), grown.grew_from),
        (tr("card", "Trained on"), grown.data),
        (tr("card", "Made by"), grown.command),
        (tr("card", "Seed"), "" if grown.seed is None else str(grown.seed)),
    ]
    return [(label, value) for label, value in facts if value]


def _metric_name(metric: Metric) -> str:
    name = metric.name.replace("_", " ")
    tr = QCoreApplication.translate
    known = {"accuracy": tr("card", "Accuracy"), "balanced accuracy": tr("card", "Balanced accuracy")}
    return known.get(name, name[:1].upper() + name[1:])


def _metric_words(metric: Metric) -> str:
    """A number never stands without its split, and has its interval beside it."""
    tr = QCoreApplication.translate
    splits = {"train": tr("card", "train"), "validation": tr("card", "validation"), "test": tr("card", "test")}
    words = tr("card", "{0} on {1} ({2} images)").format(
        numbers.percent(metric.value) if 0 <= metric.value <= 1 else numbers.decimal(metric.value, 3),
        splits.get(metric.split, spoken(metric.split)),
        numbers.count(metric.images),
    )
    if metric.low is None or metric.high is None:
        return words
    interval = f"{numbers.percent(metric.low)} – {numbers.percent(metric.high)}"
    return tr("card", "{0}, 95 % interval {1}").format(words, interval)


def catalogue_rows() -> tuple[ModelRow, ...]:
    """The catalogue's rows by family, then size; in each group those with weights stand first."""
    rows = [_catalogue_row(entry) for entry in catalogue()]
    groups = list(dict.fromkeys(row.group for row in rows))
    return tuple(sorted(rows, key=lambda row: (groups.index(row.group), row.kind == "bare")))


def _catalogue_row(entry: CatalogueEntry) -> ModelRow:
    return ModelRow(
        name=entry.name,
        kind="pretrained" if entry.has_weights else "bare",
        title=entry.name,
        architecture=entry.architecture,
        family=entry.family,
        size=entry.size,
        parameters=entry.parameters,
        gmacs=entry.gmacs,
        input_px=entry.input_size,
        top1=entry.top1,
        top1_source=_source_of_top1(entry),
        training_data=entry.training_data,
        licence=entry.licence,
        commercial_use=entry.commercial_use,
        classes=entry.classes,
        label_set=entry.label_set,
        file_bytes=entry.bytes if entry.has_weights else 0,
        source=entry.hub_repo,
        description=entry.description,
    )


def _source_of_top1(entry: CatalogueEntry) -> str:
    if entry.top1 is None or entry.top1_size in {None, entry.input_size}:
        return entry.top1_source
    return f"{entry.top1_source}, {entry.top1_size} px"
