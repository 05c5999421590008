"""Which rows of the Library are shown and in which order: pure, precomputed keys, fast at 50,000 rows."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from convnext_studio.core.images.find import natural_key
from convnext_studio.core.values import ImageRef, Prediction
from convnext_studio.gui.language import spoken

SortKey = Literal["name", "date", "class", "probability", "margin", "time", "error"]
Only = Literal["all", "classified", "waiting", "errors", "below"]


@dataclass(frozen=True)
class Arrangement:
    """What the user asked to see. `below` is the probability that `only="below"` compares with."""

    sort: SortKey = "name"
    is_descending: bool = False
    text: str = ""
    class_name: str = ""
    only: Only = "all"
    below: float = 0.5

    @property
    def depends_on_predictions(self) -> bool:
        """True if a new Prediction may move or hide a row."""
        return self.sort not in ("name", "date") or self.is_filtered

    @property
    def is_filtered(self) -> bool:
        """True if some rows may be hidden."""
        return bool(self.text or self.class_name) or self.only != "all"


@dataclass
class Records:
    """Every open Image in the order it was found, and what is known of it: parallel lists, for memory and speed."""

    images: list[ImageRef] = field(default_factory=list)
    predictions: list[Prediction | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    _folded: list[str] = field(default_factory=list)
    _keys: list[str] = field(default_factory=list)  # the order of finding: a folder's files, then its folders
    _folders: dict[str, str] = field(default_factory=dict)
    _is_in_order: bool = True  # they came as they sort: most walks do, and then nothing need be sorted
    _dates: list[float] = field(default_factory=list)
    _rows: dict[ImageRef, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def add(self, image: ImageRef) -> bool:
        """Add an Image unless it is there already."""
        if image in self._rows:
            return False
        self._rows[image] = len(self.images)
        folder, name = os.path.split(image.path)  # pathlib costs ten times as much, 50,000 times
        self.images.append(image)
        self.predictions.append(None)
        self.names.append(name if image.frame == 0 else f"{name} · {image.frame + 1}")
        self._folded.append(name.casefold())
        if folder not in self._folders:
            self._folders[folder] = natural_key(folder).replace(os.sep, "\1") + "\0"
        key = self._folders[folder] + natural_key(name)
        self._is_in_order = self._is_in_order and (not self._keys or self._keys[-1] <= key)
        self._keys.append(key)
        return True

    def find(self, image: ImageRef) -> int | None:
        """The record of an Image, or None."""
        return self._rows.get(image)

    def arrange(self, wanted: Arrangement) -> list[int]:
        """The records to show, in order."""
        order = self._sorted(wanted)
        for keep in self._filters(wanted):
            order = [record for record in order if keep(record)]
        return order

    def _sorted(self, wanted: Arrangement) -> list[int]:
        by_name = self._by_name(wanted)
        if wanted.sort == "name":
            return by_name
        if wanted.sort == "date":
            return sorted(
                by_name,
                key=lambda record: self._dates[record] if record < len(self._dates) else 0.0,
                reverse=wanted.is_descending,
            )
        # Rows without a value stay at the end whichever way the others run.
        predictions = self.predictions
        is_error_wanted = wanted.sort == "error"
        valued: list[int] = []
        rest: list[int] = []
        for record in by_name:
            prediction = predictions[record]
            has_value = prediction is not None and bool(prediction.error) == is_error_wanted
            (valued if has_value else rest).append(record)
        keys = self._values(wanted.sort, valued)
        valued.sort(key=keys.__getitem__, reverse=wanted.is_descending)
        return valued + rest

    def _by_name(self, wanted: Arrangement) -> list[int]:
        if self._is_in_order:
            return list(range(len(self)))[:: -1 if wanted.is_descending else 1]
        return sorted(range(len(self)), key=self._keys.__getitem__, reverse=wanted.is_descending)

    def _values(self, sort: SortKey, records: Iterable[int]) -> dict[int, Any]:
        said = functools.cache(spoken)
        read: dict[str, Callable[[Prediction], Any]] = {
            "class": lambda done: (done.classes[:1], -done.probabilities[0] if done.probabilities else 0.0),
            "probability": lambda done: done.probabilities[0] if done.probabilities else 0.0,
            "margin": lambda done: done.margin,
            "time": lambda done: done.milliseconds,
            "error": lambda done: said(done.error),
        }
        value = read[sort]
        return {record: value(done) for record in records if (done := self.predictions[record]) is not None}

    def undated(self, most: int) -> tuple[str, ...]:
        """The next files whose dates are not known; none once all are."""
        known = len(self._dates)
        return tuple(image.path for image in self.images[known : known + most])

    def take_dates(self, dates: Iterable[float]) -> None:
        """The dates of the files that `undated` named; those that are gone have 0 and sort first."""
        self._dates.extend(dates)

    def _filters(self, wanted: Arrangement) -> Iterable[Callable[[int], bool]]:
        predictions = self.predictions
        if wanted.only == "waiting":
            yield lambda record: predictions[record] is None
        elif wanted.only != "all":
            test = _TESTS[wanted.only]
            yield lambda record: (done := predictions[record]) is not None and test(done, wanted)
        if wanted.class_name:
            name = wanted.class_name
            yield lambda record: (done := predictions[record]) is not None and done.classes[:1] == (name,)
        if wanted.text:
            yield self._text_filter(wanted.text.casefold())

    def _text_filter(self, text: str) -> Callable[[int], bool]:
        folded, predictions = self._folded, self.predictions
        matches: dict[str, bool] = {}  # class names and errors are few: each is looked at once

        def keep(record: int) -> bool:
            if text in folded[record]:
                return True
            done = predictions[record]
            if done is None:
                return False
            word = done.error or (done.classes[0] if done.classes else "")
            if word not in matches:
                matches[word] = text in (spoken(word) if done.error else word).casefold()
            return matches[word]

        return keep


_TESTS: dict[str, Callable[[Prediction, Arrangement], bool]] = {
    "classified": lambda done, _wanted: not done.error,
    "errors": lambda done, _wanted: bool(done.error),
    "below": lambda done, wanted: bool(done.probabilities) and done.probabilities[0] < wanted.below,
}
