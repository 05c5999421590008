"""The Recipe: everything that decides a training, in one frozen, validated dataclass; TOML in and out. No torch here.

Every field has a label, a help sentence, a section and, where they apply, `choices` or a `range`: the window's fields,
the command line's `--set key=value` and the TOML file's sections are all derived from them.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import tomli_w

from convnext_studio.core.errors import UsageError
from convnext_studio.core.recipe_fields import check, converted, wrong
from convnext_studio.core.values import DEFAULT_MAX_MEGAPIXELS, DEVICES, FITS, DeviceName, Fit, ModelRef, described

Preset = Literal["instant", "balanced", "thorough"]
Grouping = Literal["auto", "none", "name", "folder", "column", "alike"]
Balance = Literal["auto", "none", "sampler", "loss"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
BALANCES: tuple[Balance, ...] = get_args(Balance)

_YES_NO_AUTO = ("auto", "yes", "no")
_MOST_PER_STAGE = {"depths": 512, "widths": 16_384}  # what a Model file may say
_SHRINKING, _USUAL_PATCH = 8, 4  # what the stages after the stem divide a side by; the stem of nearly all


@dataclass(frozen=True)
class Recipe:
    """What a Run does. Raises `UsageError`, naming the field, for a value that makes no sense.

    Numbers that are 0 and texts that are empty mean "decide by what is measured" where the help says so. Rates are
    per optimizer step at the effective batch size; times are in minutes.
    """

    # --- data
    data: str = field(
        default="",
        metadata=described("Data set", "A folder of class folders, or a CSV with the columns path and label.", "data"),
    )
    validation: float = field(
        default=0.2,
        metadata=described("Share for validation", "Images that choose the best epoch.", "data", range=(0.0, 0.8)),
    )
    test: float = field(
        default=0.2,
        metadata=described("Share for the test", "Images kept aside, read once at the end.", "data", range=(0.0, 0.8)),
    )
    group: Grouping = field(
        default="auto",
        metadata=described(
            "Keep together",
            "Images of one part must not be torn apart by the split: which ones belong together?",
            "data",
            choices=GROUPINGS,
        ),
    )
    group_pattern: str = field(
        default="",
        metadata=described(
            "Pattern in the name",
            "A regular expression: Images whose names share what it finds (its first bracket, if any) stay together.",
            "data",
        ),
    )
    on_leak: Literal["keep", "move"] = field(
        default="keep",
        metadata=described(
            "Leaks of a given split",
            "Where the data set's own split has one part on both sides: keep it and warn, or move it to training.",
            "data",
            choices=("keep", "move"),
        ),
    )
    folds: int = field(
        default=0,
        metadata=described(
            "Folds", "Cross-validation by group in this many parts; 0 = one split.", "data", range=(0, 20)
        ),
    )
    fold: int = field(
        default=0, metadata=described("Fold", "Which of the folds is the validation split.", "data", range=(0, 19))
    )
    on_unreadable: Literal["skip", "stop"] = field(
        default="skip",
        metadata=described(
            "Unreadable Images",
            "Leave them out, named and counted, or stop the Run. They are never replaced.",
            "data",
            choices=("skip", "stop"),
        ),
    )
    # --- model
    model: str = field(
        default="sample",
        metadata=described("Start from", "A Model of the catalogue, a Model file, or sample.", "model"),
    )
    weights: Literal["pretrained", "random"] = field(
        default="pretrained",
        metadata=described(
            "Weights", "Random ones learn everything from your pictures.", "model", choices=("pretrained", "random")
        ),
    )
    weights_file: str = field(
        default="",
        metadata=described("Weights file", "Foreign weights for this architecture; empty = its own.", "model"),
    )
    weights_folder: str = field(
        default="", metadata=described("Weights folder", "A folder searched before the download cache.", "model")
    )
    input_size: int = field(
        default=0,
        metadata=described(
            "Input size", "Pixels on each side; 0 = as the Model says.", "model", range=(0, 2048), unit="px"
        ),
    )
    fit: Fit = field(
        default="squash",
        metadata=described(
            "How Images are made to fit", "Crop may cut off a defect in the corner.", "model", choices=FITS
        ),
    )
    depths: tuple[int, ...] = field(
        default=(), metadata=described("Blocks per stage", "Four numbers; random weights only.", "architecture")
    )
    widths: tuple[int, ...] = field(
        default=(), metadata=described("Channels per stage", "Four numbers; random weights only.", "architecture")
    )
    kernel_size: int = field(
        default=0,
        metadata=described(
            "Kernel size", "Of the depthwise convolutions, odd; 0 = the architecture's.", "architecture", range=(0, 31)
        ),
    )
    patch_size: int = field(
        default=0,
        metadata=described("Patch size", "Of the stem; 0 = the architecture's.", "architecture", range=(0, 16)),
    )
    norm: Literal["", "layernorm2d", "batchnorm2d", "rmsnorm2d"] = field(
        default="",
        metadata=described(
            "Norm",
            "Empty = the architecture's.",
            "architecture",
            choices=("", "layernorm2d", "batchnorm2d", "rmsnorm2d"),
        ),
    )
    activation: Literal["", "gelu", "relu", "silu"] = field(
        default="",
        metadata=described(
            "Activation", "Empty = the architecture's.", "architecture", choices=("", "gelu", "relu", "silu")
        ),
    )
    grn: Literal["auto", "yes", "no"] = field(
        default="auto",
        metadata=described(
            "Global response norm",
            "As in ConvNeXt V2; auto = the architecture's.",
            "architecture",
            choices=_YES_NO_AUTO,
        ),
    )
    # --- schedule
    preset: Preset = field(
        default="balanced", metadata=described("Preset", "Where the other values begin.", "schedule", choices=PRESETS)
    )
    seed: int = field(
        default=0, metadata=described("Seed", "Another number, other chance.", "schedule", range=(0, 2**31 - 1))
    )
    is_head_first: bool = field(
        default=True,
        metadata=described(
            "Head first", "Fit a new head to the frozen network's features before all else.", "schedule"
        ),
    )
    epochs: int = field(
        default=20,
        metadata=described(
            "Epochs",
            "Passes over the training Images for the whole network; 0 = head only.",
            "schedule",
            range=(0, 10_000),
        ),
    )
    patience: int = field(
        default=8,
        metadata=described(
            "Patience",
            "Stop after this many epochs without a better balanced accuracy; 0 = never.",
            "schedule",
            range=(0, 10_000),
        ),
    )
    max_minutes: float = field(
        default=0.0,
        metadata=described(
            "Time limit",
            "The schedule ends within this time, fewer epochs if need be; 0 = none.",
            "schedule",
            range=(0.0, 1e6),
            unit="min",
        ),
    )
    batch_size: int = field(
        default=32,
        metadata=described("Batch size", "Images per optimizer step, over all devices.", "schedule", range=(1, 65_536)),
    )
    accumulation: int = field(
        default=1,
        metadata=described(
            "Accumulation", "Pieces each batch is computed in, when memory is short.", "schedule", range=(1, 4096)
        ),
    )
    # --- optimizer
    learning_rate: float = field(
        default=5e-4,
        metadata=described("Learning rate", "Its peak, for the last stage.", "optimizer", range=(0.0, 10.0)),
    )
    warmup: float = field(
        default=0.1,
        metadata=described(
            "Warm-up", "Share of all steps in which the learning rate rises.", "optimizer", range=(0.0, 0.9)
        ),
    )
    weight_decay: float = field(
        default=0.05,
        metadata=described("Weight decay", "Not for norms, biases and layer scale.", "optimizer", range=(0.0, 10.0)),
    )
    layer_decay: float = field(
        default=0.8,
        metadata=described(
            "Layer-wise decay",
            "Each group of layers learns slower than the next by this; random weights all learn alike.",
            "optimizer",
            range=(0.05, 1.0),
        ),
    )
    clip_norm: float = field(
        default=1.0, metadata=described("Gradient clipping", "Largest norm; 0 = none.", "optimizer", range=(0.0, 1e6))
    )
    ema_decay: float = field(
        default=0.998,
        metadata=described(
            "Averaging",
            "Decay of the moving average of the weights, with warm-up; 0 = none.",
            "optimizer",
            range=(0.0, 0.99999),
        ),
    )
    drop_path: float = field(
        default=0.0,
        metadata=described(
            "Drop path",
            "Chance that the last block is left out. Large networks on many Images gain by 0.1 to 0.4, others lose.",
            "optimizer",
            range=(0.0, 0.9),
        ),
    )
    label_smoothing: float = field(
        default=0.05,
        metadata=described("Label smoothing", "Share spread over all classes.", "optimizer", range=(0.0, 0.9)),
    )
    mixup: float = field(
        default=0.0,
        metadata=described("Mixup", "Blends two Images; blurs small defects; 0 = off.", "optimizer", range=(0.0, 10.0)),
    )
    cutmix: float = field(
        default=0.0,
        metadata=described("CutMix", "Pastes a piece of another Image; 0 = off.", "optimizer", range=(0.0, 10.0)),
    )
    balance: Balance = field(
        default="auto",
        metadata=described(
            "Rare classes",
            "Show them more often, weigh them more, or by measured imbalance.",
            "optimizer",
            choices=BALANCES,
        ),
    )
    # --- augmentation
    is_mirrored: bool = field(
        default=True, metadata=described("Parts may lie mirrored", "Left and right may be swapped.", "augmentation")
    )
    is_upside_down: bool = field(
        default=False, metadata=described("Parts may lie upside down", "Top and bottom may be swapped.", "augmentation")
    )
    is_quarter_turned: bool = field(
        default=False, metadata=described("Parts may lie turned", "By quarter turns.", "augmentation")
    )
    rotation: float = field(
        default=5.0,
        metadata=described("Slight turns", "Up to this angle.", "augmentation", range=(0.0, 180.0), unit="°"),
    )
    shift: float = field(
        default=0.05,
        metadata=described("Position varies", "Up to this share of the Image.", "augmentation", range=(0.0, 0.5)),
    )
    zoom: float = field(
        default=0.1,
        metadata=described("Distance varies", "Size by up to this share.", "augmentation", range=(0.0, 0.9)),
    )
    light: float = field(
        default=0.2,
        metadata=described(
            "Light varies", "Brightness and contrast by up to this share.", "augmentation", range=(0.0, 1.0)
        ),
    )
    colour: float = field(
        default=0.0,
        metadata=described(
            "Colour varies", "Saturation and hue by up to this share.", "augmentation", range=(0.0, 1.0)
        ),
    )
    blur: float = field(
        default=0.0,
        metadata=described("Focus varies", "Chance of a slight blur.", "augmentation", range=(0.0, 1.0)),
    )
    erasing: float = field(
        default=0.0,
        metadata=described(
            "Parts may be hidden", "Chance that a patch is erased; may hide a defect.", "augmentation", range=(0.0, 1.0)
        ),
    )
    # --- machine
    device: DeviceName = field(
        default="auto", metadata=described("Device", "Where to compute.", "machine", choices=DEVICES)
    )
    precision: Literal["auto", "fp32", "bf16"] = field(
        default="auto",
        metadata=described(
            "Precision", "auto = bf16 where it is faster here.", "machine", choices=("auto", "fp32", "bf16")
        ),
    )
    is_checkpointed: Literal["auto", "yes", "no"] = field(
        default="auto",
        metadata=described(
            "Recompute activations", "Less memory, more time; auto = for large inputs.", "machine", choices=_YES_NO_AUTO
        ),
    )
    workers: int = field(
        default=0, metadata=described("Decoding threads", "0 = as many as there are cores.", "machine", range=(0, 256))
    )
    max_megapixels: float = field(
        default=DEFAULT_MAX_MEGAPIXELS,
        metadata=described(
            "Largest image",
            "Larger images are refused, because a small file can unpack to more than the memory holds.",
            "machine",
            range=(1.0, 2000.0),
            unit="MP",
        ),
    )

    def __post_init__(self) -> None:
        for name, about in FIELDS.items():
            check(about, getattr(self, name))
        if self.validation + self.test > 0.9:
            raise _wrong("validation", "Validation and test leave too little for training: together 0.9 at the most.")
        if self.folds == 1 or (self.folds and self.fold >= self.folds):
            raise _wrong("fold", "There must be 2 folds at least, and the fold's number must be below their count.")
        if self.is_architecture_changed and self.weights != "random":
            raise _wrong("weights", "Another architecture can only begin with random weights.")
        if self.group == "name" and not self.group_pattern:
            raise _wrong("group_pattern", "Grouping by name needs a pattern.")
        for name, most in _MOST_PER_STAGE.items():
            if getattr(self, name) and (len(getattr(self, name)) != 4 or min(getattr(self, name)) < 1):
                raise _wrong(name, "Give four numbers above 0, one per stage.")
            if max(getattr(self, name), default=0) > most:
                raise _wrong(name, f"Give {most:,} at the most for a stage.")
        if 0 < self.input_size < (least := _SHRINKING * (self.patch_size or _USUAL_PATCH)):
            raise _wrong("input_size", f"The last stage would see nothing: {least} pixels at the least.")
        if self.kernel_size and self.kernel_size % 2 == 0:
            raise _wrong("kernel_size", "The kernel size must be odd.")
        if (self.mixup or self.cutmix) and self.batch_size % (2 * self.accumulation):
            raise _wrong("batch_size", "Mixup and CutMix pair Images: let each piece of a batch have an even number.")
        if not self.epochs and not self.is_head_first:
            raise _wrong("epochs", "With no epochs and no head first there is nothing to train.")

    @property
    def is_architecture_changed(self) -> bool:
        """Whether any part of the network differs from what the architecture's name says."""
        return bool(
            self.depths
            or self.widths
            or self.kernel_size
            or self.patch_size
            or self.norm
            or self.activation
            or self.grn != "auto"
        )

    @property
    def model_ref(self) -> ModelRef:
        """The Model that training begins with."""
        return ModelRef(self.model, self.weights, self.weights_file, self.weights_folder)


