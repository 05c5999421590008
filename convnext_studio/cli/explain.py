"""`convnext-studio explain`: show where in Images the answer came from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from convnext_studio.cli.arguments import add_execution, add_max_megapixels, execution_of
from convnext_studio.cli.classify import find
from convnext_studio.cli.command import Command
from convnext_studio.cli.stopping import Stop
from convnext_studio.cli.talking import DONE, NOTHING_DONE, PARTLY_DONE, Progress, plain, say
from convnext_studio.core import jobs, requests
from convnext_studio.core.context import Cancelled
from convnext_studio.core.explanations import METHODS, ExplanationCheck, ImageExplained, TrustVerdict
from convnext_studio.core.values import ImageRef, ModelRef

_EXAMPLES = """examples:
  convnext-studio explain photo.jpg --out why/
  convnext-studio explain parts/ --out why/ --class scratch
  convnext-studio explain parts/ --out why/ --class scratch --versus stain
  convnext-studio explain parts/ --out why/ --layer stage3 --method layercam
  convnext-studio explain parts/ --out why/ --model my_parts.safetensors --no-trust

For each image NAME: NAME.overlay.png to look at, NAME.map.npy and NAME.map.tif (32-bit, 0 to 1, as large as the image),
and NAME.json, which says what was explained and whether the map can be trusted. Without --class, the most probable
class of each image is explained. Layers: stem, stage1 to stage4, or a block such as stage3.block2. Without --method and
--layer it is Grad-CAM at the layer that points best, and where its map is not faithful another one that is.
"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="images and folders")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--model", default="sample", metavar="M", help="name, Model file, or sample (the default)")
    parser.add_argument(
        "--class", dest="class_name", default="", metavar="C", help="class to explain (default: the top)"
    )
    parser.add_argument("--versus", default="", metavar="C", help="explain what speaks for the class against this one")
    parser.add_argument("--layer", default="", metavar="L", help="layer to look at (default: see below)")
    parser.add_argument("--method", choices=METHODS, metavar="NAME", help=f"one of: {', '.join(METHODS)}")
    parser.add_argument("--no-trust", action="store_true", help="do not check whether the maps are faithful: faster")
    add_execution(parser)
    add_max_megapixels(parser)


def _run(arguments: argparse.Namespace, stop: Stop) -> int:
    images, problems = find(arguments.paths, stop)
    if not images:
        return NOTHING_DONE
    done: list[ImageExplained] = []
    try:
        _explain(arguments, images, stop, done)
    except Cancelled:
        say(f"Stopped: {len(done)} of {len(images)} images were explained.")
        return stop.exit_code
    failed = [one for one in done if one.error]
    if verdicts := [one.verdict for one in done if one.verdict]:
        say("Maps: " + ", ".join(f"{verdicts.count(one)} {one}" for one in get_args(TrustVerdict)))
    for one in failed:
        say(f"{plain(one.image.path)}: {one.error}")
    if len(failed) == len(images):
        return NOTHING_DONE
    return PARTLY_DONE if failed or problems else DONE


def _explain(
    arguments: argparse.Namespace, images: tuple[ImageRef, ...], stop: Stop, done: list[ImageExplained]
) -> None:
    progress = Progress("images explained")

    def on_event(event: object) -> None:
        if isinstance(event, ImageExplained):
            done.append(event)
            progress.show(len(done), len(images))
        elif isinstance(event, ExplanationCheck):
            progress.say(event.sentence)
        else:
            progress.hear(event)

    request = requests.ExplainFolder(
        images=images,
        folder=str(arguments.out),
        model=ModelRef(arguments.model),
        execution=execution_of(arguments),
        fit=arguments.fit,
        method=arguments.method,
        layer=arguments.layer,
        class_name=arguments.class_name,
        versus=arguments.versus,
        is_trust_wanted=not arguments.no_trust,
        max_megapixels=arguments.max_megapixels,
    )
    try:
        jobs.run(request, stop.context(on_event))
    finally:
        progress.end()


COMMAND = Command("explain", "show where in images the answer came from", _EXAMPLES, _add_arguments, _run)
