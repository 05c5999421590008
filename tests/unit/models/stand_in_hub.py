"""A hub on loopback with one file, and the faults a real one shows."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c" * 40


class StandInHub(ThreadingHTTPServer):
    """Answers `HEAD` and `GET` as a hub does: the first address redirects, the second gives the bytes."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.cut_after: int | None = None  # bytes until the connection is cut, once
        self.error = 0  # HTTP status to answer with
        self.hold = threading.Event()  # set = go on; cleared = stall in the middle of the body
        self.hold.set()
        self.is_ignoring_ranges = False
        self.seen: list[tuple[str, str]] = []  # method, Range

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: StandInHub

    def do_HEAD(self) -> None:
        self._answer(is_body_wanted=False)

    def do_GET(self) -> None:
        self._answer(is_body_wanted=True)

    def _answer(self, *, is_body_wanted: bool) -> None:
        hub = self.server
        hub.seen.append((self.command, self.headers.get("Range", "")))
        if hub.error:
            self.send_error(hub.error)
        elif not self.path.startswith("/cdn/"):
            self.send_response(302)
            self.send_header("Location", f"{hub.address}/cdn/file")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("x-linked-etag", f'"{hub.sha256}"')
            self.send_header("X-Linked-Size", str(len(hub.content)))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif is_body_wanted:
            self._send_body()

    def _send_body(self) -> None:
        hub = self.server
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and not hub.is_ignoring_ranges else 0
        body = hub.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, hub.cut_after = hub.cut_after, None
        self.wfile.write(body[: cut if cut is not None else len(body) // 2])
        self.wfile.flush()
        if cut is None:
            hub.hold.wait(10)
            self.wfile.write(body[len(body) // 2 :])

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            return

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


@contextmanager
def stand_in_hub(content: bytes) -> Iterator[StandInHub]:
    """Run the hub until the block ends."""
    hub = StandInHub(content)
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.hold.set()
        hub.shutdown()
        hub.server_close()
        thread.join()
