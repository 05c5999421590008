"""Lanes and the Engine: what a Panel or a Store may rely on while all goes well."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.jobs import JOBS
from convnext_studio.gui.engine_host import EngineHost
from convnext_studio.gui.jobs import LANES, InlineLane, JobHandle
from convnext_studio.gui.lane import Lane
from tests import helpers
from tests.guards import Expected
from tests.helpers import Count, Counted, log_of

WAIT_MS = 30_000
FOR_EVER = Count(10**6, pause_s=0.01)


@pytest.fixture(scope="module")
def shared_host(qapp: object) -> Iterator[EngineHost]:
    host = EngineHost(extra_jobs=helpers.EXTRA_JOBS)
    host.start()
    yield host
    host.shutdown()


@pytest.fixture
def lane(shared_host: EngineHost) -> Lane:
    return shared_host.lanes["interactive"]


def outcome(qtbot: QtBot, handle: JobHandle) -> object:
    """What the Job returned, or how it failed; its log ends with `closed`."""
    said = log_of(handle)
    qtbot.waitUntil(lambda: said[-1:] == ["closed"], timeout=WAIT_MS)
    end = said[-2]
    return end[1] if isinstance(end, tuple) else end


def test_a_host_has_the_lanes_the_window_asks_for(shared_host: EngineHost) -> None:
    assert tuple(shared_host.lanes) == LANES


def test_events_arrive_in_order_on_the_gui_thread_before_the_end(lane: Lane, qtbot: QtBot) -> None:
    handle = lane.submit(Count(3000))
    said, threads = log_of(handle), set[threading.Thread]()
    handle.events.connect(lambda batch: threads.add(threading.current_thread()))
    qtbot.waitUntil(lambda: said[-1:] == ["closed"], timeout=WAIT_MS)
    assert said == [Counted(i) for i in range(3000)] + [("succeeded", 3000), "closed"]
    assert threads == {threading.main_thread()}


def test_jobs_of_one_lane_end_in_the_order_they_were_submitted(lane: Lane, qtbot: QtBot) -> None:
    ends: list[object] = []
    for i in range(20):
        lane.submit(Count(i)).succeeded.connect(ends.append)
    qtbot.waitUntil(lambda: len(ends) == 20, timeout=WAIT_MS)
    assert ends == list(range(20))


def test_the_window_is_not_woken_for_a_job_that_says_nothing(lane: Lane, qtbot: QtBot) -> None:
    handle = lane.submit(Count(10**6, pause_s=2.0))
    with qtbot.waitSignal(handle.events, timeout=WAIT_MS):
        pass
    assert lane.under_way == (handle,) and not lane._timer.isActive()
    with qtbot.waitSignal(handle.events, timeout=WAIT_MS):  # what comes later is seen all the same
        pass
    handle.cancel()
    assert outcome(qtbot, handle) == "cancelled"


def test_what_comes_while_the_window_takes_what_came_before_arrives(
    lane: Lane, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[list[object]] = []
    seen: list[bool] = []
    has_more = JobHandle.has_more.fget
    assert has_more is not None

    def looked(handle: JobHandle) -> bool:
        """The Lane's last look into an outbox; the next word comes between that and the end of its drain."""
        found = has_more(handle)
        end = time.monotonic() + WAIT_MS / 1000
        while not seen and batches and not has_more(handle) and time.monotonic() < end:
            time.sleep(0.01)
        if batches:
            seen.append(found)
        return found

    monkeypatch.setattr(JobHandle, "has_more", property(looked))
    handle = lane.submit(Count(10**6, pause_s=2.0))
    handle.events.connect(batches.append)
    qtbot.waitUntil(lambda: len(batches) == 2, timeout=WAIT_MS)
    assert seen[0] is False
    assert batches == [[Counted(0)], [Counted(1)]]  # and not only together with the one after
    handle.cancel()
    assert outcome(qtbot, handle) == "cancelled"


def test_lanes_do_not_wait_for_each_other(shared_host: EngineHost, qtbot: QtBot) -> None:
    slow = shared_host.lanes["batch"].submit(FOR_EVER)
    assert outcome(qtbot, shared_host.lanes["interactive"].submit(Count(3))) == 3
    slow.cancel()
    assert outcome(qtbot, slow) == "cancelled"


def test_after_a_cancel_nothing_is_reported_but_the_cancel(lane: Lane, qtbot: QtBot) -> None:
    handle = lane.submit(FOR_EVER)
    with qtbot.waitSignal(handle.events, timeout=WAIT_MS):
        pass
    said = log_of(handle)
    handle.cancel()
    qtbot.waitUntil(lambda: said[-1:] == ["closed"], timeout=WAIT_MS)
    assert said == ["cancelled", "closed"]


def test_cancelling_what_has_ended_does_nothing(lane: Lane, qtbot: QtBot) -> None:
    handle = lane.submit(Count(1))
    assert outcome(qtbot, handle) == 1
    assert outcome(qtbot, lane.submit(Count(2))) == 2  # the first handle is deleted by now
    handle.cancel()
    assert handle.is_closed
    assert outcome(qtbot, lane.submit(Count(3))) == 3


def test_a_queued_job_is_cancelled_at_once_and_never_runs(lane: Lane, qtbot: QtBot) -> None:
    running = lane.submit(FOR_EVER)
    queued = lane.submit(Count(3))
    said = log_of(queued)
    queued.cancel()
    qtbot.waitUntil(lambda: said == ["cancelled", "closed"], timeout=WAIT_MS)
    running.cancel()
    assert outcome(qtbot, running) == "cancelled"


