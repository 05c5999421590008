"""The QPalette made from the tokens, so that whatever the style sheet forgets is right as well."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QColor, QPalette

_ROLE = QPalette.ColorRole
_ACTIVE: dict[QPalette.ColorRole, str] = {
    _ROLE.Window: "window",
    _ROLE.WindowText: "text",
    _ROLE.Base: "panel",
    _ROLE.AlternateBase: "hover",
    _ROLE.Text: "text",
    _ROLE.Button: "raised",
    _ROLE.ButtonText: "text",
    _ROLE.BrightText: "text",
    _ROLE.Highlight: "fill",
    _ROLE.HighlightedText: "onfill",
    _ROLE.Accent: "fill",
    _ROLE.Link: "accent",
    _ROLE.LinkVisited: "accent",
    _ROLE.PlaceholderText: "text3",
    _ROLE.ToolTipBase: "raised",
    _ROLE.ToolTipText: "text",
    _ROLE.Light: "hover",
    _ROLE.Midlight: "hover",
    _ROLE.Mid: "line2",
    _ROLE.Dark: "line2",
    _ROLE.Shadow: "shadow",
}
_DISABLED: dict[QPalette.ColorRole, str] = {
    _ROLE.WindowText: "off",
    _ROLE.Text: "off",
    _ROLE.ButtonText: "off",
    _ROLE.Highlight: "hover",
    _ROLE.HighlightedText: "off",
    _ROLE.Link: "off",
}


def make_palette(tokens: Mapping[str, str]) -> QPalette:
    """Every role from the tokens, the disabled group included."""
    palette = QPalette()
    for role, token in _ACTIVE.items():
        palette.setColor(role, QColor(tokens[token]))
    for role, token in _DISABLED.items():
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens[token]))
    return palette
