"""The table Request -> Job, and the one way in for every front end.

Jobs are named by text and imported on first use: importing this module must stay cheap and free of torch, because
the window imports it too.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import threading
import traceback
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, cast

from convnext_studio.core import requests, run_requests
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import StudioError
from convnext_studio.core.events import End, Failed, Stopped, Succeeded

Job = Callable[[Any, JobContext], object]

_CORE = "convnext_studio.core"
_LAUNCH = "convnext_studio.launch"
JOBS: dict[type, str] = {
    requests.FindImages: f"{_CORE}.images.find:find_images",
    requests.LookAtPlaces: f"{_CORE}.images.look:look_at_places",
    requests.ReadDates: f"{_CORE}.images.look:read_dates",
    requests.OpenImage: f"{_CORE}.images.show:open_image",
    requests.KeepPasted: f"{_CORE}.images.pasted:keep_pasted",
    requests.ShowModelInput: f"{_CORE}.images.show:show_model_input",
    requests.MakeThumbnails: f"{_CORE}.images.thumbnails:make_thumbnails",
    requests.FindWeights: f"{_CORE}.models.weights:find_weights",
    requests.DownloadWeights: f"{_CORE}.models.download:download_weights",
    requests.ReadCards: f"{_CORE}.models.cards:read_cards",
    requests.LoadModel: f"{_CORE}.predict.classify:load_model",
    requests.Classify: f"{_CORE}.predict.classify:classify",
    requests.MeasureSpeed: f"{_CORE}.predict.calibrate:measure_speed",
    requests.FindDevices: f"{_CORE}.predict.device:find_devices",
    run_requests.SaveTable: f"{_CORE}.predict.results:save_table",
    requests.SaveResults: f"{_CORE}.predict.results:save_results",
    requests.CopyByClass: f"{_CORE}.predict.results:copy_by_class",
    requests.MakeSample: f"{_CORE}.data.sample:make_sample",
    requests.Explain: f"{_CORE}.explain.explain:explain",
    requests.ExplainFolder: f"{_CORE}.explain.folder:explain_folder",
    requests.SaveHeatmap: f"{_CORE}.explain.save:save_heatmap",
    requests.CheckExplanations: f"{_CORE}.explain.check:check_explanations",
    requests.DescribeNetwork: f"{_CORE}.explain.describe:describe_network",
    requests.ShowActivations: f"{_CORE}.explain.explain:show_activations",
    requests.IndexFeatures: f"{_CORE}.explain.nearest:index_features",
    requests.FindNearest: f"{_CORE}.explain.nearest:find_nearest",
    requests.CheckDataSet: f"{_CORE}.data.checks:check_data_set",
    requests.EditLabels: f"{_CORE}.data.journal:edit_labels",
    requests.PreviewAugmentation: f"{_CORE}.training.preview:preview_augmentation",
    requests.FindLearningRate: f"{_CORE}.training.learning_rate:find_learning_rate",
    requests.MeasureTraining: f"{_CORE}.training.pace:measure_training",
    requests.Train: f"{_CORE}.training.fit:train",
    requests.StartRun: f"{_LAUNCH}.run:start_run",
    requests.ResumeRun: f"{_LAUNCH}.run:resume_run",
    requests.FollowRun: f"{_CORE}.runs.follower:follow_run",
    requests.SavePlot: f"{_CORE}.runs.plots:save_plot",
    requests.FindAnswered: f"{_CORE}.runs.answers:find_answered",
    requests.FindRuns: f"{_CORE}.runs.summary:find_runs",
    requests.SteerRun: f"{_CORE}.runs.control:steer_run",
    run_requests.DescribeRun: f"{_CORE}.runs.about:describe_run",
    run_requests.RestoreRun: f"{_CORE}.runs.about:restore_run",
    run_requests.ReadRecipes: f"{_CORE}.runs.about:read_recipes",
    run_requests.ReadHistories: f"{_CORE}.runs.follower:read_histories",
    run_requests.ReadQueue: f"{_CORE}.runs.queue:read_queue",
    run_requests.ChangeQueue: f"{_CORE}.runs.queue:change_queue",
    run_requests.StartNext: f"{_LAUNCH}.run:start_next",
    requests.Evaluate: f"{_CORE}.evaluation.evaluate:evaluate",
    requests.OpenEvaluation: f"{_CORE}.evaluation.kept:open_evaluation",
    requests.FindEvaluations: f"{_CORE}.evaluation.kept:find_evaluations",
    requests.CompareEvaluations: f"{_CORE}.evaluation.compare:compare_evaluations",
    requests.SaveEvaluation: f"{_CORE}.evaluation.save:save_evaluation",
}


_LOOK_S = 0.1  # how often one who waits for another's import looks for a stop
_importing = threading.Lock()  # torchvision, imported by two threads at once, shows one of them half a module
_loaded: dict[str, ModuleType] = {}
atexit.register(gc.unfreeze)  # what is still frozen at the very end is taken for leaked by the libraries that made it
WITHOUT_TORCH = (  # what shall not wait while another thread imports torch
    f"{_CORE}.data.",
    f"{_CORE}.evaluation.compare",
    f"{_CORE}.evaluation.kept",
    f"{_CORE}.evaluation.save",
    f"{_CORE}.images.",
    f"{_CORE}.models.",
    f"{_CORE}.predict.results",
    f"{_CORE}.runs.",
    f"{_LAUNCH}.",
)


def job_for(request: object, check: Callable[[], None] = lambda: None) -> Job:
    """Return the Job that serves `request`, importing its module if need be.

    `check` is called while another thread's import has to be waited for; what it raises ends the wait.
    """
    return cast(Job, getattr(_module_for(type(request), check), JOBS[type(request)].partition(":")[2]))


def load(kind: type) -> None:
    """Import what serves Requests of this kind, which may take seconds; `run` does so too."""
    _module_for(kind, lambda: None)


def _module_for(kind: type, check: Callable[[], None]) -> ModuleType:
    name = JOBS[kind].partition(":")[0]
    if name not in _loaded:
        with contextlib.nullcontext() if name.startswith(WITHOUT_TORCH) else _alone(check):
            _loaded[name] = importlib.import_module(name)
            gc.freeze()  # it stays: to look at all objects of torch for litter takes 0.2 s and holds up every thread
    return _loaded[name]


@contextlib.contextmanager
def _alone(check: Callable[[], None]) -> Iterator[None]:
    while not _importing.acquire(timeout=_LOOK_S):
        check()
    try:
        yield
    finally:
        _importing.release()


def run(request: object, ctx: JobContext) -> object:
    """Serve `request` here and now. Raises `Cancelled` and whatever the Job raises."""
    ctx.check()
    return job_for(request, ctx.check)(request, ctx)


def run_to_end(request: object, ctx: JobContext, job: Job | None = None) -> End:
    """Serve `request` (by `job`, if one is given) and return how it ended; nothing is raised.

    For a front end's edge, where even `sys.exit()` in a library must not end the thread.
    """
    try:
        ctx.check()
        return Succeeded((job or job_for(request, ctx.check))(request, ctx))
    except Cancelled:
        return Stopped()
    except BaseException as error:
        return failed_by(error)


def failed_by(error: BaseException) -> Failed:
    """Put an exception into text that can cross to the window."""
    kind, details = type(error).__name__, "".join(traceback.format_exception(error))
    if isinstance(error, StudioError):
        return Failed(kind, error.message, error.hint, details, is_bug=False)
    if isinstance(error, MemoryError):
        hint = "Close other programs, or choose a smaller Model or Image."
        return Failed(kind, "There is not enough free memory for this.", hint, details, is_bug=False)
    return Failed(kind, str(error), "", details)
