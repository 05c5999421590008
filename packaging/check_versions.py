"""Refuse pairs of Python and PySide6 that are known to break each other."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

BAD_PYSIDE, FIRST_GOOD_PYTHON = (6, 12), (3, 12)


def problem(python: tuple[int, ...], pyside: str) -> str:
    """Return a sentence when `pyside` must not run under `python`, else an empty text.

    From 6.12 on PySide6 loses a reference to True or None with every signal; only since 3.12 are these immortal, and
    an older interpreter aborts after a few hundred signals.
    """
    found = tuple(int(part) for part in pyside.split(".")[:2])
    if python[:2] < FIRST_GOOD_PYTHON and found >= BAD_PYSIDE:
        return f"PySide6 {pyside} crashes under Python {python[0]}.{python[1]}: install PySide6 6.11.3 or Python 3.12."
    return ""


def main() -> int:
    """Return 1 and say why when the two installed ones do not go together."""
    try:
        sentence = problem(sys.version_info[:2], version("PySide6-Essentials"))
    except PackageNotFoundError:
        return 0
    if sentence:
        print(sentence, file=sys.stderr)
    return int(bool(sentence))


if __name__ == "__main__":
    sys.exit(main())