FIELDS: Mapping[str, dataclasses.Field[Any]] = {one.name: one for one in dataclasses.fields(Recipe)}
SECTIONS = ("data", "model", "architecture", "schedule", "optimizer", "augmentation", "machine")

_PRESETS: dict[Preset, dict[str, Any]] = {
    "instant": {"epochs": 0, "is_head_first": True},
    "balanced": {},
    "thorough": {"epochs": 60, "patience": 15, "learning_rate": 4e-4, "layer_decay": 0.85, "drop_path": 0.1},
}


def from_preset(preset: str, **changes: Any) -> Recipe:
    """The Recipe of a preset, with `changes`. Raises `UsageError`."""
    if preset not in _PRESETS:
        raise _wrong("preset", f"There is no preset “{preset}”; there are {', '.join(PRESETS)}.")
    return changed(Recipe(preset=preset, **_PRESETS[preset]), changes)


def changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """`recipe` with other values, given as they stand in TOML or typed as text. Raises `UsageError`."""
    for name in changes:
        if name not in FIELDS:
            raise UsageError(f"A Recipe has no field “{name}”.", f"It has {', '.join(FIELDS)}.")
    return replace(recipe, **{name: converted(FIELDS[name], value) for name, value in changes.items()})


def to_toml(recipe: Recipe) -> str:
    """Write every field, by section."""
    document: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for name, about in FIELDS.items():
        value = getattr(recipe, name)
        document[about.metadata["section"]][name] = list(value) if isinstance(value, tuple) else value
    return tomli_w.dumps(document)


def from_toml(text: str, source: str = "the Recipe") -> Recipe:
    """Read what `to_toml` wrote, or a part of it: what is missing is as the preset says. Raises `UsageError`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"“{source}” is not TOML: {error}.", "Choose a Recipe file, or mend this one.") from error
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if not isinstance(value, dict):
            flat[key] = value
            continue
        for name in value:
            if name in FIELDS and FIELDS[name].metadata["section"] != key:
                raise _wrong(name, f"It belongs in the section [{FIELDS[name].metadata['section']}], not in [{key}].")
        flat |= value
    return from_preset(str(flat.pop("preset", "balanced")), **flat)


def read_recipe(path: Path) -> Recipe:
    """Read a Recipe file. Raises `UsageError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The Recipe “{path.name}” cannot be read.", "Choose another file.") from error
    return from_toml(text, path.name)


def differences(old: Recipe, new: Recipe) -> dict[str, tuple[Any, Any]]:
    """Field by field, what differs: the old and the new value."""
    pairs = {name: (getattr(old, name), getattr(new, name)) for name in FIELDS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _wrong(name: str, sentence: str) -> UsageError:
    return wrong(FIELDS[name], sentence) if name in FIELDS else UsageError(sentence)
