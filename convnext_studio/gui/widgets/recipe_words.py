"""Words for what a Recipe's fields may hold, where the value itself says too little."""

from __future__ import annotations

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from convnext_studio.core.recipe import FIELDS


def section_word(section: str) -> str:
    """The heading of a section of the Recipe."""
    return _tr(_SECTIONS[section])


def label_word(name: str) -> str:
    """What a field is called."""
    return _tr(FIELDS[name].metadata["label"])


def choice_word(name: str, value: str) -> str:
    """The word for one of a field's choices."""
    return _tr(_CHOICES.get((name, value), _ANYWHERE.get(value, value)))


def preset_word(preset: str) -> str:
    """What a preset is called."""
    return choice_word("preset", preset)


def _tr(text: object) -> str:
    return QCoreApplication.translate("recipe", str(text))


_SECTIONS = {
    "data": QT_TRANSLATE_NOOP("recipe", "Data and split"),
    "model": QT_TRANSLATE_NOOP("recipe", "Model and input"),
    "architecture": QT_TRANSLATE_NOOP("recipe", "Architecture, for random weights"),
    "schedule": QT_TRANSLATE_NOOP("recipe", "Schedule"),
    "optimizer": QT_TRANSLATE_NOOP("recipe", "Optimizer"),
    "augmentation": QT_TRANSLATE_NOOP("recipe", "How parts may vary"),
    "machine": QT_TRANSLATE_NOOP("recipe", "Machine"),
}
_ANYWHERE = {
    "": QT_TRANSLATE_NOOP("recipe", "As the architecture"),
    "auto": QT_TRANSLATE_NOOP("recipe", "Automatic"),
    "yes": QT_TRANSLATE_NOOP("recipe", "Yes"),
    "no": QT_TRANSLATE_NOOP("recipe", "No"),
    "none": QT_TRANSLATE_NOOP("recipe", "No"),
}
_CHOICES = {
    ("group", "auto"): QT_TRANSLATE_NOOP("recipe", "What is found to belong together"),
    ("group", "none"): QT_TRANSLATE_NOOP("recipe", "Nothing: each image alone"),
    ("group", "name"): QT_TRANSLATE_NOOP("recipe", "Names that share a pattern"),
    ("group", "folder"): QT_TRANSLATE_NOOP("recipe", "Images in one folder"),
    ("group", "column"): QT_TRANSLATE_NOOP("recipe", "The CSV's column “group”"),
    ("preset", "instant"): QT_TRANSLATE_NOOP("recipe", "Instant"),
    ("preset", "balanced"): QT_TRANSLATE_NOOP("recipe", "Balanced"),
    ("preset", "thorough"): QT_TRANSLATE_NOOP("recipe", "Thorough"),
    ("group", "alike"): QT_TRANSLATE_NOOP("recipe", "Images that look alike"),
    ("on_leak", "keep"): QT_TRANSLATE_NOOP("recipe", "Keep the split, and warn"),
    ("on_leak", "move"): QT_TRANSLATE_NOOP("recipe", "Move to training"),
    ("on_unreadable", "skip"): QT_TRANSLATE_NOOP("recipe", "Leave out and name"),
    ("on_unreadable", "stop"): QT_TRANSLATE_NOOP("recipe", "Stop the Run"),
    ("weights", "pretrained"): QT_TRANSLATE_NOOP("recipe", "Pretrained"),
    ("weights", "random"): QT_TRANSLATE_NOOP("recipe", "Random"),
    ("fit", "squash"): QT_TRANSLATE_NOOP("recipe", "Squash"),
    ("fit", "letterbox"): QT_TRANSLATE_NOOP("recipe", "Letterbox"),
    ("fit", "crop"): QT_TRANSLATE_NOOP("recipe", "Crop"),
    ("balance", "sampler"): QT_TRANSLATE_NOOP("recipe", "Show them more often"),
    ("balance", "loss"): QT_TRANSLATE_NOOP("recipe", "Weigh them more"),
    ("device", "cpu"): QT_TRANSLATE_NOOP("recipe", "Processor"),
    ("device", "cuda"): QT_TRANSLATE_NOOP("recipe", "NVIDIA graphics"),
    ("device", "mps"): QT_TRANSLATE_NOOP("recipe", "Apple graphics"),
}
