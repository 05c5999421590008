"""Type by role. Fonts are set with `setFont` only: a `font` in a style sheet would silently win."""

from __future__ import annotations

import logging
from functools import cache

from PySide6.QtGui import QFont, QFontDatabase

from convnext_studio.core.resources import resource

log = logging.getLogger(__name__)

_FILES = ("Inter-Regular.ttf", "Inter-Medium.ttf", "Inter-SemiBold.ttf")
_FAMILIES = ["Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans"]

# role: pixels at 100 %, weight
ROLES: dict[str, tuple[int, int]] = {
    "hero": (28, 600),
    "display": (22, 600),
    "title": (16, 600),
    "section": (13, 600),
    "body": (13, 400),
    "strong": (13, 600),
    "label": (12, 500),
    "small": (12, 400),
    "cap": (11, 400),
    "capb": (11, 600),
    "rail": (11, 500),
    "railb": (11, 600),
}


def load_fonts() -> None:
    """Register the shipped fonts; without them the system's fonts take their place."""
    for name in _FILES:
        if QFontDatabase.addApplicationFont(str(resource("fonts", name))) < 0:
            log.info("The font %s could not be loaded; the system's font is used.", name)


@cache
def font(role: str = "body") -> QFont:
    """The font of a role of `ROLES`, with figures of one width. Do not change the returned object: it is shared."""
    pixels, weight = ROLES[role]
    made = QFont(_FAMILIES)
    made.setPixelSize(pixels)
    made.setWeight(QFont.Weight(weight))
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    made.setFeature(QFont.Tag("tnum"), 1)
    if pixels > 20:
        made.setLetterSpacing(QFont.SpacingType.PercentageSpacing, 98.5)
    return made
