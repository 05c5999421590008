"""A Chromium without a screen, driven through ChromeDriver's own protocol: what a page takes until it is really drawn.

Debian's packages `chromium` and `chromium-driver`; nothing is looked up outside this machine.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from types import TracebackType
from typing import Any

import psutil

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1440,900",
)  # fmt: skip


def is_there() -> bool:
    """Whether this machine has one."""
    return all(map(shutil.which, ("chromium", "chromedriver")))


class Browser:
    """Open at an empty page on entering."""

    def __enter__(self) -> Browser:
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        self._profile = tempfile.TemporaryDirectory()
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._address = f"http://localhost:{port}/session"
        options = {"binary": shutil.which("chromium"), "args": [*FLAGS, f"--user-data-dir={self._profile.name}"]}
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        until = time.monotonic() + 60
        while True:
            try:
                self._address += f"/{self._ask('', wanted)['sessionId']}"
                return self
            except urllib.error.URLError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._send(urllib.request.Request(self._address, method="DELETE"))
        self._driver.terminate()
        self._driver.wait()
        self._profile.cleanup()

    def open(self, address: str) -> None:
        """Go to a page and wait until it is loaded."""
        self._ask("/url", {"url": address})

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self._ask("/execute/sync", {"script": script, "args": []})

    @property
    def memory(self) -> int:
        """Bytes of all its processes; what they share is counted once."""
        taken = 0
        for process in psutil.Process(self._driver.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # some end by themselves
                taken += process.memory_full_info().pss
        return taken

    def _ask(self, what: str, body: dict[str, Any]) -> Any:
        head = {"Content-Type": "application/json"}
        return self._send(urllib.request.Request(self._address + what, json.dumps(body).encode(), head))

    def _send(self, request: urllib.request.Request) -> Any:
        with urllib.request.urlopen(request, timeout=120) as reply:
            return json.load(reply)["value"]
