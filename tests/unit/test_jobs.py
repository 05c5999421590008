"""The table of Jobs, as threads that serve at once use it."""

from __future__ import annotations

import threading
from types import ModuleType

import pytest

from convnext_studio.core import jobs
from convnext_studio.core.requests import Classify, Explain, FindImages


def test_two_threads_never_import_torch_at_once_and_finding_images_does_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = {"classify": threading.Event(), "explain": threading.Event()}
    may_end = threading.Event()

    def import_module(name: str) -> ModuleType:
        kind = name.rpartition(".")[2]
        if kind in begun:
            begun[kind].set()
            assert may_end.wait(10)
        return ModuleType(name)

    monkeypatch.setattr(jobs.importlib, "import_module", import_module)
    first = threading.Thread(target=jobs.load, args=(Classify,))
    second = threading.Thread(target=jobs.load, args=(Explain,))
    first.start()
    assert begun["classify"].wait(10)
    second.start()
    jobs.load(FindImages)
    assert not begun["explain"].wait(0.1)
    may_end.set()
    first.join(10)
    second.join(10)
    assert begun["explain"].is_set()
