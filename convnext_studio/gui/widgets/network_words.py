"""Figures and sizes of a network's parts as people read them."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLocale

from convnext_studio.core.explanations import NetworkPart
from convnext_studio.gui.language import spoken
from convnext_studio.gui.widgets.numbers import count

_SEPARATOR = " · "


def short_count(value: int) -> str:
    """28589128 -> "28.6 M", 37248 -> "37.2 k", 96 -> "96"."""
    for limit, unit in ((1_000_000, "M"), (1_000, "k")):
        if value >= limit:
            return f"{_three(value / limit)} {unit}"
    return count(value)


def gmacs(value: float) -> str:
    """Multiply-accumulates with three figures: "4.46 GMACs", "14.5 MMACs", "" for none."""
    if value <= 0:
        return ""
    if value >= 0.1:
        return f"{_three(value)} GMACs"
    return f"{_three(value * 1000)} MMACs"


def size_words(part: NetworkPart) -> str:
    """What a part puts out: "384 features, 14 × 14 cells", "6 classes"; "" where unknown."""
    tr = QCoreApplication.translate
    if part.kind == "head":
        return tr("network", "{0} classes").format(count(part.features))
    shape = [size for size in part.shape if size > 1] or list(part.shape)
    if not part.features or part.features not in shape:
        return ""
    features = tr("network", "{0} features").format(count(part.features))
    shape.pop(0 if shape[0] == part.features else -1)
    if not shape or part.kind == "attention":  # which may go window by window
        return features
    cells = " × ".join(str(size) for size in shape)
    return tr("network", "{0}, {1} cells").format(features, cells)


def cost_words(part: NetworkPart) -> str:
    """Parameters and multiply-accumulates in short: "1.20 M, 0.235 GMACs"."""
    known = (short_count(part.parameters) if part.parameters else "", gmacs(part.gmacs))
    return _SEPARATOR.join(filter(None, known))


def part_sentence(part: NetworkPart) -> str:
    """All of a part in words, for a tool tip or a screen reader."""
    parameters = QCoreApplication.translate("network", "{0} parameters").format(count(part.parameters))
    said = (size_words(part), parameters if part.parameters else "", gmacs(part.gmacs))
    return f"{spoken(part.sentence)} {_SEPARATOR.join(filter(None, said))}".strip()


def _three(value: float) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return QLocale().toString(value, "f", 3 if value < 1 else digits)
