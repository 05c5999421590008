"""The table of Jobs, as threads that serve at once use it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from convnext_studio.core import jobs
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.requests import Classify, Explain, FindImages
from convnext_studio.core.values import ImageRef, ModelRef

ROOT = Path(__file__).parents[2]


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
    monkeypatch.setattr(jobs, "_loaded", {})
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


def test_what_is_imported_already_waits_for_nobody_and_who_waits_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = jobs.job_for(Classify((), ModelRef()))
    ctx = JobContext()
    monkeypatch.setattr(jobs, "_loaded", {"convnext_studio.core.predict.classify": sys.modules[job.__module__]})
    with jobs._importing:  # as if another thread imported something else
        assert jobs.job_for(Classify((), ModelRef())) is job
        waiting = threading.Timer(0.2, ctx.cancel.set)
        waiting.start()
        with pytest.raises(Cancelled):
            jobs.run(Explain(ImageRef("a.png"), ModelRef()), ctx)
        waiting.join()


def test_what_is_said_to_do_without_torch_does_not_import_it() -> None:
    names = {row.partition(":")[0] for row in jobs.JOBS.values()}
    code = f"import sys, {', '.join(sorted(name for name in names if name.startswith(jobs.WITHOUT_TORCH)))}"
    code += "; sys.exit(any(name in sys.modules for name in ('torch', 'torchvision', 'timm')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
