"""An Evaluation in words: every figure names its split and says how sure it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale, Qt

from convnext_studio.core.evaluation.compare import Comparison
from convnext_studio.core.evaluation.report import Evaluation, Interval, KeptEvaluation
from convnext_studio.gui.widgets.numbers import count, decimal, percent

MOST_CLASSES = 30  # in the matrix: more cells are too small to be read or pressed
EXPECTED_READS = 2  # of a test split: by the training at its end, and to look closer
Words = tuple[str, str, str]  # what, the figure, what belongs beside it


def _tr(text: str) -> str:
    return QCoreApplication.translate("evaluation", text)


def split_word(split: str) -> str:
    """The split in words, for the middle of a sentence."""
    words = {"train": _tr("training split"), "validation": _tr("validation split"), "test": _tr("test split")}
    return words.get(split, _tr("whole data set"))


def local_time(at: str) -> str:
    """A time in UTC, ISO form, as the user's clock shows it."""
    when = QDateTime.fromString(at, Qt.DateFormat.ISODate)
    return QLocale().toString(when.toLocalTime(), QLocale.FormatType.ShortFormat) if when.isValid() else ""


def kept_words(one: KeptEvaluation) -> str:
    """A kept Evaluation in a list."""
    what = _tr("{0} on {1}").format(one.model, split_word(one.split))
    return " · ".join(filter(None, (what, percent(one.balanced_accuracy), local_time(one.at))))


def interval(ends: Interval) -> str:
    """A 95 % interval beside its figure."""
    return _tr("95 %: {0} to {1}").format(*(decimal(100 * end, 1) for end in ends))


def headline(found: Evaluation) -> str:
    """What was judged, and when; of a test split, how often it has been read."""
    images = _tr("1 image") if len(found.images) == 1 else _tr("{0} images").format(count(len(found.images)))
    parts = [_tr("{0} of {1} parts").format(images, count(found.groups)) if found.groups else images]
    parts.append(split_word(found.split))
    if when := local_time(found.at):
        parts.append(_tr("judged {0}").format(when))
    if reads := len(found.test_reads):
        times = _tr("test split read once") if reads == 1 else _tr("test split read {0} times").format(count(reads))
        parts.append(_tr("{0}, for reporting only").format(times))
    return " · ".join(parts)


def tiles_of(found: Evaluation) -> tuple[Words, ...]:
    """The five key figures."""
    split = split_word(found.split)
    loss = _tr("log loss {0} · Brier {1}").format(decimal(found.log_loss, 3), decimal(found.brier, 3))
    nowhere = len(found.unreadable) + len(found.left_out)
    second = _tr("{0} could not be counted").format(count(nowhere)) if nowhere else _tr("all of them counted")
    return (
        (
            _tr("Balanced accuracy, {0}").format(split),
            percent(found.balanced_accuracy),
            interval(found.balanced_accuracy_interval),
        ),
        (_tr("Accuracy, {0}").format(split), percent(found.accuracy), interval(found.accuracy_interval)),
        _weakest(found, split),
        (_tr("Calibration error, {0}").format(split), percent(found.calibration_error), loss),
        (_tr("Images, {0}").format(split), count(len(found.images)), second),
    )


def _weakest(found: Evaluation, split: str) -> Words:
    """The class that is missed most; where none was ever missed, the one of which that says least."""
    one = min((one for one in found.per_class if one.support), key=lambda one: (one.recall, -one.missed_at_most))
    most = _tr("95 % sure: no more than {0}").format(percent(one.missed_at_most))
    missed = _tr("{0} of {1} missed").format(count(one.missed), count(one.support))
    return (_tr("Weakest: “{0}”, {1}").format(one.name, split), missed, most)


def warnings_of(found: Evaluation) -> tuple[tuple[str, str], ...]:
    """Why the figures may say too much: a fact and what to do, each."""
    said = []
    images = count(len(found.images))
    if found.trained_on:
        fact = _tr("The Model was trained on {0} of these {1} images: the figures look better than they are.")
        hint = _tr("Judge it by images that it has never seen, such as the test split of its Run.")
        said.append((fact.format(count(found.trained_on), images), hint))
    if found.chosen_by:
        fact = _tr("The best epoch was chosen by {0} of these {1} images: the figures look a little better.")
        said.append((fact.format(count(found.chosen_by), images), _tr("Report the test split instead.")))
    if len(found.test_reads) > EXPECTED_READS:
        fact = _tr("The test split has been read {0} times.").format(count(len(found.test_reads)))
        hint = _tr("It is for reporting only: whoever chooses by it can no longer trust it. Choose by validation.")
        said.append((fact, hint))
    if not found.kept_at:
        said.append((_tr("This evaluation is not kept."), _tr("The disk did not take it; evaluate once more later.")))
    return tuple(said)


def left_out_words(found: Evaluation) -> tuple[str, str]:
    """Images that count nowhere: a fact and why."""
    number = len(found.unreadable) + len(found.left_out)
    fact = _tr("1 image counts nowhere.") if number == 1 else _tr("{0} images count nowhere.").format(count(number))
    said = []
    if found.unreadable:
        said.append(_tr("{0} cannot be read.").format(count(len(found.unreadable))))
    if found.left_out:
        said.append(_tr("{0} are of classes that the Model does not know.").format(count(len(found.left_out))))
    return fact, " ".join(said)


def shown_classes(confusion: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The classes in the matrix: all that occur or were found; of very many those most often confused."""
    labelled, found = [sum(row) for row in confusion], [sum(column) for column in zip(*confusion, strict=True)]
    seen = (number for number in range(len(confusion)) if labelled[number] or found[number])
    wrong = Counter({number: labelled[number] + found[number] - 2 * confusion[number][number] for number in seen})
    return tuple(sorted(number for number, _ in wrong.most_common(MOST_CLASSES)))


def compared_words(one: Comparison) -> Words:
    """A title, who was right where the other was wrong, and whether that can be chance."""
    title = _tr("“{0}” beside “{1}”, {2} images").format(one.first, one.second, count(one.images))
    counts = _tr("Both are right on {0}, neither on {1}; “{2}” alone on {3}, “{4}” alone on {5}.").format(
        count(one.both_right),
        count(one.neither_right),
        one.first,
        count(len(one.only_first)),
        one.second,
        count(len(one.only_second)),
    )
    better, gain, ends = one.second, one.gain, one.gain_interval
    if gain < 0:
        better, gain, ends = one.first, -gain, (-ends[1], -ends[0])
    words = _tr("“{0}” is {1} points more accurate (95 %: {2} to {3}).")
    chance = _tr("Equally good Models would differ at least so much in {0} of such comparisons (McNemar).")
    if one.parts:
        chance = _tr("Equally good Models would differ at least so much in {0} of such comparisons (McNemar, by part).")
    words = words.format(better, *(decimal(100 * share, 1) for share in (gain, *ends)))
    return title, counts, f"{words} {chance.format(percent(one.chance))}"
