"""Training: accuracy and speed against timm's training script, Instant, time and memory of the presets, torchrun.

    python -m tests.bench training_bench --only accuracy --out accuracy.json      all sets, both starts: half an hour
    python -m tests.bench training_bench --only accuracy --sets pv bsd --starts sample --seconds 40 --rounds 3
    python -m tests.bench training_bench --only throughput --architectures convnext_atto

Parts: accuracy (`training_accuracy.py`), throughput, instant, presets, torchrun (`training_speed.py`). Without --only
all are run, which takes about an hour.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import training_speed
from tests.bench.table import Row
from tests.bench.training_accuracy import STARTS, Wanted, compare, table

SPEED: dict[str, Callable[[Path, argparse.Namespace], Iterator[Row]]] = {
    "throughput": training_speed.throughput,
    "instant": training_speed.instant,
    "presets": training_speed.presets,
    "torchrun": training_speed.torchrun,
}


def main() -> None:
    """Measure what was asked for, and print it as it comes."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="training") as folder:
        place = options.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for part in options.only:
            print(f"-- {part}", flush=True)
            if part == "accuracy":
                _accuracy(options, place)
                continue
            for row in SPEED[part](place / part, options):
                print(row, flush=True)


def _accuracy(options: argparse.Namespace, place: Path) -> None:
    changes = tuple((name, value) for name, _, value in (text.partition("=") for text in options.set))
    wanted = Wanted(
        tuple(options.sets),
        tuple(options.starts),
        options.seconds,
        tuple(range(options.first_seed, options.first_seed + options.rounds)),
        options.preset,
        changes,
        options.ours_alone,
    )
    reached = []
    for one in compare(wanted, place):
        reached.append(one)
        low, high = one.interval
        figure = f"{one.balanced_accuracy:.3f} ({low:.2f} to {high:.2f})"
        print(
            f"{one.data:10} {one.start:7} {one.seed} {one.who:5} {figure}  {one.seconds:4.0f} s  {one.words}",
            flush=True,
        )
        if options.out:
            options.out.write_text(json.dumps([dataclasses.asdict(each) for each in reached], indent=1))
    print("\n".join(table(reached)), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = ("accuracy", *SPEED)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, help="parts to run")
    parser.add_argument("--keep", type=Path, help="folder to leave the Runs in")
    accuracy = parser.add_argument_group("accuracy")
    accuracy.add_argument("--seconds", type=float, default=60.0, help="for each training")
    accuracy.add_argument("--sets", nargs="+", default=[], help="deeppcb, pv, bsd, clothing, generated")
    accuracy.add_argument("--starts", nargs="+", choices=STARTS, default=STARTS, help="first weights")
    accuracy.add_argument("--rounds", type=int, default=1)
    accuracy.add_argument("--first-seed", type=int, default=0)
    accuracy.add_argument("--preset", default="balanced")
    accuracy.add_argument("--set", action="append", default=[], help="change a field of our Recipe")
    accuracy.add_argument("--ours-alone", action="store_true", help="without timm, to try a change")
    accuracy.add_argument("--out", type=Path, help="write what was reached here, JSON")
    speed = parser.add_argument_group("speed")
    speed.add_argument("--architectures", nargs="+", default=["convnext_zepto_rms", "convnext_atto"])
    speed.add_argument("--epochs", type=int, default=4, help="of each throughput measurement, the first left out")
    speed.add_argument("--throughput-sizes", nargs="+", type=int, default=[224], help="input sizes of throughput")
    speed.add_argument("--sizes", nargs="+", type=int, default=[128, 192, 256], help="input sizes of the presets")
    return parser.parse_args()


if __name__ == "__main__":
    main()
