"""One more try for what was asked for and never answered, because another Job ended the Engine."""

from __future__ import annotations

from convnext_studio.core.events import EngineStopped, Failed


class Again:
    """Allows each wish one more try; a second end of the Engine is told."""

    def __init__(self) -> None:
        self._tried: object = None

    def allows(self, end: Failed | EngineStopped, wish: object) -> bool:
        """True if `wish` failed by no fault of its own, for the first time."""
        if not isinstance(end, EngineStopped) or end.is_suspect or wish == self._tried:
            return False
        self._tried = wish
        return True
