"""At the end of a Run: what it was trained on is indexed, so that its Model can show the nearest training Images."""

from __future__ import annotations

import logging

import psutil

from convnext_studio.core.context import Cancelled
from convnext_studio.core.errors import StudioError
from convnext_studio.core.explain.lens import Lens
from convnext_studio.core.explain.nearest import Indexer, Watcher, index_path, write_index
from convnext_studio.core.models.model_file import load_model_file
from convnext_studio.core.training.work import Work
from convnext_studio.core.values import ModelRef

log = logging.getLogger(__name__)

_SHARE = 0.1  # of the time that the Run has taken
_LEAST_S, _MOST_S = 3.0, 60.0
_COPIES = 4  # of the Model in memory at the most: running out of it would end the Run's process


def index_training_images(work: Work) -> None:
    """Index in the first process, for a tenth of the Run's time. It is no loss if that fails or is stopped."""
    desk, ground = work.desk, work.ground
    path = index_path(ModelRef(str(desk.run.model_path)))
    if desk.recorder is None or path is None:
        return
    seconds = min(_MOST_S, max(_LEAST_S, _SHARE * desk.recorder.seconds))
    images = [(image.path, image.label) for image in ground.data.images["train"]]
    try:
        if _COPIES * desk.run.model_path.stat().st_size > psutil.virtual_memory().available:
            log.info("There is no index of training Images: memory is short.")
            return
        network, card, identity, _warnings = load_model_file(desk.run.model_path)
        lens, limit = Lens(network, card.preprocessing, ground.device_name), ground.recipe.max_megapixels
        indexer = Indexer(lens, card.preprocessing, identity, limit)
        write_index(path, indexer, images, Watcher(desk.ctx.check), seconds=seconds)
    except Cancelled:
        log.info("The index of training Images was stopped.")
    except (StudioError, OSError, RuntimeError) as error:
        log.info("There is no index of training Images: %s", error)
