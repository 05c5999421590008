"""What we say to a hub: one question about a file, one stream of its bytes. The only sockets of the program.

Redirects, range requests and the `X-Linked-…` headers are as the Hugging Face hub documents them; HF_ENDPOINT names
another hub. Nothing is reported to anyone: no telemetry, no user identity beyond a token the user has stored.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message

from huggingface_hub import constants, get_token

TIMEOUT_S = 10.0
_AGENT = "convnext-studio"
_MAX_REDIRECTS = 5

HubFailure = (OSError, http.client.HTTPException, ValueError)  # all that a connection may raise


@dataclass(frozen=True)
class RemoteFile:
    """A file on a hub. `size` in bytes, 0 = not told; `etag` names its content, a SHA-256 where `sha256` is not ""."""

    url: str
    commit: str
    etag: str
    size: int

    @property
    def sha256(self) -> str:
        """The file's SHA-256, "" where the hub does not tell it."""
        return self.etag if re.fullmatch("[0-9a-f]{64}", self.etag) else ""


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Do not follow redirects: the first answer carries the facts."""

    def redirect_request(self, *_: object) -> None:
        return None


def ask(repository: str, name: str) -> RemoteFile:
    """Ask the hub about one file. Raises what `HubFailure` names."""
    url = f"{endpoint()}/{repository}/resolve/main/{name}"
    for _ in range(_MAX_REDIRECTS):
        headers = _head(url)
        target = headers.get("location", "")
        if target.startswith("/") and "x-linked-etag" not in headers:  # the repository was renamed
            url = urllib.parse.urljoin(url, target)
            continue
        etag = (headers.get("x-linked-etag") or headers.get("etag") or "").removeprefix("W/").strip('"')
        commit = headers.get("x-repo-commit", "")
        if not re.fullmatch("[0-9a-f]{40,64}", etag) or not re.fullmatch("[0-9a-f]{40}", commit):
            raise ValueError("the answer does not come from a model hub")
        size = headers.get("x-linked-size") or headers.get("content-length") or "0"
        return RemoteFile(url, commit, etag, int(size))
    raise ValueError("the hub sends us in circles")


class Stream:
    """The bytes of a remote file from `start` on; `close` may be called from another thread and ends a waiting read."""

    def __init__(self, file: RemoteFile, start: int) -> None:
        request = _request(file.url, "GET")
        if start:
            request.add_header("Range", f"bytes={start}-")
        self._response = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310
        self.is_from_start = self._response.status != http.client.PARTIAL_CONTENT

    def read(self, size: int) -> bytes:
        """The next bytes; b"" at the end or when the connection is cut."""
        data: bytes = self._response.read1(size)
        return data

    def close(self) -> None:
        """End the connection at once."""
        with contextlib.suppress(OSError, ValueError):
            twin = socket.socket(fileno=os.dup(self._response.fileno()))
            with twin:
                twin.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Give the connection back, from the thread that reads."""
        self._response.close()


def endpoint() -> str:
    """The hub's address, as the environment says now. Raises `ValueError` when it is no web address."""
    address = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    if urllib.parse.urlsplit(address).scheme not in ("http", "https"):
        raise ValueError(f"HF_ENDPOINT is no web address: {address}")
    return address.rstrip("/")


def is_switched_off() -> bool:
    """Whether the environment forbids downloads."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")


def _head(url: str) -> dict[str, str]:
    opener = urllib.request.build_opener(_StayHere)
    try:
        with opener.open(_request(url, "HEAD"), timeout=TIMEOUT_S) as response:
            return _by_lower_name(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            if error.code not in (301, 302, 303, 307, 308):
                raise
            return _by_lower_name(error.headers)


def _by_lower_name(headers: Message) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}


def _request(url: str, method: str) -> urllib.request.Request:
    request = urllib.request.Request(url, method=method)  # noqa: S310 - `endpoint` lets only web addresses through
    request.add_header("User-Agent", _AGENT)
    request.add_header("Accept-Encoding", "identity")
    token = get_token()
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    return request
