"""A letter for each entry of a menu, so that it is reached by Alt and that letter; no letter twice in a menu."""

from __future__ import annotations

from collections.abc import Iterable


def with_mnemonics(texts: Iterable[str]) -> list[str]:
    """Mark a letter of each text as Qt wants it: the first of a word if it is free, else any; none if all are taken."""
    taken: set[str] = set()
    marked = []
    for text in texts:
        place = next((place for place in _places(text) if text[place].casefold() not in taken), None)
        if place is None:
            marked.append(_plain(text))
            continue
        taken.add(text[place].casefold())
        marked.append(f"{_plain(text[:place])}&{_plain(text[place:])}")
    return marked


def _places(text: str) -> list[int]:
    """Where a mark may stand, the best first."""
    letters = [place for place, letter in enumerate(text) if letter.isalnum()]
    return sorted(letters, key=lambda place: place > 0 and text[place - 1].isalnum())


def _plain(text: str) -> str:
    return text.replace("&", "&&")
