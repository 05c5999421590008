"""List what the window says, and what a catalogue lacks or no longer needs.

    python packaging/translations.py          a line for each language
    python packaging/translations.py de       the sentences that German lacks, as JSON to fill in

A catalogue is `resources/translations/LANGUAGE.json`: the English words and what they become. What it lacks is shown in
English.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "convnext_studio" / "core" / "recipe.py"  # its fields are the window's
CATALOGUES = ROOT / "resources" / "translations"
_CALLS = {"tr": 0, "_tr": 0, "translate": 1, "QT_TRANSLATE_NOOP": 1, "described": None, "ActionSpec": None}
_SPEC_WORDS = (1, 4, 5)  # text, menu, tip
_ABOUT_WORDS = (0, 1, 2)  # label, help, section


def sources(folder: Path = ROOT / "convnext_studio" / "gui") -> set[str]:
    """Every sentence that the code hands to a translator, and the words of settings, actions and the Recipe."""
    paths = [*sorted(folder.rglob("*.py")), RECIPE]
    return {text for path in paths for text in _in_file(path) if text}


def missing(language: str) -> list[str]:
    """What the catalogue of a language lacks, sorted."""
    return sorted(sources() - catalogue(language).keys())


def unused(language: str) -> list[str]:
    """What the catalogue has and nobody says any more, sorted."""
    return sorted(catalogue(language).keys() - sources())


def catalogue(language: str) -> dict[str, str]:
    """English words and what they become."""
    return dict(json.loads((CATALOGUES / f"{language}.json").read_text("utf-8")))


def _in_file(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield from _in_call(node)


def _in_call(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in _CALLS:
        return
    if name == "ActionSpec":
        yield from (_text(call.args[place]) for place in _SPEC_WORDS if place < len(call.args))
    elif name == "described":
        yield from (_text(arg) for arg in call.args[: len(_ABOUT_WORDS)])
        for keyword in call.keywords:
            if keyword.arg == "choices" and isinstance(keyword.value, ast.Dict):
                yield from (_text(value) for value in keyword.value.values)
            elif keyword.arg == "unit":
                yield _text(keyword.value)
    else:
        is_alias = name == "tr" and isinstance(call.func, ast.Name)  # tr = QCoreApplication.translate
        place = _CALLS["translate" if is_alias else name]
        assert place is not None
        yield from (_text(arg) for arg in call.args[place : place + 1])


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def main(arguments: list[str]) -> int:
    """Print the report."""
    if arguments:
        print(json.dumps(dict.fromkeys(missing(arguments[0]), ""), ensure_ascii=False, indent=1))
        return 0
    for path in sorted(CATALOGUES.glob("*.json")):
        lacks, has_more = missing(path.stem), unused(path.stem)
        print(f"{path.stem}: {len(sources()) - len(lacks)} of {len(sources())} translated, {len(has_more)} not used")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
