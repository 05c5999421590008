"""The one style sheet of the application, made from the tokens. Variants go by dynamic property."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

from convnext_studio.core.resources import resource

_RULES = Path(__file__).with_name("rules.qss")


def make_style_sheet(tokens: Mapping[str, str], *, is_dark: bool) -> str:
    """`rules.qss` with each `$role` replaced by its colour and each `$icon_…` by the path of a tinted icon."""
    mode = "dark" if is_dark else "light"
    icons = {
        f"icon_{path.stem.removesuffix(f'-{mode}').replace('-', '_')}": path.as_posix()
        for path in resource("icons", "tinted").glob(f"*-{mode}.svg")
    }
    raised = {
        "popedge": tokens["line2"] if is_dark else tokens["line"],
        "knob": tokens["text"] if is_dark else tokens["raised"],
        "knobedge": tokens["window"] if is_dark else tokens["line2"],
    }
    return Template(_RULES.read_text("utf-8")).substitute(tokens, **icons, **raised)
