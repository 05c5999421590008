"""`convnext-studio models`: the Models that can be used."""

from __future__ import annotations

import argparse
import json
from typing import Any

from convnext_studio.cli.command import Command
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import DONE, writing
from convnext_studio.core import jobs, requests

_COLUMNS = (
    *("name", "architecture", "family", "parameters", "gmacs", "input_size", "top1"),
    *("training_data", "licence", "commercial_use", "classes"),
)
_EXAMPLES = """examples:
  convnext-studio models
  convnext-studio models --commercial
  convnext-studio models --json | python -m json.tool
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument("--commercial", action="store_true", help="only weights that are free for commercial use")


def _run(arguments: argparse.Namespace, stop: Stop) -> int:
    from convnext_studio.core.models.catalogue import catalogue

    on_disk = jobs.run(requests.FindWeights(), stop.context())
    assert isinstance(on_disk, dict)
    entries = [entry for entry in catalogue() if entry.commercial_use or not arguments.commercial]
    rows = [{name: getattr(entry, name) for name in _COLUMNS} | {"on_disk": entry.name in on_disk} for entry in entries]
    with writing():
        if arguments.json:
            print(json.dumps(rows, ensure_ascii=False, indent=1))
        else:
            _print_table(rows)
    return DONE


def _print_table(rows: list[dict[str, Any]]) -> None:
    print(
        f"{'name':52} {'parameters':>10} {'GMACs':>7} {'pixels':>6} {'top-1':>5}  {'commercial':10} {'here':4} licence"
    )
    words = {True: "free", False: "not free", None: "unknown"}
    for row in rows:
        top1 = "" if row["top1"] is None else f"{row['top1']:.1f}"
        print(
            f"{row['name']:52} {row['parameters'] / 1e6:8.1f} M {row['gmacs']:7.2f} {row['input_size']:6} {top1:>5}  "
            f"{words[row['commercial_use']]:10} {'yes' if row['on_disk'] else '':4} {row['licence'] or 'unknown'}"
        )


COMMAND = Command("models", "list the Models that can be used", _EXAMPLES, _add_arguments, _run)
