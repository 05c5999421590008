"""Times as people say them."""

from __future__ import annotations

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def in_words(seconds: float) -> str:
    """ "3 minutes", "2 hours 5 minutes"; the two largest units, rounded."""
    if seconds < 1:
        return "less than a second"
    if seconds >= 600:
        seconds = round(seconds / 60) * 60
    whole = round(seconds)
    parts: list[tuple[int, str]] = []
    for name, size in _UNITS:
        count, rest = divmod(whole, size)
        if count or parts:
            parts.append((count, name))
        whole = rest
    return " ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in parts[:2] if count)


def left_in_words(seconds: float) -> str:
    """How long it still takes."""
    return "almost done" if seconds < 1 else f"about {in_words(seconds)} left"
