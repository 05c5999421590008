"""Where messages appear: one bar over the page, the newest first, the others counted."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from convnext_studio.gui.actions import Actions
from convnext_studio.gui.messages import Message
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.message_bar import MessageBar

SUCCESS_STAYS_MS = 6000
MOST = 50


class MessageArea(QWidget):
    """Success goes away by itself; the rest stays until it is closed."""

    def __init__(self, studio: Studio, actions: Actions, parent: QWidget | None = None) -> None:  # noqa: ARG002
        super().__init__(parent)
        self._waiting: list[Message] = []
        self._bar = MessageBar(studio.theme)
        self._timer = QTimer(self, singleShot=True, interval=SUCCESS_STAYS_MS)
        self._timer.timeout.connect(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self._bar)
        self._bar.close_pressed.connect(self._close)
        self._bar.copy_pressed.connect(self._copy)
        self._bar.action_pressed.connect(self._act)
        studio.messages.posted.connect(self._on_posted)
        self.hide()

    def _on_posted(self, message: Message) -> None:
        same = [
            m
            for m in self._waiting
            if (m.kind, m.fact, m.what_to_do) == (message.kind, message.fact, message.what_to_do)
        ]
        for old in same:
            self._waiting.remove(old)
        self._waiting = [message, *(m for m in self._waiting if m.kind != "success")][:MOST]
        self._show()

    def _show(self) -> None:
        self._timer.stop()
        self.setVisible(bool(self._waiting))
        if not self._waiting:
            return
        top = self._waiting[0]
        self._bar.show_message(
            top.kind, top.fact, top.what_to_do, action_text=top.action_text, has_details=bool(top.details)
        )
        more = len(self._waiting) - 1
        self._bar.show_count(self.tr("{} more").format(more) if more else "")
        if top.kind == "success":
            self._timer.start()

    def _close(self) -> None:
        if self._waiting:
            del self._waiting[0]
        self._show()

    def _copy(self) -> None:
        top = self._waiting[0]
        QGuiApplication.clipboard().setText("\n".join(filter(None, (top.fact, top.what_to_do, top.details))))

    def _act(self) -> None:
        action = self._waiting[0].action
        self._close()
        if action is not None:
            action()
