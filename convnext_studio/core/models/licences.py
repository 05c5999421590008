"""What a licence allows, for those we know; an unknown one stays unknown."""

from __future__ import annotations

_COMMERCIAL_USE = {
    "apache-2.0": True,
    "mit": True,
    "bsd-3-clause": True,
    "cc-by-4.0": True,
    "cc0-1.0": True,
    "cc-by-nc-4.0": False,
    "cc-by-nc-sa-4.0": False,
    "fair-noncommercial-research-license": False,
}


def allows_commercial_use(licence: str) -> bool | None:
    """Whether commercial use is free of charge and of permission; None where we cannot say.

    A licence of its own kind with conditions to read (such as DINOv3's) counts as unknown: nobody may rely on a guess.
    """
    return _COMMERCIAL_USE.get(licence.lower())
