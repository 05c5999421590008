"""Class names of the well-known label sets, as timm ships them; always plain text."""

from __future__ import annotations

from collections import Counter
from functools import cache

from timm.data import ImageNetInfo, infer_imagenet_subset


def label_set_of(outputs: int) -> str:
    """Name of the label set with that many classes ("imagenet-1k"), or "" where there is none."""
    return infer_imagenet_subset({"num_classes": outputs}) or ""


@cache
def label_names(label_set: str) -> tuple[str, ...]:
    """Names of a label set in the order of the network's outputs, each one different from the others.

    A name is the word in everyday use ("tench"); where two classes share it, the other words for them follow, and
    where even these are equal, WordNet's number tells them apart.
    """
    info = ImageNetInfo(label_set)
    synsets: list[str] = info.label_names()
    lemmas: list[str] = info.label_descriptions()
    return _distinct(lemmas, synsets)


def numbered_names(outputs: int) -> tuple[str, ...]:
    """Names for a head that comes without any: "class 0", "class 1", …"""
    return tuple(f"class {index}" for index in range(outputs))


def _distinct(lemmas: list[str], synsets: list[str]) -> tuple[str, ...]:
    """Shorten each list of synonyms to its first word wherever that stays unambiguous."""
    first = [lemma.split(",")[0].strip() for lemma in lemmas]
    shared = _repeated(first)
    shared_lemmas = _repeated(lemmas)
    names = []
    for short, lemma, synset in zip(first, lemmas, synsets, strict=True):
        if short not in shared:
            names.append(short)
        elif lemma not in shared_lemmas and lemma != short:
            names.append(lemma)
        else:
            names.append(f"{lemma} ({synset})")
    return tuple(names)


def _repeated(names: list[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}
