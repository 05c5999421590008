"""The palette, role -> colour, and the pairs whose contrast must hold. No other module names a colour."""

from __future__ import annotations

DARK: dict[str, str] = {
    "canvas": "#121314",
    "window": "#18191B",
    "panel": "#1F2023",
    "raised": "#292B2F",
    "hover": "#303338",
    "press": "#3A3D43",
    "line": "#2E3034",
    "line2": "#747A84",
    "text": "#ECEDEF",
    "text2": "#B5B9C0",
    "text3": "#9BA1AA",
    "off": "#6C717A",
    "accent": "#7AB0FF",
    "fill": "#2B68D8",
    "fillhover": "#326FDE",
    "fillpress": "#2258BC",
    "onfill": "#FFFFFF",
    "soft": "#213250",
    "focus": "#8FBDFF",
    "ok": "#5ADBB5",
    "oksoft": "#17342B",
    "ng": "#F0814B",
    "ngsoft": "#43251A",
    "again": "#F8C83C",
    "againsoft": "#3A2E14",
    "none": "#9AA0A9",
    "nonesoft": "#2B2D31",
    "s1": "#3FA7F0",
    "s2": "#FDB515",
    "s3": "#3FE0A8",
    "s4": "#D0602E",
    "s5": "#B573A0",
    "grid": "#34373C",
    "shadow": "#000000",
}

LIGHT: dict[str, str] = {
    "canvas": "#D7D9DC",
    "window": "#F1F2F4",
    "panel": "#FCFCFD",
    "raised": "#FFFFFF",
    "hover": "#ECEEF1",
    "press": "#DFE2E7",
    "line": "#DCDFE4",
    "line2": "#7F858F",
    "text": "#1A1C1F",
    "text2": "#474C54",
    "text3": "#5F656E",
    "off": "#9298A1",
    "accent": "#1A5BC8",
    "fill": "#1F62D2",
    "fillhover": "#1A56BA",
    "fillpress": "#15489D",
    "onfill": "#FFFFFF",
    "soft": "#DEE9FC",
    "focus": "#1A5BC8",
    "ok": "#1B6B52",
    "oksoft": "#DDF3EA",
    "ng": "#862200",
    "ngsoft": "#FDE6DA",
    "again": "#8A6200",
    "againsoft": "#FBEFCF",
    "none": "#5A6069",
    "nonesoft": "#E8EAED",
    "s1": "#0166AF",
    "s2": "#A57904",
    "s3": "#0B9D6B",
    "s4": "#8A3A12",
    "s5": "#7A3F69",
    "grid": "#E4E6EA",
    "shadow": "#2A3040",
}

_TEXT_GROUNDS = {
    "text": ("window", "panel", "raised", "hover", "soft", "ngsoft", "againsoft", "oksoft"),
    "text2": ("window", "panel", "raised", "hover", "soft", "press", "canvas", "ngsoft", "againsoft", "oksoft"),
    "text3": ("window", "panel", "raised", "hover", "soft"),
    "accent": ("panel", "window", "raised", "soft"),
    "onfill": ("fill", "fillhover", "fillpress"),
    "ok": ("panel", "oksoft"),
    "ng": ("panel", "ngsoft"),
    "again": ("panel", "againsoft"),
    "none": ("panel", "nonesoft"),
}
_LINE_GROUNDS = {
    "line2": ("window", "panel", "raised"),
    "focus": ("window", "panel", "raised", "canvas"),
    "fill": ("panel",),
    "s1": ("panel",),
    "s2": ("panel",),
    "s3": ("panel",),
    "s4": ("panel",),
    "s5": ("panel",),
}

# (foreground, ground, least ratio): WCAG 2.2, 1.4.3 for text and 1.4.11 for lines
PAIRS: tuple[tuple[str, str, float], ...] = (
    *((role, ground, 4.5) for role, grounds in _TEXT_GROUNDS.items() for ground in grounds),
    *((role, ground, 3.0) for role, grounds in _LINE_GROUNDS.items() for ground in grounds),
)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two `#rrggbb` colours, 1..21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def linear_rgb(colour: str) -> tuple[float, float, float]:
    """`#rrggbb` as linear light, 0..1 (IEC 61966-2-1)."""
    encoded = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in encoded)
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = linear_rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
