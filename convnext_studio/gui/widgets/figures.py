"""Figures of a Model, as short as a table column wants them: "28.6 M", "114 MB", "41"; unknown is a dash."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from convnext_studio.gui.widgets import numbers

UNKNOWN = "–"


def millions(number: int) -> str:
    """Parameters: "28.6 M", "1 353 M"."""
    if number <= 0:
        return UNKNOWN
    value = number / 1e6
    return f"{numbers.decimal(value, 1)} M" if value < 999.95 else f"{numbers.count(round(value))} M"


def size(number: float) -> str:
    """Bytes in powers of ten with two or three digits: "114 MB", "1.2 GB"."""
    if number <= 0:
        return UNKNOWN
    for unit, worth in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= worth * 0.9995:
            value = number / worth
            return f"{numbers.decimal(value, 1 if value < 9.95 else 0)} {unit}"
    return f"{numbers.count(int(number))} B"


def speed(images_per_s: float) -> str:
    """Images/s without the word: one digit after the point below ten, two below one."""
    return numbers.decimal(images_per_s, 2 if images_per_s < 0.995 else 1 if images_per_s < 9.95 else 0)


def transfer(done_bytes: int, total_bytes: int) -> str:
    """How far a download is: "42 of 114 MB", or what has come where the total is not known."""
    if total_bytes <= 0:
        return size(done_bytes) if done_bytes > 0 else ""
    if total_bytes < 1e6:
        return f"{numbers.percent(done_bytes / total_bytes, 0)}"
    return QCoreApplication.translate("figures", "{0} of {1}").format(
        numbers.decimal(done_bytes / 1e6, 0), size(total_bytes) if total_bytes < 1e9 else f"{total_bytes / 1e6:.0f} MB"
    )
