"""A network run by OpenVINO on the CPU."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from convnext_studio.core.files import oldest
from convnext_studio.core.models.architecture import takes_any_size
from convnext_studio.core.predict.device import usable_cores
from convnext_studio.core.predict.runners.base import Batch, Logits, Plan
from convnext_studio.core.values import Preprocessing

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # or the next line would report home
import openvino as ov  # noqa: E402
from openvino.preprocess import PrePostProcessor  # noqa: E402

# Its first array sets up numpy's side under a lock of C++ that it keeps while it waits for Python's: two threads that
# hand over their first arrays at once wait for each other for ever. Here the lock of imports sees to one at a time.
ov.Tensor(np.zeros(1, np.uint8), shared_memory=True)

_log = logging.getLogger(__name__)
_LARGEST_KEPT_BYTES = 512 * 2**20
_KEPT_FILES = 8
_EXAMPLE_SIDE = 64
_UNFINISHED = "unfinished-"
_WRITTEN_WITHIN_S = 3600.0
_PROOF = ".sha256"
_SUFFIXES = (".bin", _PROOF, ".xml")  # the last one says that all are there


class OpenVinoRunner:
    """Runs a network that was converted once and is kept, converted, in `folder`."""

    def __init__(
        self, network: nn.Module, preprocessing: Preprocessing, plan: Plan, identity: str, folder: Path
    ) -> None:
        graph = _normalising(_converted(network, preprocessing, identity, folder), preprocessing)
        self._compiled = ov.Core().compile_model(
            graph,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16" if plan.precision == "bf16" else "f32",
                "EXECUTION_MODE_HINT": "PERFORMANCE" if plan.precision == "bf16" else "ACCURACY",
                "NUM_STREAMS": plan.streams,
                "INFERENCE_NUM_THREADS": usable_cores(),
                "ENABLE_CPU_PINNING": False,  # the decoders of other threads need to move freely
            },
        )
        self._local = threading.local()

    def run(self, batch: Batch) -> Logits:
        """Return the logits of `batch`."""
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        answer = self._local.request.infer([batch], share_inputs=True)
        return np.asarray(answer[0], np.float32)


def _converted(network: nn.Module, preprocessing: Preprocessing, identity: str, folder: Path) -> ov.Model:
    """Read the converted network from `folder`, or convert it and keep it there.

    What is kept must be what was written: a flipped bit loads silently, and would answer under the Model's identity.
    """
    name = f"{identity[:32]}-{preprocessing.height}x{preprocessing.width}"
    path = folder / f"{name}-{ov.__version__.split('-')[0]}.xml"
    try:
        if path.is_file():
            os.utime(path)
            if _digest(path) == path.with_suffix(_PROOF).read_bytes():
                return ov.Core().read_model(path)
            _log.info("The kept network %s is not what was written", path.name)
    except (RuntimeError, OSError) as error:
        _log.info("The kept network %s is not usable: %s", path.name, error)
    size = (_EXAMPLE_SIDE,) * 2 if takes_any_size(network) else (preprocessing.height, preprocessing.width)
    example = torch.zeros(1, 3, *size)  # the converter runs it through the network, in torch's own time
    with _quiet_conversion(), torch.inference_mode():
        graph = ov.convert_model(network.eval().float(), example_input=example)
    graph.reshape({0: [-1, 3, preprocessing.height, preprocessing.width]})
    _keep(graph, network, path)
    return graph


def _keep(graph: ov.Model, network: nn.Module, path: Path) -> None:
    """Write `graph` for the next start, best effort; the oldest of many are dropped, and what a killed process left."""
    if sum(part.numel() * part.element_size() for part in network.parameters()) > _LARGEST_KEPT_BYTES:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in path.parent.glob(f"{_UNFINISHED}*"):
            with contextlib.suppress(OSError):  # another process was quicker
                if time.time() - left.stat().st_mtime > _WRITTEN_WITHIN_S:
                    shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=path.parent) as folder:
            part = Path(folder) / path.name
            ov.save_model(graph, part, compress_to_fp16=False)
            part.with_suffix(_PROOF).write_bytes(_digest(part))
            for suffix in _SUFFIXES:
                part.with_suffix(suffix).replace(path.with_suffix(suffix))
        for old in oldest(path.parent, "*.xml", but=_KEPT_FILES):
            for suffix in _SUFFIXES:
                old.with_suffix(suffix).unlink(missing_ok=True)
    except (RuntimeError, OSError) as error:
        _log.info("The converted network was not kept: %s", error)


def _digest(path: Path) -> bytes:
    """SHA-256 of a kept network, of both its files."""
    digest = hashlib.sha256()
    for suffix in (".bin", ".xml"):
        with path.with_suffix(suffix).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.digest()


def _normalising(graph: ov.Model, preprocessing: Preprocessing) -> ov.Model:
    """Let the graph take uint8 (n, h, w, 3) and do mean and std itself."""
    steps = PrePostProcessor(graph)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout("NCHW"))
    mean = [255 * value for value in preprocessing.mean]
    scale = [255 * value for value in preprocessing.std]
    steps.input().preprocess().convert_element_type(ov.Type.f32).mean(mean).scale(scale)
    return steps.build()


@contextlib.contextmanager
def _quiet_conversion() -> Iterator[None]:
    """OpenVINO's converter uses a part of torch that warns on every call; nothing here can change that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
