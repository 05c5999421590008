"""What the core said, in another language: it speaks English only, in files too, so its sentences are recognised here.

A catalogue has its sentences with holes for what is put into them: "“{0}” holds no Images.". A text is taken apart into
sentences, each is found by a rare word of it, and what stands in a hole is again a number, a name or something said.
What the user named stands in quotation marks: it is hidden before anything is looked up, and comes back at the end.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

_HOLE = re.compile(r"\{(\d)\}")
_BETWEEN = re.compile(r"(?<=[.?!:])\s+")  # sentences
_ENDS = (".", "?", "!", ":")
_WORD = re.compile(r"[a-z]{3}")
_NUMBER = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?:%| [kMGT]?B)?", re.ASCII)
_LONGEST = 2000  # what is longer is no sentence
_AT_ONCE = 6  # sentences that one template may hold
_TELLING = 8  # letters between holes that say enough: by itself, "{0} and {1}" may be anything
_KEPT = 4096  # texts that are remembered
_QUOTED = "“{0}”"  # the catalogue has it for the names within what is put into a sentence
_NAME = re.compile("“([^“”]*)”")
_HIDDEN = re.compile("\ufdd0(\\d+)\ufdd0")  # a name while it is hidden; the sign is no character, so in no text
_FIGURE = re.compile(rf"(?<![^\s(]){_NUMBER.pattern}(?=[),;:.]*(?:\s|$))", re.ASCII)
_PATH = re.compile(r"'.*'|(?:[.~]*|[A-Za-z]:)[/\\].*|.*[/\\].*(?<![.?!:])", re.DOTALL)  # or a text as code has it
_DEEPEST = 8  # what is inside of what is inside …
_ALONE = {  # the words that the core says alone: any other may be a name, a key or a value
    "Accumulation", "Activation", "Attention", "Averaging", "Blocks", "Convolution", "Device", "Downsampling", "Epochs",
    "Evaluation", "Finished.", "Fold", "Folds", "Head", "Linear", "Mixup", "Network", "Norm", "Normalisation",
    "Occlusion", "Other", "Patience", "Pooling", "Precision", "Preset", "Seed", "Shortcut", "Stage", "Stem", "Stopped.",
    "Weights",
}  # fmt: skip


class _Template(NamedTuple):
    """A sentence as what stands around its holes, the numbers of these, and what it becomes."""

    literals: tuple[str, ...]
    holes: tuple[str, ...]
    words: str

    def values(self, text: str) -> tuple[str, ...] | None:
        """What stands in the holes if `text` is this sentence; each ends where what follows it is met first."""
        first, *between, last = self.literals
        if not (text.startswith(first) and text.endswith(last)):
            return None
        found, at, end = [], len(first), len(text) - len(last)
        for literal in between:
            stop = text.find(literal, at + 1, end)
            if stop < 0:
                return None
            found.append(text[at:stop])
            at = stop + len(literal)
        return (*found, text[at:end]) if at < end else None

    @property
    def is_telling(self) -> bool:
        """Whether it can be told from other texts by itself."""
        first, *between, last = self.literals
        return bool(first or last) or sum(map(len, between)) >= _TELLING

    def is_name(self, number: int) -> bool:
        """Whether a hole holds a name of the user's: it stands in quotation marks."""
        return self.literals[number].endswith("“") and self.literals[number + 1].startswith("”")


