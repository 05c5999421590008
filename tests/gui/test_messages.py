"""Messages reach the user once, in plain words, and can be copied."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from convnext_studio.core.errors import StorageError
from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.hooks import CrashFile, Hooks, keep_log
from convnext_studio.gui.messages import Message, Messages
from convnext_studio.gui.panels.log_panel import LogPanel
from convnext_studio.gui.panels.message_area import MessageArea
from convnext_studio.gui.stores.studio import Studio


@pytest.fixture
def area(studio: Studio, actions: Actions, qtbot: QtBot) -> MessageArea:
    area = MessageArea(studio, actions)
    qtbot.addWidget(area)
    return area


def test_the_newest_message_is_shown_and_the_others_counted(area: MessageArea, studio: Studio) -> None:
    assert area.isHidden()
    studio.messages.info("First.")
    studio.messages.info("Second.", "Do this.")
    assert area._bar._fact.text() == "Second."
    assert area._bar._what_to_do.text() == "Do this."
    assert area._bar._more.text() == "1 more"
    area._bar._close.click()
    assert area._bar._fact.text() == "First."
    area._bar._close.click()
    assert area.isHidden()


def test_the_same_message_is_not_counted_twice(area: MessageArea, studio: Studio) -> None:
    studio.messages.info("Same.")
    studio.messages.info("Same.")
    area._bar._close.click()
    assert area.isHidden()


def test_success_goes_away_by_itself(area: MessageArea, studio: Studio, qtbot: QtBot) -> None:
    area._timer.setInterval(1)
    studio.messages.success("Saved.")
    assert not area.isHidden()
    qtbot.waitUntil(area.isHidden)


def test_details_are_copied_with_the_fact(area: MessageArea, studio: Studio) -> None:
    studio.messages.info("A fact.", "A hint.", "the details")
    area._bar._copy.click()
    assert QGuiApplication.clipboard().text() == "A fact.\nA hint.\nthe details"


def test_the_action_of_a_message_runs_and_the_message_goes(area: MessageArea, studio: Studio) -> None:
    done = []
    studio.messages.post(Message("info", "A fact.", action_text="Try again", action=lambda: done.append(1)))
    area._bar._action.click()
    assert done == [1]
    assert area.isHidden()


def test_markup_in_a_message_is_shown_letter_by_letter(area: MessageArea, studio: Studio) -> None:
    studio.messages.info("“<b>x</b>.png” is broken.")
    assert area._bar._fact.text() == "“<b>x</b>.png” is broken."


def test_the_end_of_a_job_becomes_fact_and_hint(studio: Studio, expect_message: object) -> None:
    expect_message(".")
    seen: list[Message] = []
    studio.messages.posted.connect(seen.append)
    studio.messages.failed(Failed("StorageError", "The disk is full.", "Free some space.", is_bug=False), "Not saved.")
    studio.messages.failed(Failed("KeyError", "'x'", details="Traceback …"))
    studio.messages.failed(EngineStopped("It was killed."))
    studio.messages.problem(StorageError("No.", "Do."))
    assert [message.what_to_do for message in seen[:1]] == ["The disk is full. Free some space."]
    assert "Traceback" not in seen[1].fact + seen[1].what_to_do
    assert seen[1].details == "Traceback …"
    assert seen[2].what_to_do == "It was killed."
    assert (seen[3].fact, seen[3].what_to_do) == ("No.", "Do.")


@pytest.fixture
def hooks(studio: Studio) -> Iterator[Hooks]:
    hooks = Hooks(studio.messages)
    yield hooks
    hooks.remove()


def test_an_exception_in_any_thread_is_logged_and_shown(
    hooks: Hooks, studio: Studio, qtbot: QtBot, expect_log: object, expect_message: object
) -> None:
    expect_log("boom")
    expect_message("went wrong")

    def fail() -> None:
        raise RuntimeError("boom")

    with qtbot.waitSignal(studio.messages.posted) as posted:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert "boom" in posted.args[0].details
    assert "boom" not in posted.args[0].fact


def test_the_hooks_put_everything_back(studio: Studio) -> None:
    before = sys.excepthook, threading.excepthook
    Hooks(studio.messages).remove()
    assert (sys.excepthook, threading.excepthook) == before


def test_a_crash_file_is_offered_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "state" / "crash.txt"
    first = CrashFile(path)
    first.close()
    assert first.left_behind == ""
    path.write_text("Fatal Python error: Segmentation fault\n")
    second = CrashFile(path)
    second.close()
    assert "Segmentation fault" in second.left_behind
    assert path.read_text() == ""


def test_every_log_file_is_its_owners_alone(tmp_path: Path) -> None:
    handler = keep_log(tmp_path / "state" / "log.txt")
    assert isinstance(handler, RotatingFileHandler)
    try:
        handler.doRollover()
    finally:
        handler.close()
    files = list((tmp_path / "state").iterdir())
    assert sorted(file.name for file in files) == ["log.txt", "log.txt.1"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_where_nothing_can_be_written_the_log_and_crash_file_are_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert keep_log(tmp_path / "file" / "log.txt") is None
    CrashFile(tmp_path / "file" / "crash.txt").close()


def test_the_log_panel_filters_by_level_and_words(
    studio: Studio, actions: Actions, qtbot: QtBot, expect_log: object
) -> None:
    expect_log("grumble")
    logger = logging.getLogger("convnext_studio.test")
    logger.setLevel(logging.INFO)
    logger.addHandler(studio.log.handler)
    panel = LogPanel(studio, actions)
    qtbot.addWidget(panel)
    thread = threading.Thread(target=logger.info, args=("from %s", "another thread"))
    thread.start()
    thread.join()
    logger.warning("a grumble")
    qtbot.waitUntil(lambda: "grumble" in panel.text.toPlainText())
    assert "another thread" in panel.text.toPlainText()
    panel.level.set_index(1)
    assert "another thread" not in panel.text.toPlainText()
    panel.level.set_index(0)
    panel.field.setText("ANOTHER")
    assert "grumble" not in panel.text.toPlainText()
    logger.removeHandler(studio.log.handler)


def test_messages_need_nothing_but_themselves(qapp: object) -> None:
    seen: list[Message] = []
    messages = Messages()
    messages.posted.connect(seen.append)
    messages.success("Done.")
    assert seen == [Message("success", "Done.")]
