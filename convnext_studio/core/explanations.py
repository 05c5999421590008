"""What an explanation is made of: plain values that the window may hold. No torch, and numpy for types only.

A Heatmap travels at the resolution of its layer (7 x 7 cells for the last stage) with the `region` of the Image that
its cells cover. Whoever paints or saves it asks `core/explain/place.py` for the values at any zoom, so the float map is
kept, and colour map, opacity, threshold and blend are decided while painting.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from convnext_studio.core.values import ImageRef, ModelInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Method = Literal[
    "gradcam",
    "hirescam",
    "layercam",
    "gradcam++",
    "eigencam",
    "scorecam",
    "ablationcam",
    "integrated-gradients",
    "occlusion",
]
TrustVerdict = Literal["faithful", "weak", "not faithful"]
Region = tuple[float, float, float, float]  # left, top, right, bottom in Image pixels


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """How a method is called, what it does in one plain sentence, and its formula's source.

    `has_layer` is False where the method looks at the input itself. `is_slow` says that it needs many passes.
    """

    title: str
    sentence: str
    source: str
    has_layer: bool = True
    is_of_class: bool = True
    is_slow: bool = False


METHODS: dict[Method, MethodInfo] = {
    "gradcam": MethodInfo(
        "Grad-CAM",
        "Weighs each feature map by how much the score of the class rises with it on average.",
        "arXiv:1610.02391",
    ),
    "hirescam": MethodInfo(
        "HiResCAM",
        "Multiplies features and gradient place by place, so that the map adds up to what the layer contributes.",
        "arXiv:2011.08891",
    ),
    "layercam": MethodInfo(
        "LayerCAM",
        "Keeps only what raises the score at each place; sharp in the early stages.",
        "doi:10.1109/TIP.2021.3089943",
    ),
    "gradcam++": MethodInfo(
        "Grad-CAM++", "Like Grad-CAM, with more weight for several small areas of one class.", "arXiv:1710.11063"
    ),
    "eigencam": MethodInfo(
        "EigenCAM",
        "Shows what stands out in the features, whatever the class.",
        "arXiv:2008.00299",
        is_of_class=False,
    ),
    "scorecam": MethodInfo(
        "Score-CAM",
        "Shows the Image through each feature map and weighs the map by the score it gives. Slow.",
        "arXiv:1910.01279",
        is_slow=True,
    ),
    "ablationcam": MethodInfo(
        "Ablation-CAM",
        "Switches each feature map off and weighs it by how far the score falls.",
        "doi:10.1109/WACV45572.2020.9093360",
        is_slow=True,
    ),
    "integrated-gradients": MethodInfo(
        "Integrated Gradients",
        "Adds up the gradient on the way from a plain grey picture to the Image, pixel by pixel.",
        "arXiv:1703.01365",
        has_layer=False,
        is_slow=True,
    ),
    "occlusion": MethodInfo(
        "Occlusion",
        "Covers one area after the other and shows where the score falls.",
        "arXiv:1311.2901",
        has_layer=False,
        is_slow=True,
    ),
}


@dataclass(frozen=True)
class Heatmap:
    """Where in an Image the evidence for a class lies, by one Model, method and layer.

    `values` is float32 (h, w), 0..1, at the resolution of the layer; 1 stands for `peak`, the method's own figure,
    which is 0 where nothing speaks for the class and all values are 0. The cells cover `region` evenly; it may reach
    outside the Image, or cover a part of it. Out to `seen`, the part of the Image that the network saw, values go on
    as at the outermost cells; beyond it there are none. `versus` is "" or the class that `class_name` is compared with.
    """

    class_name: str
    versus: str
    method: Method
    layer: str
    values: NDArray[np.float32]
    region: Region
    seen: Region
    peak: float


@dataclass(frozen=True)
class Trust:
    """Whether a Heatmap shows what the Model relied on, and the figures that say so.

    `score` is the probability of the class (against `versus`: its share of the two). `area` is the share of the input
    that the hot area takes. `hidden` is the score with the hot area made featureless, `hidden_random` the mean score
    with areas of the same shape and size elsewhere made so; `kept` and `kept_random` where only that area is left, and
    `blank` where nothing is. `deletion` and `insertion` are the shares of the random areas that the hot one beats.
    `agreement` says how far the map of `other`, a different method or layer ("LayerCAM, stage 3"), is hotter in the hot
    area than elsewhere: 1 everywhere, 0 no more than by chance.
    `chance` is the share of heads that learned nothing whose answer hangs on the hot area as much; above 0.03 the map
    is no evidence of what the Model learned. `sentence` says it in plain words.
    """

    verdict: TrustVerdict
    sentence: str
    score: float
    area: float
    hidden: float
    hidden_random: float
    kept: float
    kept_random: float
    blank: float
    deletion: float
    insertion: float
    agreement: float
    other: str
    chance: float = 0.0


@dataclass(frozen=True)
class Explained:
    """The Heatmaps of one Image, layer by layer and in each layer class by class, as they were asked for.

    `width`, `height` are the Image's own pixels, upright. `seen` is the part of the Image that the network saw.
    `classes`, `probabilities` are the most probable ones. `trust` has one entry per Heatmap, or none where it was not
    asked for. `notes` are sentences ("At the last stage Grad-CAM and HiResCAM give the same map.").
    `model` is the first 12 digits of the Model's identity.
    """

    image: ImageRef
    width: int
    height: int
    seen: Region
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    heatmaps: tuple[Heatmap, ...]
    trust: tuple[Trust, ...] = ()
    notes: tuple[str, ...] = ()
    milliseconds: float = 0.0
    model: str = ""


@dataclass(frozen=True)
class HeatmapProgress:
    """A slow method has done this share of its work, 0..1; or, with 0, another look at the Image begins."""

    share: float


@dataclass(frozen=True)
class HeatmapsMade:
    """The Heatmaps are there, their trust is still being measured: `explained.trust` is empty."""

    is_urgent: ClassVar[bool] = True  # somebody looks at the place where they will be

    explained: Explained


@dataclass(frozen=True)
class TrustMeasured:
    """The trust of Heatmap number `index` of the last `HeatmapsMade`."""

    index: int
    trust: Trust


@dataclass(frozen=True)
class ExplanationCheck:
    """The model-randomisation check (arXiv:1810.03292) of one Model, method and layer over some Images.

    A map that stays the same when the Model forgets what it learned explains nothing. `similarity` is the mean rank
    correlation of the maps before and after, with a random head and with all weights random; near 0 is good.
    """

    method: Method
    layer: str
    images: int
    similarity_random_head: float
    similarity_random_network: float
    has_passed: bool
    sentence: str
    model: str = ""


def record_of(explained: Explained, info: ModelInfo, check: ExplanationCheck | None) -> tuple[tuple[str, object], ...]:
    """What a JSON record says of an explanation by a Model beside the Heatmap itself, wherever it is written."""
    ranked = zip(explained.classes, explained.probabilities, strict=True)
    return (
        ("model", {"title": info.title, "architecture": info.architecture, "identity": info.identity}),
        ("predictions", [{"class": one, "probability": probability} for one, probability in ranked]),
        ("trust", asdict(explained.trust[0]) if explained.trust else None),
        ("check", asdict(check) if check is not None else None),
        ("notes", list(explained.notes)),
    )


@dataclass(frozen=True)
class ImageExplained:
    """One Image of a folder is done: the files written, or the reason why there are none."""

    image: ImageRef
    files: tuple[str, ...] = ()
    class_name: str = ""
    verdict: TrustVerdict | None = None
    error: str = ""


@dataclass(frozen=True)
class ExplainSummary:
    """How a folder's explanations ended."""

    explained: int
    failed: int
    seconds: float
    folder: str

    @property
    def images_per_s(self) -> float:
        """Images per second, the failed ones included."""
        return (self.explained + self.failed) / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True)
