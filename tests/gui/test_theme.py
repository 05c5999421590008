"""The palette keeps its promises, and a change of theme reaches everything."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication

import convnext_studio
from convnext_studio.core.resources import resource
from convnext_studio.gui.theme.fonts import ROLES, font, load_fonts
from convnext_studio.gui.theme.icons import icon_names
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.theme.tokens import DARK, LIGHT, PAIRS, contrast, linear_rgb

PALETTES = {"dark": DARK, "light": LIGHT}

# Machado, Oliveira, Fernandes 2009, table 1, severity 1.0, on linear RGB
MACHADO = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# the smallest difference that is kept between any two of a set
LEAST = {
    ("status", "dark"): {"normal": 45, "protan": 36, "deutan": 25, "tritan": 37},
    ("status", "light"): {"normal": 37, "protan": 25, "deutan": 15, "tritan": 35},
    ("series", "dark"): {"normal": 47, "protan": 27, "deutan": 30, "tritan": 20},
    ("series", "light"): {"normal": 36, "protan": 27, "deutan": 24, "tritan": 21},
}
SETS = {"status": ("ok", "ng", "again"), "series": ("s1", "s2", "s3", "s4", "s5")}


@pytest.mark.parametrize("mode", PALETTES)
@pytest.mark.parametrize(("role", "ground", "least"), PAIRS)
def test_text_and_lines_stand_out_from_their_ground(mode: str, role: str, ground: str, least: float) -> None:
    assert contrast(PALETTES[mode][role], PALETTES[mode][ground]) >= least


def test_contrast_agrees_with_the_known_extremes() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#777777") == 1.0


def lab(colour: str, matrix: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of a colour as an eye of this kind sees it."""
    rgb = np.clip(matrix @ np.array(linear_rgb(colour)), 0, 1)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    ratio = to_xyz @ rgb / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eye", MACHADO)
@pytest.mark.parametrize(("kind", "mode"), LEAST)
def test_colours_of_a_set_stay_apart_for_every_eye(kind: str, mode: str, eye: str) -> None:
    seen = [lab(PALETTES[mode][role], MACHADO[eye]) for role in SETS[kind]]
    closest = min(float(np.linalg.norm(one - other)) for one, other in itertools.combinations(seen, 2))
    assert closest >= LEAST[kind, mode][eye] - 1


def test_both_palettes_have_the_same_roles() -> None:
    assert DARK.keys() == LIGHT.keys()


def test_no_other_module_of_the_window_names_a_colour() -> None:
    gui = Path(convnext_studio.__file__).parent / "gui"
    literal = re.compile(r"#[0-9a-fA-F]{6}\b")
    sources = [path for path in (*gui.rglob("*.py"), *gui.rglob("*.qss")) if path.name != "tokens.py"]
    assert [path.name for path in sources if literal.search(path.read_text("utf-8"))] == []


def test_tinted_icons_have_colours_of_the_tokens() -> None:
    for path in resource("icons", "tinted").glob("*.svg"):
        mode = path.stem.rsplit("-", 1)[1]
        assert set(re.findall(r"#[0-9A-F]{6}", path.read_text("utf-8"))) <= set(PALETTES[mode].values()), path.name


def test_every_widget_of_the_style_sheet_keeps_its_own_font() -> None:
    rules = (Path(convnext_studio.__file__).parent / "gui" / "theme" / "rules.qss").read_text("utf-8")
    assert "font" not in rules


def test_a_change_of_theme_replaces_palette_and_style_sheet(theme: Theme, qapp: QApplication, qtbot: object) -> None:
    before = qapp.styleSheet()
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(DARK["window"])
    theme.set_mode("light")
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(LIGHT["window"])
    assert qapp.styleSheet() != before
    assert not theme.is_dark


def test_the_palette_greys_out_what_is_disabled(theme: Theme, qapp: QApplication) -> None:
    group, role = QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText
    assert qapp.palette().color(group, role) == QColor(DARK["off"])


@pytest.mark.parametrize("name", icon_names())
def test_an_icon_shows_something_in_the_wanted_colour(theme: Theme, name: str) -> None:
    image = theme.pixmap(name, "accent", 24, 2.0).toImage()
    opaque = [image.pixelColor(x, y) for x in range(48) for y in range(48) if image.pixelColor(x, y).alpha() > 250]
    assert opaque
    assert all(abs(colour.red() - QColor(DARK["accent"]).red()) < 8 for colour in opaque)


def test_the_same_icon_changes_its_colour_with_the_theme(theme: Theme) -> None:
    icon = theme.icon("stop", "text")
    dark = icon.pixmap(24).toImage()
    theme.set_mode("light")
    assert icon.pixmap(24).toImage() != dark


def test_a_disabled_icon_has_the_colour_of_what_is_off(theme: Theme) -> None:
    shown = theme.icon("stop").pixmap(QSize(24, 24), QIcon.Mode.Disabled).toImage()
    colours = {
        shown.pixelColor(x, y).name().upper()
        for x in range(24)
        for y in range(24)
        if shown.pixelColor(x, y).alpha() == 255
    }
    assert DARK["off"] in colours


def test_a_copied_icon_outlives_the_first(theme: Theme) -> None:
    copy = QIcon(theme.icon("folder"))
    assert not copy.pixmap(16).isNull()


@pytest.mark.parametrize("dpr", [1.0, 1.25, 1.5, 2.0])
def test_icons_have_the_pixels_of_the_screen(theme: Theme, dpr: float) -> None:
    pixmap = theme.icon("folder").pixmap(QSize(16, 16), dpr)
    assert pixmap.width() == round(16 * dpr)


def test_the_shipped_fonts_are_there_in_three_weights(qapp: QApplication) -> None:
    load_fonts()
    assert font("body").families()[0] == "Inter"
    assert {weight for _, weight in ROLES.values()} <= {400, 500, 600}
    assert min(pixels for pixels, _ in ROLES.values()) >= 11
    assert resource("fonts", "Inter-OFL.txt").exists()


def test_movements_take_no_time_where_motion_is_reduced(theme: Theme) -> None:
    assert theme.duration(120) == 0
    theme.is_motion_reduced = False
    assert theme.duration(120) == 120
