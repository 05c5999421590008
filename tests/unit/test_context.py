"""Work that cannot look for a stop: done aside, left behind at a stop, and never twice at once after that."""

from __future__ import annotations

import threading

import pytest

from convnext_studio.core.context import Cancelled, JobContext, aside


def test_what_is_done_aside_comes_back_or_fails_as_if_it_were_done_here() -> None:
    assert aside(lambda: 3, JobContext().check) == 3
    with pytest.raises(ZeroDivisionError):
        aside(lambda: 1 // 0, JobContext().check)


def test_a_stop_is_heeded_at_once_and_the_next_work_waits_for_what_was_left_behind() -> None:
    may_end, has_begun = threading.Event(), threading.Event()
    order: list[str] = []

    def slow() -> None:
        has_begun.set()
        may_end.wait()
        order.append("left behind")

    def stop() -> None:
        if has_begun.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        aside(slow, stop)
    looks: list[None] = []

    def look() -> None:
        looks.append(None)
        if len(looks) == 3:
            may_end.set()

    aside(lambda: order.append("next"), look)
    assert order == ["left behind", "next"] and len(looks) >= 3
