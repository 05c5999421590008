"""The words on the filters over a table of Models, made from the Models there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QCoreApplication

from convnext_studio.gui.stores.model_rows import ModelRow
from convnext_studio.gui.widgets import numbers
from convnext_studio.gui.widgets.table_browser import BrowserWords, Choice


def browser_words(rows: Sequence[ModelRow]) -> BrowserWords:
    """Chips for what most people ask, selects for the rest; sizes stand in the order of their parameters."""
    families = _distinct(row.family for row in rows if not row.is_own)
    by_size = sorted((row for row in rows if row.size), key=lambda row: row.parameters)
    sizes = _distinct(row.size for row in by_size)
    inputs = sorted({row.input_px for row in rows if row.input_px})
    return BrowserWords(
        name=_tr("Models"),
        placeholder=_tr("Find a Model by name, training data or licence"),
        chips=(
            ("is_commercial", _tr("Commercial use"), _tr("Only weights whose licence allows commercial use")),
            ("is_here", _tr("On this machine"), _tr("Only Models that need no download")),
        ),
        choices=(
            Choice("family", _tr("Family"), ((_tr("Any family"), ""), *((_family(name), name) for name in families))),
            Choice("size", _tr("Size"), ((_tr("Any size"), ""), *((name, name) for name in sizes))),
            Choice(
                "input_px",
                _tr("Input"),
                ((_tr("Any input"), 0), *((_tr("{0} px").format(numbers.count(px)), px) for px in inputs)),
            ),
        ),
    )


def group_words(row: ModelRow) -> str:
    """Family and size: "ConvNeXt V2 · Tiny"."""
    return " · ".join(filter(None, (_family(row.family), row.size)))


def _family(name: str) -> str:
    """Names stay; the rest is not a family but what families are compared with."""
    return _tr("To compare") if name == "to compare" else name


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _tr(text: str) -> str:
    return QCoreApplication.translate("model_words", text)
