"""The data sets that trainings are compared on, and one training of ours or of timm's in a process of its own."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

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


@dataclass(frozen=True)
class Child:
    """A training to be carried out by `main` of a module, in a process of its own; its order is a file."""

    module: str
    order: Path

    def done(self) -> dict[str, Any]:
        """Wait for it, and return the JSON on its last line."""
        return in_turn([self], _LATEST_S)[0]


def ours(recipe: Recipe, runs: Path, name: str) -> Child:
    """Our training of a Recipe; ends with the fields of `Trained`."""
    order = runs / f"{name}.json"
    runs.mkdir(parents=True, exist_ok=True)
    order.write_text(json.dumps({"recipe": to_toml(recipe), "runs": str(runs), "name": name}), encoding="utf-8")
    return Child("tests.bench.training_sets", order)


def timms(order: Order, file: Path) -> Child:
    """A training as timm's script does it; ends with the fields of `Done`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(order)), encoding="utf-8")
    return Child("tests.bench.timm_train_defaults", file)


def train_ours(recipe: Recipe, runs: Path, name: str) -> Trained:
    """Train in a process of its own."""
    return Trained(**ours(recipe, runs, name).done())


def train_timm(order: Order, file: Path) -> Done:
    """Train as timm's script does, in a process of its own."""
    return Done(**timms(order, file).done())


def in_turn(children: Sequence[Child], slice_s: float) -> list[dict[str, Any]]:
    """Start all, and let one at a time work for a slice while the others are halted, until all are done.

    So what else the machine does falls on all of them alike.
    """
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(_started(child)) for child in children]
        until = time.monotonic() + _LATEST_S * len(children)
        while any(process.poll() is None for process, _ in started):
            for process, _ in started:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGCONT)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(slice_s)
                        continue
                    if len(started) > 1:
                        os.killpg(process.pid, signal.SIGSTOP)
            if time.monotonic() > until:
                raise RuntimeError("the trainings take too long")
        return [_result(child, *begun) for child, begun in zip(children, started, strict=True)]


@contextlib.contextmanager
def _started(child: Child) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """A process, with all that it starts a group of its own, and what it prints; it is gone afterwards."""
    call = f"from {child.module} import main; main()"
    with child.order.with_suffix(".out").open("w+b") as printed:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", call, str(child.order)],
            stdout=printed,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).resolve().parents[2],
            start_new_session=True,
        )
        try:
            yield process, printed
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _result(child: Child, process: subprocess.Popen[bytes], printed: IO[bytes]) -> dict[str, Any]:
    printed.seek(0)
    text = printed.read().decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{child.module} ended with {process.returncode}: {text[-2000:]}")
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    return found


def main() -> None:
    """Carry out the training in the file that is named on the command line; print how it ended as JSON."""
    import resource

    from convnext_studio.core.recipe import from_toml
    from convnext_studio.core.requests import Train
    from convnext_studio.core.run_events import RunEnded
    from convnext_studio.core.runs.run import Run
    from convnext_studio.core.training.freed_memory import keep_freed_memory

    keep_freed_memory()  # as the command line does
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
