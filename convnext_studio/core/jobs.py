"""The table Request -> Job, and the one way in for every front end.

Jobs are named by text and imported on first use: importing this module must stay cheap and free of torch, because
the window imports it too.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

from convnext_studio.core import requests
from convnext_studio.core.context import JobContext

Job = Callable[[Any, JobContext], object]

_CORE = "convnext_studio.core"
JOBS: dict[type, str] = {
    requests.FindImages: f"{_CORE}.images.find:find_images",
    requests.OpenImage: f"{_CORE}.images.show:open_image",
    requests.ShowModelInput: f"{_CORE}.images.show:show_model_input",
    requests.MakeThumbnails: f"{_CORE}.images.thumbnails:make_thumbnails",
    requests.FindWeights: f"{_CORE}.models.weights:find_weights",
    requests.DownloadWeights: f"{_CORE}.models.download:download_weights",
    requests.LoadModel: f"{_CORE}.predict.classify:load_model",
    requests.Classify: f"{_CORE}.predict.classify:classify",
    requests.MeasureSpeed: f"{_CORE}.predict.calibrate:measure_speed",
    requests.FindDevices: f"{_CORE}.predict.device:find_devices",
    requests.SaveResults: f"{_CORE}.predict.results:save_results",
    requests.CopyByClass: f"{_CORE}.predict.results:copy_by_class",
    requests.MakeSample: f"{_CORE}.data.sample:make_sample",
}


def job_for(request: object) -> Job:
    """Return the Job that serves `request`, importing its module if need be."""
    module, _, name = JOBS[type(request)].partition(":")
    return cast(Job, getattr(importlib.import_module(module), name))


def run(request: object, ctx: JobContext) -> object:
    """Serve `request` here and now. Raises `Cancelled` and whatever the Job raises."""
    ctx.check()
    return job_for(request)(request, ctx)
