"""Where the window keeps its things: settings, sample images, logs; one folder each, by the system's custom."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

_NAME = "convnext-studio"


@dataclass(frozen=True)
class Places:
    """`config`: settings; `data`: what the program made; `cache`: what can be made again; `state`: logs, memory."""

    config: Path
    data: Path
    cache: Path
    state: Path

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.config / "settings.json"

    @property
    def shortcuts(self) -> Path:
        """The keys that the user gave to actions."""
        return self.config / "shortcuts.json"

    @property
    def window(self) -> Path:
        """What the window remembers: its place, widths, the Model used last."""
        return self.state / "window.json"

    @property
    def recent(self) -> Path:
        """The list of recent places."""
        return self.state / "recent.json"

    @property
    def log(self) -> Path:
        """What the program noted in this and the last starts."""
        return self.state / "log.txt"

    @property
    def sample(self) -> Path:
        """The generated sample images."""
        return self.data / "sample"

    @property
    def runs(self) -> Path:
        """The Runs, unless the settings name another folder."""
        return self.data / "runs"


def usual_places() -> Places:
    """The places by the system's custom; nothing is made."""
    dirs = platformdirs.PlatformDirs(_NAME, appauthor=False)
    return Places(dirs.user_config_path, dirs.user_data_path, dirs.user_cache_path, dirs.user_state_path)
