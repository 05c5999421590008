"""Find weights on this machine: in the administrator's folder and in the download cache. No torch, no socket here.

The administrator's folder holds `<name>.safetensors`, or `<repository name>/model.safetensors` as a copied repository.
The download cache is the one that other programs use too; HF_HUB_CACHE and HF_HOME move it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import MissingWeights, UsageError
from convnext_studio.core.events import WeightsOnDisk
from convnext_studio.core.models.card_file import read_card
from convnext_studio.core.models.catalogue import CatalogueEntry, catalogue, find_entry
from convnext_studio.core.requests import FindWeights
from convnext_studio.core.values import ModelRef

SAMPLE = "sample"
IN_CACHE = "download cache"
IN_FOLDER = "administrator's folder"


def find_weights(request: FindWeights, ctx: JobContext) -> dict[str, WeightsOnDisk]:
    """Say for each catalogue name whose weights are here where they are."""
    found = {}
    for entry in catalogue():
        ctx.check()
        weights = weights_of(entry, request.folder)
        if weights is not None:
            found[entry.name] = weights
    return found


def weights_of(entry: CatalogueEntry, folder: str = "") -> WeightsOnDisk | None:
    """Where the weights of one catalogue name are, the administrator's folder first; None = not on this machine."""
    if not entry.has_weights:
        return None
    if folder:
        root = Path(folder)
        names = (f"{entry.name}.safetensors", f"{entry.hub_repo.rpartition('/')[2]}/{entry.hub_file}")
        for path in (root / name for name in names):
            if path.is_file():
                return WeightsOnDisk(str(path), path.stat().st_size, IN_FOLDER)
    path_in_cache = _in_cache(entry)
    return WeightsOnDisk(str(path_in_cache), path_in_cache.stat().st_size, IN_CACHE) if path_in_cache else None


def check_there(ref: ModelRef) -> bool:
    """Whether what `ref` names is here, without loading it; False where only timm can tell.

    Raises `UsageError` where there is no such Model, `ModelError` where its file or its weights are not there.
    """
    if ref.name == SAMPLE:
        return True
    if is_path(ref.name):
        read_card(Path(ref.name))
        return True
    if ref.weights == "random" or ref.file:
        return any(entry.architecture == ref.name.partition(".")[0] for entry in catalogue())
    entry = find_entry(ref.name)
    if entry is None:
        raise unknown(ref.name)
    if weights_of(entry, ref.folder) is None:
        raise missing(entry)
    return True


def is_path(name: str) -> bool:
    """Whether a Model is named by its file."""
    return name.endswith(".safetensors") or "/" in name or os.sep in name


def unknown(name: str) -> UsageError:
    """Say that there is no such Model."""
    return UsageError(f"There is no Model named “{name}”.", "`convnext-studio models` lists those there are.")


def cache_folder() -> Path:
    """The download cache, as the environment says now."""
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "huggingface" / "hub"


def repository_folder(entry: CatalogueEntry) -> Path:
    """Where the cache keeps what belongs to one repository."""
    return cache_folder() / f"models--{entry.hub_repo.replace('/', '--')}"


def hash_in_cache(path: Path) -> str:
    """The SHA-256 that the download cache names a file by; "" for a file that is not kept so."""
    real = path.resolve()
    is_named_so = real.parent.name == "blobs" and re.fullmatch("[0-9a-f]{64}", real.name)
    return real.name if is_named_so else ""


def by_hand(entry: CatalogueEntry) -> str:
    """How to bring the weights here without a connection: which file, from where, to which place."""
    proof = f" Its SHA-256 must be {entry.sha256}." if entry.sha256 else ""
    return (
        f"By hand: copy {entry.hub_file} of the repository {entry.hub_repo} into a folder as "
        f"{entry.name}.safetensors, and choose that folder or that file.{proof}"
    )


def missing(entry: CatalogueEntry) -> MissingWeights:
    """Say that weights are not here, and what the choices are."""
    if not entry.has_weights:
        return MissingWeights(
            f"“{entry.name}” is a bare architecture: no weights belong to it.",
            "Choose a name with pretrained weights, a weights file of your own, or random weights.",
        )
    megabytes = entry.bytes / 1e6
    return MissingWeights(
        f"The weights of “{entry.name}” are not on this machine.",
        f"Download them ({megabytes:.0f} MB), choose a weights file, a folder that holds them, or random weights. "
        f"{by_hand(entry)}",
    )


def _in_cache(entry: CatalogueEntry) -> Path | None:
    repository = repository_folder(entry)
    try:
        commit = (repository / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        commit = ""
    snapshots = repository / "snapshots"
    places = [snapshots / commit] if commit else []
    try:
        places += sorted(snapshots.iterdir())
    except OSError:
        return None
    return next((path for path in (place / entry.hub_file for place in places) if path.is_file()), None)
