"""All that is known of one Model, as label and value pairs and as notes to heed."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from convnext_studio.gui.language import spoken
from convnext_studio.gui.settings import choice_word
from convnext_studio.gui.stores.choosing import why_not
from convnext_studio.gui.stores.model_memory import Speed
from convnext_studio.gui.stores.model_rows import ModelRow
from convnext_studio.gui.stores.model_words import group_words
from convnext_studio.gui.stores.models import Models
from convnext_studio.gui.widgets import figures, numbers


def facts_of(row: ModelRow, models: Models) -> tuple[tuple[str, str], ...]:
    """What the details show, in their order; what is not known is left out, except top-1."""
    top1 = figures.UNKNOWN
    if row.top1 is not None:
        top1 = f"{numbers.percent(row.top1 / 100)} ({row.top1_source})" if row.top1_source else str(row.top1)
    pairs = [
        (_tr("Architecture"), row.architecture),
        (_tr("Family"), group_words(row)),
        (_tr("About"), row.description),
        (_tr("Parameters"), numbers.count(row.parameters) if row.parameters else ""),
        (_tr("GMACs"), numbers.decimal(row.gmacs, 2) if row.gmacs is not None else ""),
        (_tr("Input"), _tr("{0} × {0} px").format(row.input_px) if row.input_px else ""),
        (_tr("Top-1"), top1 if row.kind == "pretrained" else ""),
        (_tr("Training data"), spoken(row.training_data)),
        (_tr("Licence"), _licence(row)),
        (_tr("Weights"), _weights(row, models)),
        (_tr("Published as"), row.source),
        *row.facts,
        (_tr("Speed here"), "\n".join(_speed(speed) for speed in models.speeds(row.name))),
    ]
    return tuple((label, value) for label, value in pairs if value)


def how_measured(speed: Speed) -> tuple[str, ...]:
    """Device, precision and engine, and what was not measured but extrapolated."""
    execution = speed.execution
    how = (execution.device.upper(), execution.precision, choice_word("engine", execution.engine))
    if speed.share == 1:
        return how
    return (*how, _tr("extrapolated from {0} of one answer").format(numbers.percent(speed.share, 0)))


def notes_of(row: ModelRow) -> tuple[str, ...]:
    """What should be known before the Model is used."""
    reason = why_not(row)
    notes = [reason] if reason else []
    if row.kind == "bare":
        notes.append(_tr("There are no trained weights under this name: give it a file, or it answers at random."))
    if row.commercial_use is False:
        notes.append(_tr("The licence does not allow commercial use; what is trained from it inherits that."))
    return (*notes, *(warning for warning in row.warnings if warning != reason))


def _licence(row: ModelRow) -> str:
    words = row.licence or (_tr("unknown") if row.kind != "bare" else "")
    if row.commercial_use is None:
        return f"{words}: {_tr('read it before commercial use')}" if row.licence else words
    use = _tr("commercial use allowed") if row.commercial_use else _tr("no commercial use")
    return f"{words}: {use}"


def _weights(row: ModelRow, models: Models) -> str:
    if row.kind == "own":
        return f"{row.name} ({figures.size(row.file_bytes)})"
    if row.kind == "sample":
        return _tr("ship with the program ({0})").format(figures.size(row.file_bytes))
    found = models.on_disk(row.name)
    if found is not None:
        return _tr("{0} ({1}, {2})").format(found.path, figures.size(found.size_bytes), spoken(found.place))
    return _tr("not here; {0} to download").format(figures.size(row.file_bytes)) if row.file_bytes else ""


def _speed(speed: Speed) -> str:
    return f"{numbers.rate(speed.images_per_s)} ({', '.join(how_measured(speed))})"


def _tr(text: str) -> str:
    return QCoreApplication.translate("model_facts", text)
