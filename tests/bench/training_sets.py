"""The data sets that trainings are compared on, and one training of ours or of timm's in a process of its own."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.recipe import Recipe, to_toml
from convnext_studio.core.requests import MakeSample
from tests.bench.timm_train_defaults import Done, Order

DATA = Path(os.environ.get("CONVNEXT_STUDIO_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
_BOARDS = {"12100": "test", "13000": "validation"}  # of the six kinds in deeppcb; the first five digits of a name
_LATEST_S = 600.0


@dataclass(frozen=True)
class TrainingSet:
    """A data set, and the pattern in a file's name that says which part an Image shows ("" = as the data set says)."""

    name: str
    data: str
    pattern: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        """What a Recipe says of it."""
        grouping = {"group": "name", "group_pattern": self.pattern} if self.pattern else {}
        return {"data": self.data, **grouping}


_REAL = (
    TrainingSet("pv", "pv_el_cracks_dev", r"^EL[^_]*"),  # the module
    TrainingSet("bsd", "bsd_pitting_crops_dev", r"\d{6}_\d{3}(?=_crop)|^KGT\d-\w-\d+"),  # the place on the spindle
    TrainingSet("clothing", "clothing_cc0"),  # train/ and test/ as they are
)


def training_sets(folder: Path) -> list[TrainingSet]:
    """The real data sets that are there, and the generated one, which is written to `folder`."""
    real = [dataclasses.replace(one, data=str(DATA / one.data)) for one in _REAL if (DATA / one.data).is_dir()]
    if (DATA / "deeppcb_crops_dev").is_dir():
        real.insert(0, _boards(folder / "deeppcb.csv"))
    jobs.run(MakeSample(str(folder / "steel")), JobContext())
    return [*real, TrainingSet("generated", str(folder / "steel"))]


def _boards(path: Path) -> TrainingSet:
    """deeppcb by the kind of board: two kinds are kept aside, one to choose the epoch by and one for the test."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("path", "label", "group", "split"))
        for image in sorted((DATA / "deeppcb_crops_dev" / "images").glob("*/*.png")):
            table.writerow((image, image.parent.name, image.name[:8], _BOARDS.get(image.name[:5], "train")))
    return TrainingSet("deeppcb", str(path))


@dataclass(frozen=True)
class Trained:
    """How a training of ours ended: its Run folder, seconds without the start of Python, and the memory it took."""

    run: str
    seconds: float
    memory_bytes: int
    ending: str
    message: str


def train_ours(recipe: Recipe, runs: Path, name: str) -> Trained:
    """Train in a process of its own."""
    order = runs / f"{name}.json"
    runs.mkdir(parents=True, exist_ok=True)
    order.write_text(json.dumps({"recipe": to_toml(recipe), "runs": str(runs), "name": name}), encoding="utf-8")
    return Trained(**_child("tests.bench.training_sets", order))


def train_timm(order: Order, file: Path) -> Done:
    """Train as timm's script does, in a process of its own."""
    file.write_text(json.dumps(asdict(order)), encoding="utf-8")
    return Done(**_child("tests.bench.timm_train_defaults", file))


def _child(module: str, order: Path) -> dict[str, Any]:
    """Call `main` of a module in a new process; return the JSON on its last line."""
    call = f"from {module} import main; main()"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", call, str(order)],
        capture_output=True,
        text=True,
        check=False,
        timeout=_LATEST_S,
        cwd=Path(__file__).resolve().parents[2],
    )
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Carry out the training in the file that is named on the command line; print how it ended as JSON."""
    import resource

    from convnext_studio.core.recipe import from_toml
    from convnext_studio.core.requests import Train
    from convnext_studio.core.run_events import RunEnded
    from convnext_studio.core.runs.run import Run

    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    run = Run.create(order["runs"], order["name"], from_toml(order["recipe"]))
    request = Train(str(run.folder))
    job = jobs.job_for(request)  # imports torch and timm
    started = time.perf_counter()
    ended = job(request, JobContext())
    seconds = time.perf_counter() - started
    assert isinstance(ended, RunEnded)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(asdict(Trained(str(run.folder), seconds, memory, ended.ending, ended.message))))
