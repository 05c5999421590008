"""Finding one's way in a described network: a part by its name, what goes into it, and the block that is typical."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from convnext_studio.core.explanations import NetworkDescription, NetworkPart
from convnext_studio.gui.language import spoken

_COLOURS = 3


@dataclass(frozen=True)
class Found:
    """A part in its place: `inside` is the stage that holds it, None for stem, stages and head."""

    part: NetworkPart
    entering: int  # features that go in
    inside: NetworkPart | None = None

    @property
    def title(self) -> str:
        """ "Stage 3, block 7", or the part's own title where it stands alone."""
        own = self.part.title
        if self.inside is None or not self.inside.layer:  # where the network has but one stage, it is not named
            return spoken(own)
        if self.part.kind == "downsample":
            words = QCoreApplication.translate("network", "{0}, downsampling")
            return words.format(spoken(self.inside.title))
        return spoken(f"{self.inside.title}, {own[:1].lower()}{own[1:]}")


def find_part(network: NetworkDescription, name: str) -> Found | None:
    """The stem, stage, head, block or downsampling of that name in the network."""
    entering = _COLOURS
    for part in network.network.parts:
        if part.name == name:
            return Found(part, entering)
        inner_entering = entering
        for inner in part.parts if part.kind == "stage" else ():
            if inner.name == name:
                return Found(inner, inner_entering, part)
            inner_entering = inner.features or inner_entering
        entering = part.features or entering
    return None


def typical_block(network: NetworkDescription) -> Found | None:
    """A block in the middle of the network that takes in as many features as it puts out."""
    stages = [part for part in network.network.parts if part.kind == "stage"]
    for stage in sorted(stages, key=lambda one: -len(one.parts)):
        blocks = [part for part in stage.parts if part.kind == "block"]
        if len(blocks) > 1:
            return Found(blocks[1], blocks[1].features, stage)
    return None


def first_to_show(network: NetworkDescription) -> str:
    """The name of the block that stands for the network when it is first shown."""
    found = typical_block(network)
    return found.part.name if found is not None else ""
