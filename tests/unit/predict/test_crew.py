"""The crew's threads: each Image once, whatever happens to them."""

from __future__ import annotations

import threading
import time
from collections import Counter

import numpy as np
import pytest

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.predict import crew
from convnext_studio.core.predict.crew import Crew, Decoded
from convnext_studio.core.values import ImageRef, Prediction


class _Steps:
    """Decodes nothing; some numbers hang until they are let go."""

    def __init__(self, batch: int = 4, hanging: tuple[int, ...] = ()) -> None:
        self.batch = batch
        self.hanging = hanging
        self.let_go = threading.Event()
        self.sizes: list[int] = []

    def decode(self, number: int) -> Decoded | Prediction:
        if number in self.hanging:
            self.let_go.wait(30)
        if number % 5 == 4:
            return Prediction(ImageRef(str(number)), error="broken")
        return Decoded(number, np.zeros((1, 1, 3), np.uint8), "", 0.0)

    def answer(self, decoded: list[Decoded]) -> list[Prediction]:
        self.sizes.append(len(decoded))
        return [Prediction(ImageRef(str(one.number)), ("a",), (1.0,)) for one in decoded]

    def give_up(self, number: int) -> Prediction:
        return Prediction(ImageRef(str(number)), error="given up")

    def most_at_once(self) -> int:
        return self.batch


def _all(crew: Crew, ctx: JobContext | None = None) -> list[Prediction]:
    return [one for predictions in crew.answers(ctx or JobContext()) for one in predictions]


@pytest.mark.parametrize("count", [0, 1, 7, 100])
@pytest.mark.parametrize("workers", [1, 3])
def test_each_image_is_answered_exactly_once(count: int, workers: int) -> None:
    found = _all(Crew(count, _Steps(), workers=workers, limit_s=10))
    assert Counter(int(one.image.path) for one in found) == Counter(range(count))


def test_the_first_image_is_answered_alone_and_no_batch_is_larger_than_allowed() -> None:
    steps = _Steps(batch=4)
    _all(Crew(60, steps, workers=1, limit_s=10))
    assert steps.sizes[0] == 1
    assert max(steps.sizes) == 4


def test_a_decode_that_hangs_is_given_up_and_the_others_of_its_batch_are_answered() -> None:
    steps = _Steps(hanging=(5, 6))
    found = _all(Crew(20, steps, workers=1, limit_s=0.1))
    steps.let_go.set()
    assert Counter(int(one.image.path) for one in found) == Counter(range(20))
    assert [one.image.path for one in found if one.error == "given up"] == ["5", "6"]


def test_time_in_which_the_whole_program_was_halted_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-Z and `fg`, or a laptop's lid: to the clock a decode seems to last minutes."""

    class Clock:
        halted_s, looks = 0.0, 0
        is_looked_at = threading.Event()

        def monotonic(self) -> float:
            if threading.current_thread() is threading.main_thread() and self.halted_s:
                self.looks += 1
                if self.looks == 4:
                    self.is_looked_at.set()
            return time.monotonic() + self.halted_s

    class Halted(_Steps):
        def decode(self, number: int) -> Decoded | Prediction:
            if number == 3:
                clock.halted_s = 600.0
                assert clock.is_looked_at.wait(30)
            return super().decode(number)

    clock = Clock()
    monkeypatch.setattr(crew, "time", clock)
    found = _all(Crew(10, Halted(), workers=2, limit_s=5))
    assert Counter(int(one.image.path) for one in found) == Counter(range(10))
    assert not [one for one in found if one.error == "given up"]


def test_a_stop_ends_it_within_a_second_and_keeps_what_was_answered() -> None:
    steps = _Steps(batch=1, hanging=(3,))
    ctx = JobContext()
    found: list[Prediction] = []
    started = time.monotonic()
    with pytest.raises(Cancelled):
        for predictions in Crew(50, steps, workers=1, limit_s=60).answers(ctx):
            found += predictions
            ctx.cancel.set()
    assert time.monotonic() - started < 1
    assert 1 <= len(found) <= 3
    steps.let_go.set()


def test_what_a_thread_raises_is_raised_by_the_job() -> None:
    class Broken(_Steps):
        def answer(self, decoded: list[Decoded]) -> list[Prediction]:
            raise ZeroDivisionError("a fault")

    with pytest.raises(ZeroDivisionError):
        _all(Crew(5, Broken(), workers=2, limit_s=10))