class LayerInfo:
    """A place where a Model can be explained. `name` is what Requests take ("stage4", "stage3.block2").

    `height`, `width` count its cells, `channels` its feature maps. `title` is fit to show ("Stage 4").
    """

    name: str
    title: str
    height: int
    width: int
    channels: int
    is_stage: bool  # the stem or the end of a stage; False = a block within one


@dataclass(frozen=True)
class NetworkPart:
    """A part of a network: what it is, what it costs, and what it is made of.

    `kind` is stable and for drawing: "stem", "stage", "block", "depthwise", "convolution", "linear", "norm",
    "activation", "grn", "layer scale", "attention", "downsample", "shortcut", "pool", "head", "other". `parameters`
    counts all numbers training can change, `gmacs` multiply-accumulates of convolutions and matrix products in 10^9,
    children included; what a part holds beside its children is in the part itself. `shape` is that of what it puts out
    for one Image, () where unknown. `layer` names the layer of Requests whose features it puts out, "" for none.
    `adds` are pairs of numbers of `parts`: what goes into the first is added to what comes out of the second.
    `features` counts the features of each cell that it puts out; with `shape` it tells channels first from last.
    """

    name: str  # as in the network ("stages.2.blocks.5.conv_dw"), "" = the network
    title: str
    kind: str
    sentence: str
    parameters: int
    gmacs: float
    shape: tuple[int, ...]
    layer: str = ""
    parts: tuple[NetworkPart, ...] = ()
    adds: tuple[tuple[int, int], ...] = ()
    features: int = 0


@dataclass(frozen=True)
class NetworkDescription:
    """What a Model's network is made of; sums over `network.parts` are those of `network`.

    `network.parts` are a stem, stages and a head, in that order, whatever the network itself calls them.
    """

    architecture: str
    family: str
    network: NetworkPart
    input_height: int
    input_width: int
    layers: tuple[LayerInfo, ...]
    default_layer: str
    methods: tuple[Method, ...]
    same_at_last: tuple[Method, ...]  # the methods that coincide at the last layer


@dataclass(frozen=True)
class Activations:
    """Feature maps of a layer for one Image, the strongest first: `maps` float32 (n, h, w), in the network's own units.

    `channels` numbers them, `region` is what they cover, as in a Heatmap; `total` counts all the layer has.
    """

    image: ImageRef
    layer: str
    maps: NDArray[np.float32]
    channels: tuple[int, ...]
    total: int
    region: Region
    model: str = ""


@dataclass(frozen=True)
class Neighbour:
    """A training Image that is like the one asked about; `similarity` is the cosine of their features, -1..1."""

    path: str
    label: str
    similarity: float


@dataclass(frozen=True)
class FeaturesIndexed:
    """Images whose features are in the index so far, and in all."""

    done: int
    total: int
