"""Images read side by side: in order, and one that does not come back holds up nobody for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from convnext_studio.core.context import Cancelled
from convnext_studio.core.errors import ImageError
from convnext_studio.core.images.together import read_together
from tests.guards import wait_until


def nothing() -> None:
    """Look for nothing."""


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """Until it is set, whoever waits for it hangs; at the end all threads are gone."""
    event = threading.Event()
    yield event
    event.set()
    wait_until(lambda: not any(thread.name == "read together" for thread in threading.enumerate()))


def test_what_was_read_comes_in_order_and_an_unreadable_image_is_told_in_its_place(stuck: threading.Event) -> None:
    def read(path: str) -> str:
        if path == "b":
            raise ImageError("It is cut off.")
        return path.upper()

    first, second, third = read_together(["a", "b", "c"], read, nothing)
    assert (first, third) == ("A", "C") and isinstance(second, ImageError)
    assert read_together([], read, nothing) == []
    stuck.set()


def test_an_image_that_hangs_is_given_up_and_the_others_are_read(stuck: threading.Event) -> None:
    def read(path: str) -> str:
        if path == "hangs":
            stuck.wait()
        return path

    found = read_together(["a", "hangs", "c", "d"], read, nothing, readers=2, limit_s=0.3)
    assert [one for one in found if isinstance(one, str)] == ["a", "c", "d"]
    assert isinstance(found[1], ImageError) and "longer than 0.3 seconds" in found[1].message


def test_a_stop_and_a_fault_are_raised_at_once(stuck: threading.Event) -> None:
    def hang(_path: str) -> str:
        stuck.wait()
        return ""

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        read_together(["a"], hang, stop)

    def fail(_path: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read_together(["a"], fail, nothing)
