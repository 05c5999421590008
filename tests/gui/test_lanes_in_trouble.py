"""Lanes and the Engine when things go wrong: crashes, hangs, Jobs that ignore a cancel, Engines that never get up."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from pytestqt.qtbot import QtBot

from convnext_studio.core.events import EngineStopped
from convnext_studio.gui.engine_host import EngineHost
from convnext_studio.gui.jobs import JobHandle
from convnext_studio.gui.lane import Patience
from tests import helpers
from tests.guards import Expected, wait_until
from tests.helpers import Count, log_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals")

WAIT_MS = 30_000
FOR_EVER = Count(10**6, pause_s=0.01)
IMPATIENT = Patience(stop_s=0.3, replaced_s=0.6, beat_s=3.0, start_s=20.0)


@pytest.fixture
def host(qapp: object) -> Iterator[EngineHost]:
    host = EngineHost(["interactive", "batch"], extra_jobs=helpers.EXTRA_JOBS, patience=IMPATIENT)
    host.start()
    yield host
    host.shutdown()


def outcome(qtbot: QtBot, handle: JobHandle) -> object:
    said = log_of(handle)
    qtbot.waitUntil(lambda: said[-1:] == ["closed"], timeout=WAIT_MS)
    end = said[-2]
    return end[1] if isinstance(end, tuple) else end


def is_running(qtbot: QtBot, handle: JobHandle) -> None:
    with qtbot.waitSignal(handle.events, timeout=WAIT_MS):
        pass


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, "killed, perhaps because the computer ran out of memory"), (signal.SIGSEGV, "crashed.*SIGSEGV")],
)
def test_a_job_that_crashes_the_engine_fails_with_the_reason_and_the_queued_one_runs(
    host: EngineHost, qtbot: QtBot, expect_log: Expected, number: int, words: str
) -> None:
    expect_log(words)
    reasons: list[str] = []
    host.restarted.connect(reasons.append)
    first = host.pid
    queued: list[object] = []
    crashing = host.lanes["interactive"].submit(helpers.Crash(number))
    host.lanes["interactive"].submit(Count(4)).succeeded.connect(queued.append)
    failure = outcome(qtbot, crashing)
    assert isinstance(failure, EngineStopped)
    assert failure.is_suspect
    assert reasons == [failure.message]
    qtbot.waitUntil(lambda: queued == [4], timeout=WAIT_MS)
    assert host.pid != first


def test_a_crash_ends_the_running_job_of_every_lane_and_all_are_suspects(
    host: EngineHost, qtbot: QtBot, expect_log: Expected
) -> None:
    expect_log("was killed")
    running = [lane.submit(FOR_EVER) for lane in host.lanes.values()]
    for handle in running:
        is_running(qtbot, handle)
    assert host.pid is not None
    logs = [log_of(handle) for handle in running]
    os.kill(host.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: all(said[-1:] == ["closed"] for said in logs), timeout=WAIT_MS)
    ends = [said[-2] for said in logs]
    assert all(isinstance(end, tuple) and isinstance(end[1], EngineStopped) and end[1].is_suspect for end in ends)


def test_an_engine_that_dies_while_idle_is_replaced_and_no_job_fails(
    host: EngineHost, qtbot: QtBot, expect_log: Expected
) -> None:
    expect_log("was killed")
    lane = host.lanes["interactive"]
    assert outcome(qtbot, lane.submit(Count(1))) == 1
    first = host.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    qtbot.waitUntil(lambda: host.pid not in (first, None), timeout=WAIT_MS)
    assert outcome(qtbot, lane.submit(Count(2))) == 2


def test_a_job_that_says_nothing_for_its_deadline_is_ended_and_named_as_the_cause(
    host: EngineHost, qtbot: QtBot, expect_log: Expected
) -> None:
    expect_log("said nothing for 0.5 s")
    innocent = host.lanes["batch"].submit(FOR_EVER)
    is_running(qtbot, innocent)
    hanging = host.lanes["interactive"].submit(helpers.Hang(), deadline_s=0.5)
    ends = [log_of(hanging), log_of(innocent)]
    qtbot.waitUntil(lambda: all(said[-1:] == ["closed"] for said in ends), timeout=WAIT_MS)
    guilty, other = (said[-2] for said in ends)
    assert isinstance(guilty, tuple) and isinstance(other, tuple)
    assert (guilty[1].is_suspect, other[1].is_suspect) == (True, False)


def test_a_job_that_goes_on_reporting_may_outlast_its_deadline(host: EngineHost, qtbot: QtBot) -> None:
    assert outcome(qtbot, host.lanes["batch"].submit(Count(12, pause_s=0.1), deadline_s=0.8)) == 12


def test_stop_always_ends_even_a_job_that_ignores_it(host: EngineHost, qtbot: QtBot, expect_log: Expected) -> None:
    expect_log("did not stop when it was asked to")
    lane = host.lanes["batch"]
    first = host.pid
    is_running(qtbot, lane.submit(Count(2)))
    hanging = lane.submit(helpers.Hang())
    qtbot.waitUntil(lambda: lane._relay.serving is not None, timeout=WAIT_MS)
    queued = lane.submit(Count(3))
    said = log_of(queued)
    hanging.cancel()
    assert outcome(qtbot, hanging) == "cancelled"
    qtbot.waitUntil(lambda: said[-1:] == ["closed"], timeout=WAIT_MS)
    assert said[-2] == ("succeeded", 3)
    assert host.pid != first


def test_a_stopped_job_is_noticed_and_ends_soon(host: EngineHost, qtbot: QtBot) -> None:
    handle = host.lanes["batch"].submit(FOR_EVER)
    is_running(qtbot, handle)
    since = time.monotonic()
    handle.cancel()
    assert outcome(qtbot, handle) == "cancelled"
    assert time.monotonic() - since < 1.0


def test_an_engine_whose_job_holds_the_interpreter_is_found_silent_and_replaced(
    host: EngineHost, qtbot: QtBot, expect_log: Expected
) -> None:
    expect_log("stopped answering")
    lane = host.lanes["interactive"]
    assert outcome(qtbot, lane.submit(Count(1))) == 1
    failure = outcome(qtbot, lane.submit(helpers.HoldGil()))
    assert isinstance(failure, EngineStopped)
    assert failure.message == "The Engine stopped answering."
    assert outcome(qtbot, lane.submit(Count(2))) == 2


def test_a_window_that_slept_blames_nobody(host: EngineHost, qtbot: QtBot) -> None:
    lane = host.lanes["interactive"]
    handle = lane.submit(Count(40, pause_s=0.1), deadline_s=2.0)
    is_running(qtbot, handle)
    assert host.pid is not None
    engine = psutil.Process(host.pid)
    engine.suspend()
    time.sleep(IMPATIENT.beat_s + 0.5)  # the window sleeps: that is what is tested, not waited for
    engine.resume()
    assert outcome(qtbot, handle) == 40


def test_a_child_that_a_dead_engine_left_behind_does_not_hold_the_lane(
    host: EngineHost, qtbot: QtBot, expect_log: Expected
) -> None:
    expect_log("was killed")
    lane = host.lanes["interactive"]
    failure = outcome(qtbot, lane.submit(helpers.ForkAndCrash(seconds=10.0)))
    assert isinstance(failure, EngineStopped)
    assert outcome(qtbot, lane.submit(Count(2))) == 2


def test_an_engine_that_never_gets_up_is_given_up_with_the_reason_and_may_be_tried_again(
    qapp: object, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, expect_log: Expected
) -> None:
    expect_log(r"ended unexpectedly \(exit code 3\)")
    host = EngineHost(["interactive"], extra_jobs=helpers.EXTRA_JOBS)
    reasons: list[str] = []
    host.given_up.connect(reasons.append)
    with monkeypatch.context() as patch:
        patch.setattr("convnext_studio.launch.engine.serve", helpers.quit_at_once)
        host.start()
        failure = outcome(qtbot, host.lanes["interactive"].submit(Count(1)))
    assert isinstance(failure, EngineStopped)
    assert reasons == [
        "The Engine could not be started, 3 times in a row. The Engine ended unexpectedly (exit code 3)."
    ]
    host.start()
    assert outcome(qtbot, host.lanes["interactive"].submit(Count(2))) == 2
    host.shutdown()


@pytest.mark.parametrize(
    "work",
    [lambda: FOR_EVER, helpers.Hang, helpers.HoldGil, lambda: helpers.MakeArray((4000, 4000, 3))],
    ids=["a stream", "a hang", "the interpreter held", "a large array"],
)
def test_a_shutdown_while_a_job_runs_takes_at_most_five_seconds_and_leaves_nothing(
    host: EngineHost, qtbot: QtBot, work: Callable[[], object]
) -> None:
    lane = host.lanes["batch"]
    lane.submit(work())
    lane.submit(Count(3))
    qtbot.waitUntil(lambda: lane._relay.serving is not None, timeout=WAIT_MS)
    pid = host.pid
    assert pid is not None
    since = time.monotonic()
    host.shutdown()
    assert time.monotonic() - since < 5.0
    assert not psutil.pid_exists(pid)


def test_a_shutdown_while_the_engine_starts_leaves_nothing(qapp: object) -> None:
    host = EngineHost()
    host.start()
    pid = host.pid
    assert pid is not None
    host.shutdown()
    host.shutdown()
    assert not psutil.pid_exists(pid)


def test_many_windows_in_a_row_leave_no_descriptor_and_no_thread(qapp: object, qtbot: QtBot) -> None:
    me = psutil.Process()

    def open_and_close(n: int) -> None:
        host = EngineHost(["interactive", "batch"], extra_jobs=helpers.EXTRA_JOBS)
        host.start()
        host.lanes["batch"].submit(Count(10))
        if n % 4 == 0:
            assert outcome(qtbot, host.lanes["interactive"].submit(Count(1))) == 1
        host.shutdown()
        host.deleteLater()

    open_and_close(0)
    threads, files = me.num_threads(), me.num_fds()
    for n in range(12):
        open_and_close(n)
    assert wait_until(lambda: me.num_threads() <= threads)  # joined threads go a moment later
    assert me.num_fds() <= files + 2
