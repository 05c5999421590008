"""Ways to start when something the window remembers stands in its way: without it, or with nothing kept at all."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from convnext_studio.gui.settings import FORMAT
from convnext_studio.gui.stores.places import Places

Words = tuple[str, str]  # a fact, and what follows from it

_PLAIN = {"device": "cpu", "precision": "fp32", "engine": "torch"}


def forget(places: Places) -> list[Path]:
    """Set settings, keys and layout aside. Returns where they are now; what cannot be moved stays."""
    when = time.strftime("%Y%m%d-%H%M%S")
    aside = []
    for path in (places.settings, places.shortcuts, places.window):
        try:
            aside.append(path.replace(path.with_name(f"{path.stem}.{when}.backup")))
        except OSError:
            continue
    return aside


def forgotten_words(aside: list[Path]) -> Words:
    """What to say after `forget`."""
    fact = _tr("Settings, keys and layout are as at the first start.")
    return fact, _tr("The old ones were kept: {0}").format(", ".join(map(str, aside))) if aside else ""


@contextmanager
def nothing_kept(places: Places) -> Iterator[Places]:
    """Places whose settings and memory end with the program. Models run on the CPU, in PyTorch alone."""
    with tempfile.TemporaryDirectory(prefix="convnext-studio-") as folder:
        own = dataclasses.replace(places, config=Path(folder) / "config", state=Path(folder) / "state")
        own.config.mkdir()
        own.settings.write_text(json.dumps({"format": FORMAT, "settings": _PLAIN}), "utf-8")
        yield own


def safe_words() -> Words:
    """What to say where nothing is kept."""
    return (
        _tr("Safe mode: the sample Model, PyTorch on the CPU, settings as at the first start."),
        _tr("What you set now is not kept. Start the program without --safe-mode to leave it."),
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("fresh_start", text)
