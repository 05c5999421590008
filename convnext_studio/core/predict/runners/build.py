"""From a Plan to the Runner that carries it out. Engines that are extras are imported only when they are asked for."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from convnext_studio.core.models.network import LoadedModel
from convnext_studio.core.predict.runners.base import Plan, Runner
from convnext_studio.core.predict.runners.torch_runner import TorchRunner


def cache_folder() -> Path:
    """Where things are kept that can be made again: measurements and converted networks."""
    return Path(platformdirs.user_cache_dir("convnext-studio", appauthor=False))


def build_runner(model: LoadedModel, plan: Plan) -> Runner:
    """Make `model` ready to run as `plan` says; the Model itself is not changed."""
    if plan.engine == "openvino":
        from convnext_studio.core.predict.runners.openvino_runner import OpenVinoRunner

        folder = cache_folder() / "openvino"
        return OpenVinoRunner(model.network, model.preprocessing, plan, model.identity, folder)
    if plan.engine == "onnxruntime":
        from convnext_studio.core.predict.runners.onnx_runner import OnnxRunner

        return OnnxRunner(model.network, model.preprocessing, plan)
    return TorchRunner(model.network, model.preprocessing, plan)
