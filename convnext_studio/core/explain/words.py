"""What the parts of networks are called, and what each does, in one plain sentence."""

from __future__ import annotations

from torch import nn

_TITLES = {
    "network": "Network",
    "stem": "Stem",
    "depthwise": "Depthwise convolution",
    "convolution": "Convolution",
    "linear": "Linear",
    "norm": "Normalisation",
    "activation": "Activation",
    "grn": "Global response normalisation",
    "layer scale": "Layer scale",
    "attention": "Attention",
    "downsample": "Downsampling",
    "shortcut": "Shortcut",
    "pool": "Pooling",
    "head": "Head",
    "other": "Other",
    "scores": "Scores of the classes",
}
_SENTENCES = {
    "network": "Turns an Image into one score for each class, stage by stage.",
    "stem": "Cuts the Image into small patches and turns each into a list of features.",
    "stage": "Blocks that work at one resolution; the next stage has half the cells a side, and more features in each.",
    "block": "Adds to the features what it finds in them; many such small steps make the network.",
    "depthwise": "Looks at each feature map by itself, every cell with its surroundings; that makes it cheap.",
    "convolution": "Mixes the feature maps of neighbouring cells into new ones.",
    "linear": "Mixes the features of each cell into new ones, without looking at its neighbours.",
    "norm": "Brings the features of each cell to a common scale, so that learning stays steady.",
    "activation": "Bends the values: without it, all layers together could do no more than one.",
    "grn": "Lets the feature maps compete: one that answers strongly over the whole Image quiets the others.",
    "layer scale": "A learned factor for each feature map: how much of what the block found is added.",
    "attention": "Lets each cell gather features from other cells that are like what it looks for.",
    "downsample": "Joins neighbouring cells into one, which halves the resolution.",
    "shortcut": "Carries the features past the block, brought to their new size.",
    "pool": "Takes the mean or the largest value over several cells.",
    "head": "Averages the features over all places and weighs them into one score for each class.",
    "other": "Learned numbers that belong to this part as a whole.",
    "scores": "Weighs the features into one score for each class.",
    "blocks": "Blocks that all work at one resolution, with the same number of features from first to last.",
}
_SPECIAL = {
    "widen": "Widens the features of each cell, usually four times: the inside of the inverted bottleneck.",
    "narrow": "Brings the widened features back to the block's own number: the end of the inverted bottleneck.",
    "patches": "Cuts the input into patches that do not overlap and weighs each into one cell.",
    "bottleneck": "Narrows the features, looks around in them and widens them again: ResNet's bottleneck.",
    "convnext": "Looks around in each feature map, then mixes the maps in an inverted bottleneck, and adds the result.",
    "window": "Lets the cells of a window attend to each other, then mixes the features of each, and adds the result.",
    "token": "Lets all patches attend to each other, then mixes the features of each, and adds the result.",
    "batch": "Brings each feature map to a common scale that was learned from the training Images.",
}
_NORMS = {
    "LayerNorm": "LayerNorm",
    "BatchNorm": "BatchNorm",
    "RmsNorm": "RMSNorm",
    "SimpleNorm": "SimpleNorm",
}
_BLOCKS = {
    "ConvNeXtBlock": "convnext",
    "Bottleneck": "bottleneck",
    "BasicBlock": "other",
    "SwinTransformerBlock": "window",
    "Block": "token",
}


def kind_of(module: nn.Module, name: str) -> str:
    """The stable kind of a part, as `NetworkPart.kind` lists them."""
    own, class_name = name.rpartition(".")[2], type(module).__name__
    if not name:
        return "network"
    if name in ("stem", "patch_embed"):
        return "stem"
    if class_name.endswith("Stage") or (isinstance(module, nn.Sequential) and own.startswith("layer")):
        return "stage"
    if class_name in _BLOCKS:
        return "block"
    if "Attention" in class_name:
        return "attention"
    if own == "downsample":
        return "downsample" if name.startswith(("stages.", "layers.")) else "shortcut"
    if own == "shortcut":
        return "shortcut"
    return _kind_of_leaf(module, name)


def _kind_of_leaf(module: nn.Module, name: str) -> str:
    own, class_name = name.rpartition(".")[2], type(module).__name__
    if isinstance(module, nn.Conv2d):
        is_depthwise = 1 < module.groups == module.in_channels
        return "depthwise" if is_depthwise else "convolution"
    if name in ("head", "fc"):
        return "head"
    if class_name.startswith("GlobalResponseNorm"):
        return "grn"
    if isinstance(module, nn.Linear):
        return "linear"
    if "Norm" in class_name or "Rms" in class_name:
        return "norm"
    if "Pool" in class_name or own in ("global_pool", "maxpool"):
        return "pool"
    is_activation = type(module).__module__.startswith(("torch.nn.modules.activation", "timm.layers.activations"))
    if is_activation or own.startswith("act"):
        return "activation"
    return "other"


def plain_title(word: str) -> str:
    """The title of a part that the network itself has not as one."""
    return _TITLES[word]


def plain_sentence(word: str) -> str:
    """The sentence of such a part."""
    return _SENTENCES[word]


def title_of(kind: str, module: nn.Module, name: str, number: int) -> str:
    """A short title: "Stage 3", "Depthwise convolution 7 × 7", "LayerNorm", "GELU"."""
    own, class_name = name.rpartition(".")[2], type(module).__name__
    if kind in ("stage", "block"):
        return f"Stage {number}" if kind == "stage" else f"Block {number}"
    if kind in ("depthwise", "convolution") and isinstance(module, nn.Conv2d):
        height, width = module.kernel_size
        return f"{'Depthwise convolution' if kind == 'depthwise' else 'Convolution'} {height} × {width}"
    if kind == "linear" and isinstance(module, nn.Linear):
        return f"Linear {module.in_features} → {module.out_features}"
    if kind == "norm":
        return next((title for start, title in _NORMS.items() if class_name.startswith(start)), class_name)
    if kind == "activation":
        return class_name
    return f"Learned numbers ({own})" if kind == "other" else _TITLES[kind]


def sentence_of(kind: str, module: nn.Module) -> str:
    """What a part does."""
    if kind == "stage":
        return _SENTENCES["stage"]
    if kind == "block":
        return _SPECIAL.get(_BLOCKS[type(module).__name__], _SENTENCES["block"])
    if kind == "convolution" and isinstance(module, nn.Conv2d):
        if module.kernel_size == module.stride and module.kernel_size[0] > 1:
            return _SPECIAL["patches"]
        if module.kernel_size == (1, 1):
            return _widening(module.in_channels, module.out_channels)
    if kind == "linear" and isinstance(module, nn.Linear):
        return _widening(module.in_features, module.out_features)
    if kind == "norm" and type(module).__name__.startswith("BatchNorm"):
        return _SPECIAL["batch"]
    return _SENTENCES[kind]


def _widening(before: int, after: int) -> str:
    if after == 4 * before:
        return _SPECIAL["widen"]
    return _SPECIAL["narrow"] if before == 4 * after else _SENTENCES["linear"]