def test_the_newest_request_wins(lane: Lane, qtbot: QtBot) -> None:
    results: list[object] = []
    handles = [lane.submit(Count(i), replaces="picture") for i in range(50)]
    for handle in handles:
        handle.succeeded.connect(results.append)
    assert outcome(qtbot, handles[-1]) == 49
    assert results == [49]
    assert [handle.is_replaced for handle in handles] == [True] * 49 + [False]


def test_a_bug_crosses_with_its_traceback_is_logged_and_the_lane_goes_on(
    lane: Lane, qtbot: QtBot, expect_log: Expected
) -> None:
    expect_log("Fail failed.*no such layer")
    failure = outcome(qtbot, lane.submit(helpers.Fail("no such layer")))
    assert isinstance(failure, Failed)
    assert (failure.kind, failure.message, failure.is_bug) == ("ValueError", "no such layer", True)
    assert "helpers.py" in failure.details
    assert outcome(qtbot, lane.submit(Count(2))) == 2


def test_what_the_user_can_mend_crosses_with_its_hint_and_is_not_logged(lane: Lane, qtbot: QtBot) -> None:
    failure = outcome(qtbot, lane.submit(helpers.Fail("It is torn.", is_mendable=True)))
    assert isinstance(failure, Failed)
    assert (failure.kind, failure.message, failure.hint) == ("ImageError", "It is torn.", "Choose another one.")
    assert not failure.is_bug


def test_a_request_that_cannot_be_sent_fails_by_itself(lane: Lane, qtbot: QtBot, expect_log: Expected) -> None:
    expect_log("function failed")
    failure = outcome(qtbot, lane.submit(lambda: None))
    assert isinstance(failure, Failed)
    assert outcome(qtbot, lane.submit(Count(2))) == 2


def test_the_log_of_the_engine_reaches_the_log_of_the_window(
    lane: Lane, qtbot: QtBot, expect_log: Expected, caplog: pytest.LogCaptureFixture
) -> None:
    expect_log("engine.test: it is hot in here")
    outcome(qtbot, lane.submit(helpers.Report("it is hot in here")))
    qtbot.waitUntil(lambda: "hot" in caplog.text, timeout=WAIT_MS)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no niceness")
def test_the_engine_leaves_the_window_the_first_go(lane: Lane, qtbot: QtBot) -> None:
    assert outcome(qtbot, lane.submit(helpers.AskNiceness())) == os.nice(0) + 5


@pytest.mark.parametrize("shape", [(10, 10, 3), (600, 700, 3), (2000, 3000, 3)])
def test_an_array_arrives_intact_and_writable(lane: Lane, qtbot: QtBot, shape: tuple[int, int, int]) -> None:
    pixels = outcome(qtbot, lane.submit(helpers.MakeArray(shape)))
    assert isinstance(pixels, np.ndarray)
    assert pixels.shape == shape
    assert np.array_equal(pixels.ravel(), np.arange(pixels.size) % 251)
    pixels[0, 0] = 7


def test_a_tensor_is_refused_before_it_reaches_the_window(lane: Lane, qtbot: QtBot, expect_log: Expected) -> None:
    expect_log("ReturnTensor failed.*plain values")
    failure = outcome(qtbot, lane.submit(helpers.ReturnTensor()))
    assert isinstance(failure, Failed)
    assert failure.kind == "TypeError"


def test_the_engine_holds_neither_qt_nor_the_program_it_was_started_by(lane: Lane, qtbot: QtBot) -> None:
    modules = outcome(qtbot, lane.submit(helpers.ListModules()))
    assert isinstance(modules, frozenset)
    assert not modules & {"PySide6", "shiboken6", "pyqtgraph", "pytest", "_pytest"}


def test_jobs_submitted_before_the_start_wait_for_it(qapp: object, qtbot: QtBot) -> None:
    host = EngineHost(["files"], extra_jobs=helpers.EXTRA_JOBS)
    handle = host.lanes["files"].submit(Count(4))
    host.start()
    assert outcome(qtbot, handle) == 4
    host.shutdown()


def test_an_inline_lane_has_the_same_face(qapp: object, qtbot: QtBot) -> None:
    lane = InlineLane(helpers.EXTRA_FUNCTIONS)
    handle = lane.submit(Count(2))
    said = log_of(handle)
    qtbot.waitUntil(lambda: said[-1:] == ["closed"], timeout=WAIT_MS)
    assert said == [Counted(0), Counted(1), ("succeeded", 2), "closed"]
    assert lane.requests == [Count(2)]


def test_an_inline_lane_can_be_held_back_so_that_the_newest_wins(qapp: object, qtbot: QtBot) -> None:
    lane = InlineLane(helpers.EXTRA_FUNCTIONS)
    lane.hold()
    old, new = (lane.submit(Count(n), replaces="picture") for n in (1, 2))
    said, newer = log_of(old), log_of(new)
    lane.release()
    qtbot.waitUntil(lambda: newer[-1:] == ["closed"], timeout=WAIT_MS)
    assert said == ["cancelled", "closed"]
    assert newer[-2] == ("succeeded", 2)


def test_an_inline_lane_tells_a_bug_from_what_the_user_can_mend(qapp: object, qtbot: QtBot) -> None:
    lane = InlineLane(helpers.EXTRA_FUNCTIONS)
    failure = outcome(qtbot, lane.submit(helpers.Fail("It is torn.", is_mendable=True)))
    assert isinstance(failure, Failed)
    assert not failure.is_bug


def test_every_job_in_the_table_names_its_module_and_function() -> None:
    assert all(place.count(":") == 1 for place in JOBS.values())
    assert EngineStopped("gone").is_suspect