class Sentences:
    """Finds what a catalogue has for a finished sentence; numbers get the `decimal` sign and the `group` one."""

    def __init__(self, words: Mapping[str, str], decimal: str, group: str) -> None:
        self._words = words
        self._signs = str.maketrans({".": decimal, ",": group, "%": "\N{NO-BREAK SPACE}%"})
        self._by_word = _by_rarest_word(words)
        self._not_names = {name for text in words for name in _NAME.findall(text)}
        self._quoted = words.get(_QUOTED) or _QUOTED
        self._best = lru_cache(_KEPT // 4)(self._best_of)  # as one text is worked on, of what is inside
        self.said = lru_cache(_KEPT)(self._said)

    def _said(self, text: str) -> str:
        """The words for `text`; what the catalogue does not have of it stays as it is."""
        if len(text) > _LONGEST or "\ufdd0" in text:
            return text
        names: list[str] = []

        def hidden(name: re.Match[str]) -> str:
            if name[1] in self._not_names:
                return name[0]
            names.append(name[1])
            return f"“\ufdd0{len(names) - 1}\ufdd0”"

        return _HIDDEN.sub(lambda name: names[int(name[1])], self._best(_NAME.sub(hidden, text), 0)[1])

    def _best_of(self, text: str, depth: int) -> tuple[int, str]:
        """How many sentences stay English at least, and the text then; what is inside of another may be a name."""
        gaps = [(0, 0), *(gap.span() for gap in _BETWEEN.finditer(text)), (len(text), len(text))]
        whole = self._found(text, depth) if len(gaps) <= _AT_ONCE else None
        if whole is not None and not whole[0]:
            return whole
        best = [(0, "")] * len(gaps)  # from each sentence on
        for start in reversed(range(len(gaps) - 1)):
            ways = []
            for end in range(start + 1, min(start + _AT_ONCE, len(gaps) - 1) + 1):
                piece = text[gaps[start][1] : gaps[end][0]]
                found = self._found(piece, depth)
                if found is None and end == start + 1:
                    told = _FIGURE.sub(lambda figure: figure[0].translate(self._signs), piece) if depth else piece
                    found = int(not depth or piece.endswith(_ENDS)), told
                if found is not None:
                    left, rest = best[end]
                    ways.append((found[0] + left, found[1] + text[slice(*gaps[end])] + rest))
                    if not ways[-1][0]:
                        break
            best[start] = min(ways, key=itemgetter(0))
        return best[0]

    def _found(self, piece: str, depth: int) -> tuple[int, str] | None:
        """What the catalogue has for the whole of `piece`."""
        if (words := self._words.get(piece)) is not None and (not depth or " " in piece or piece in _ALONE):
            return 0, words or piece
        if _NUMBER.fullmatch(piece):
            return 0, piece.translate(self._signs)
        near = [template for word in set(piece.split()) for template in self._by_word.get(word, ())]
        found = [
            (template, values)
            for template in near
            if (depth or template.is_telling) and (values := template.values(piece)) is not None
        ]
        if len(found) > 1:
            found = [max(found, key=_knowledge)]
        return self._filled(*found[0], depth) if found else None

    def _filled(self, template: _Template, values: tuple[str, ...], depth: int) -> tuple[int, str]:
        told, left = {}, 0
        for number, (hole, value) in enumerate(zip(template.holes, values, strict=True)):
            is_name = template.is_name(number)
            more, told[hole] = (0, value) if is_name else self._put_in(value, depth + 1)
            left += more
        return left, _HOLE.sub(lambda hole: told[hole[1]], template.words)

    def _put_in(self, value: str, depth: int) -> tuple[int, str]:
        is_as_it_is = depth > _DEEPEST or (value not in self._words and _PATH.fullmatch(value))
        left, told = (0, value) if is_as_it_is else self._best(value, depth)
        return left, _NAME.sub(lambda name: self._quoted.replace("{0}", name[1]), told) if "”" in told else told


def _knowledge(found: tuple[_Template, tuple[str, ...]]) -> tuple[bool, bool, int]:
    """How well a template tells what a text is; one that has half of another sentence in a hole is the wrong one."""
    template, values = found
    last = len(values) - 1  # may be whole sentences
    is_odd = any(
        "”" in value if template.is_name(number) else number < last and _BETWEEN.search(value)
        for number, value in enumerate(values)
    )
    return not is_odd, bool(template.literals[0]), sum(map(len, template.literals))


def _by_rarest_word(words: Mapping[str, str]) -> dict[str, list[_Template]]:
    """The templates, each under the word that the fewest others have; a word that touches a hole is none."""
    in_each = {
        text: [word for word in _HOLE.sub("\0", text).split() if "\0" not in word]
        for text in words
        if _HOLE.search(text)
    }
    common = Counter(word for found in in_each.values() for word in found)
    by_word: dict[str, list[_Template]] = defaultdict(list)
    for text, found in in_each.items():
        parts = _HOLE.split(text)
        if all(parts[2:-1:2]) and any(map(_WORD.search, found)):
            template = _Template(tuple(parts[::2]), tuple(parts[1::2]), words[text] or text)
            by_word[min(found, key=common.__getitem__)].append(template)
    return dict(by_word)
