"""What a user can mend.

StudioError
├── ImageError        an Image cannot be opened
├── ModelError        a Model, its weights or its card cannot be used
│   ├── MissingWeights    the weights are not on this machine
│   └── UnsafeWeights     the file would run code or does not match its recorded hash
├── DownloadError     a download did not arrive whole
├── StorageError      a file cannot be written (disk full, read-only, gone)
├── DeviceError       the device is absent or out of memory
├── DataError         a data set cannot be used
├── RunError          a Run cannot be begun, or cannot go on
└── UsageError        the request makes no sense as asked

Anything else that is raised is a bug of ours and is shown as one.
"""

from __future__ import annotations


class StudioError(Exception):
    """Something a user can mend: what happened, and what to do.

    `message` and `hint` are whole sentences in plain words; `hint` may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ImageError(StudioError):
    """An Image cannot be opened."""


class ModelError(StudioError):
    """A Model, its weights or its card cannot be used."""


class MissingWeights(ModelError):
    """The weights are not on this machine."""


class UnsafeWeights(ModelError):
    """The file would run code, or is not what its recorded hash says."""


class DownloadError(StudioError):
    """A download did not arrive whole."""


class StorageError(StudioError):
    """A file cannot be written."""


class DeviceError(StudioError):
    """The device is absent or has too little memory."""


class DataError(StudioError):
    """A data set cannot be used."""


class RunError(StudioError):
    """A Run cannot be begun, or cannot go on."""


class UsageError(StudioError):
    """The request makes no sense as asked."""
