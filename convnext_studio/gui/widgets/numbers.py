"""Numbers as people read them, in the user's own locale."""

from __future__ import annotations

import math

from PySide6.QtCore import QCoreApplication, QLocale

THIN_SPACE = "\u2009"
_NO_BREAK_SPACE = "\u00a0"


def count(value: int) -> str:
    """1234567 -> "1 234 567", with thin spaces."""
    locale = QLocale()
    locale.setNumberOptions(locale.numberOptions() & ~QLocale.NumberOption.OmitGroupSeparator)  # the C locale omits it
    return locale.toString(value).replace(locale.groupSeparator(), THIN_SPACE)


def percent(share: float, digits: int = 1) -> str:
    """0.914 -> "91.4 %"."""
    return f"{QLocale().toString(100.0 * share, 'f', digits)}{_NO_BREAK_SPACE}%"


def decimal(value: float, digits: int) -> str:
    """A number with so many digits after the locale's decimal sign."""
    return QLocale().toString(value, "f", digits)


def figure(value: float) -> str:
    """0.83312 -> "0.833": the three digits that tell, however large it is."""
    return f"{value:.3g}".replace(".", QLocale().decimalPoint())


def rate(images_per_s: float) -> str:
    """38.2 -> "38 images/s"; slow ones keep a digit, those that take seconds for one keep two."""
    number = decimal(images_per_s, 0 if images_per_s >= 10 else 1 if images_per_s >= 0.995 else 2)
    return QCoreApplication.translate("numbers", "{0} images/s").format(number)


def with_cores(device: str, cores: int) -> str:
    """ "CPU, 2 cores"; its name alone where cores say nothing."""
    tr = QCoreApplication.translate
    if cores <= 1:
        return tr("numbers", "{0}, 1 core").format(device) if cores else device
    return tr("numbers", "{0}, {1} cores").format(device, count(cores))


def scientific(value: float) -> str:
    """0.0003 -> "3e-4": short, and as it may be typed."""
    digits, _mark, exponent = f"{value:.1e}".partition("e")
    return f"{digits.removesuffix('.0')}e{int(exponent)}".replace(".", QLocale().decimalPoint())


def file_size(value: int) -> str:
    """1234567 -> "1.18 MB", as the locale writes it."""
    return QLocale().formattedDataSize(value, 2 if value >= 1_000_000 else 0, QLocale.DataSizeFormat.DataSizeSIFormat)


def time_left(seconds: float) -> str:
    """130 -> "2 min 10 s left", coarser the longer it is, so that it does not flicker."""
    tr = QCoreApplication.translate
    if not math.isfinite(seconds):
        return ""
    if seconds < 90:
        return tr("numbers", "{0} s left").format(max(1, math.ceil(seconds)))
    if seconds < 600:
        minutes, rest = divmod(10 * round(seconds / 10), 60)
        return tr("numbers", "{0} min {1} s left").format(minutes, rest)
    if seconds < 5400:
        return tr("numbers", "about {0} min left").format(round(seconds / 60))
    hours, minutes = divmod(round(seconds / 60), 60)
    return tr("numbers", "about {0} h {1} min left").format(hours, minutes)
