"""What to know before training, in plain words: one `DataWarning` each, the gravest first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from convnext_studio.core.data.dataset import DataWarning, LabelledImage, Split
from convnext_studio.core.data.grouping import Grouped, same
from convnext_studio.core.data.names import counted, shown
from convnext_studio.core.data.seen import Seen
from convnext_studio.core.recipe import Recipe

_UNBALANCED = 5.0  # the largest class over the smallest
_FEW = 10
_TELLTALE = 0.9  # share of one class that a size or colour must have, and lack in the others
_SHAPES = 1.3  # how far shapes may differ before squashing them is worth a word
_TINY = 32
_MOST_NAMED = 5
_MORE = "Add Images that show other parts: those of one part must all stay in one split."


@dataclass(frozen=True)
class Found:
    """All that the warnings are made from; `images` are the usable ones, split, and `grouped` goes by their places.

    `moved` are those that left the split they were given, because they leaked.
    """

    images: Sequence[LabelledImage]
    classes: Sequence[str]
    counts: Mapping[Split, Mapping[str, int]]
    seen: Mapping[str, Seen]
    grouped: Grouped
    is_split_given: bool
    recipe: Recipe
    moved: Sequence[str] = ()


def find_warnings(found: Found, broken: Sequence[str], empty: Sequence[str]) -> tuple[DataWarning, ...]:
    """All warnings about a data set, `broken` Images and `empty` class folders included."""
    return (
        *_broken(broken),
        *_damaged(found),
        *_conflicts(found),
        *_torn(found),
        *_uniform(found),
        *_telltales(found),
        *_empty(empty),
        *_few(found),
        *_unbalanced(found),
        *_copies(found),
        *_alike(found),
        *_shapes(found),
        *_ungrouped(found),
    )


def _broken(paths: Sequence[str]) -> Iterator[DataWarning]:
    if paths:
        yield DataWarning(
            "broken",
            f"{counted(len(paths), 'Image')} cannot be read and will be left out.",
            "Nothing takes their place. Mend them or take them out of the folder.",
            tuple(paths),
        )


def _damaged(found: Found) -> Iterator[DataWarning]:
    paths = tuple(image.path for image in found.images if found.seen[image.path].is_damaged)
    if paths:
        yield DataWarning(
            "damaged",
            f"{counted(len(paths), 'Image is', 'Images are')} damaged: a part of the picture may be wrong.",
            "Training takes them as they are. Look at them, and leave out what is spoilt.",
            paths,
        )


def _conflicts(found: Found) -> Iterator[DataWarning]:
    """The same content under two classes: one of them must be wrong."""
    together = same(found.grouped.copies)
    torn = [places for places in together if len({found.images[at].label for at in places}) > 1]
    if torn:
        first, second = _of_two_classes(found, torn[0])
        yield DataWarning(
            "conflict",
            f"{counted(len(torn), 'Image is', 'Images are')} filed under two classes, such as “{shown(first.path)}” "
            f"under “{shown(first.label)}” and “{shown(second.path)}” under “{shown(second.label)}”.",
            "One of the labels must be wrong. Move or exclude one of the two.",
            _paths(found, torn),
        )


def _torn(found: Found) -> Iterator[DataWarning]:
    """Copies, groups or look-alikes on both sides of the split."""
    if found.moved:
        yield DataWarning(
            "leak",
            f"{counted(len(found.moved), 'Image')} left the split that the data set gives them: other Images for "
            "training, or for validation, show the same part or picture.",
            "What is left for validation and test is honest now, but no longer the split that others use."
            if sum(found.counts["test"].values())
            else "None is left for the test. Let the program split anew, from folders without train and test.",
            tuple(found.moved),
        )
    bonds = [places for places in same(found.grouped.bonds) if _is_torn(found, places)]
    copies = [places for places in same(found.grouped.copies) if _is_torn(found, places)]
    alike = [places for places in same(found.grouped.clusters) if _is_torn(found, places)]
    if found.is_split_given and (bonds or copies or alike):
        paths = _paths(found, [*copies, *bonds, *alike])
        what = "exact copies of it" if copies else "the same part or picture"
        leaking = _leaking(found, [*copies, *bonds, *alike])
        yield DataWarning(
            "leak",
            f"The data set's own split leaks: of {counted(leaking, 'Image')} for validation or test, "
            f"the training Images hold {what}.",
            "Figures will look better than they are. Let such Images be moved to training (on_leak = move), or the "
            "program split anew, from folders without train and test.",
            paths,
            repair=(("on_leak", "move"),) if found.recipe.on_leak == "keep" else (),
        )
    elif alike:
        leaking = _leaking(found, alike)
        outside = sum(image.split in ("validation", "test") for image in found.images)
        share = f"{leaking / max(1, outside):.0%} of the Images for validation and test ({leaking:,} of {outside:,})"
        is_refused = found.recipe.group == "none"
        yield DataWarning(
            "leak",
            f"{share} have a near double among the training Images: the same thing in other light, moved a little, or "
            "saved again."
            if is_refused
            else f"{share} look much like training Images that belong to another group.",
            "What is measured on them tells how well the network remembers, not how well it will do on new parts. "
            + (_better(found) if is_refused else "Look at them: do they show the same part?"),
            _paths(found, alike),
        )


def _uniform(found: Found) -> Iterator[DataWarning]:
    """So many alike that likeness does not tell parts apart: nobody but the user knows what shows one and the same."""
    places = [at for circle in found.grouped.uniform for at in circle]
    if places:
        is_torn = any(_is_torn(found, circle) for circle in found.grouped.uniform)
        yield DataWarning(
            "leak" if is_torn and not found.grouped.is_told else "alike",
            f"{len(places):,} Images look so much alike that it cannot be seen which of them show the same part.",
            "If several show one part, figures will look better than they are. Folders, file names or a column "
            "“group” can say which part an Image shows.",
            tuple(found.images[at].path for at in places),
        )


def _better(found: Found) -> str:
    way = found.grouped.suggestion
    if way.get("group") == "folder":
        return "Keep Images together by folder."
    if way.get("group") == "name":
        return f"Keep Images together by name, with the pattern {way['group_pattern']}."
    return "Keep together what is alike."


def _telltales(found: Found) -> Iterator[DataWarning]:
    """A size or colour that gives the class away."""
    kinds: tuple[tuple[str, Callable[[Seen], str]], ...] = (
        ("size", lambda seen: f"{seen.width} x {seen.height} pixels" if seen.width else ""),
        ("channels", lambda seen: ("grey pictures" if seen.is_grey else "colour pictures") if seen.width else ""),
    )
    for kind, word in kinds:
        words: dict[str, Counter[str]] = defaultdict(Counter)
        for image in found.images:
            words[image.label][word(found.seen[image.path])] += 1
        for label, counts in words.items():
            common, count = counts.most_common(1)[0]
            others = sum((words[other] for other in words if other != label), Counter[str]())
            is_told = common and count >= max(3, _TELLTALE * counts.total())
            if is_told and others and others[common] <= (1 - _TELLTALE) * others.total():
                yield DataWarning(
                    kind,
                    f"Nearly all Images of “{shown(label)}” are {common}, and nearly none of the other classes.",
                    "The network may learn the camera instead of the part. Take all classes with the same setting.",
                )


def _empty(labels: Sequence[str]) -> Iterator[DataWarning]:
    if labels:
        yield DataWarning(
            "empty",
            f"{counted(len(labels), 'class folder holds', 'class folders hold')} no Images: {_named(labels)}.",
            "Put Images in, or take the folder away. It is not used as a class.",
        )


def _few(found: Found) -> Iterator[DataWarning]:
    wanted: list[Split] = ["train"]
    wanted += ["validation"] if found.recipe.validation or found.recipe.folds else []
    wanted += ["test"] if (found.counts["test"] and sum(found.counts["test"].values())) or found.recipe.test else []
    for split in wanted:
        missing = [label for label in found.classes if not found.counts[split][label]]
        if missing and (sum(found.counts[split].values()) or not found.is_split_given):
            what = {"train": "for training", "validation": "for validation", "test": "for the test"}[split]
            yield DataWarning(
                "few",
                f"There is no Image {what} of {_named(missing)}.",
                _MORE
                if split != "train"
                else f"The Model will not know them, their other Images are left out. {_MORE}",
            )
    few = [label for label in found.classes if 0 < found.counts["train"][label] < _FEW]
    if few:
        numbers = ", ".join(f"“{shown(label)}” {found.counts['train'][label]}" for label in few[:_MOST_NAMED])
        yield DataWarning("few", f"Some classes have few Images for training: {numbers}.", "More Images help most.")


def _unbalanced(found: Found) -> Iterator[DataWarning]:
    counts = Counter(image.label for image in found.images)
    if len(counts) < 2:
        return
    (most, many), (least, few) = counts.most_common(1)[0], counts.most_common()[-1]
    if many >= _UNBALANCED * few:
        yield DataWarning(
            "imbalance",
            f"“{shown(most)}” has {many:,} Images, “{shown(least)}” only {few:,}: {many / few:.0f} times fewer.",
            "Rare classes will be shown more often unless the Recipe says otherwise. Judge by the balanced accuracy.",
        )


def _copies(found: Found) -> Iterator[DataWarning]:
    together = same(found.grouped.copies)
    if together:
        spare = sum(len(places) - 1 for places in together)
        yield DataWarning(
            "duplicate",
            f"{counted(spare, 'Image is an exact copy of another', 'Images are exact copies of others')}.",
            "Copies always stay in one split, but count twice. Exclude them if that is not meant.",
            _paths(found, together),
        )


def _alike(found: Found) -> Iterator[DataWarning]:
    copies = found.grouped.copies
    together = [places for places in same(found.grouped.clusters) if len({copies[at] for at in places}) > 1]
    if together:
        kept = " They stay in one split." if not any(_is_torn(found, places) for places in together) else ""
        members = sum(len(places) for places in together)
        yield DataWarning(
            "alike",
            f"{members:,} Images seem to show only {counted(len(together), 'different thing')}: "
            f"other exposures, slight shifts or the like.{kept}",
            "Were they divided at random, the figures would look better than they are.",
            _paths(found, together),
        )


def _shapes(found: Found) -> Iterator[DataWarning]:
    sizes = [(seen.width, seen.height) for image in found.images if (seen := found.seen[image.path]).width]
    if not sizes:
        return
    shapes = sorted(width / height for width, height in sizes)
    if found.recipe.fit == "squash" and shapes[-1] > _SHAPES * shapes[0]:
        yield DataWarning(
            "size",
            f"The Images have different shapes, from {shapes[0]:.2f} to {shapes[-1]:.2f} times as wide as high.",
            "Squashing bends them by different amounts. If shape matters, let Images be fitted by letterbox.",
        )
    tiny = sum(min(size) < _TINY for size in sizes)
    if tiny:
        yield DataWarning("size", f"{counted(tiny, 'Image is', 'Images are')} smaller than {_TINY} pixels.", "")


def _ungrouped(found: Found) -> Iterator[DataWarning]:
    """Names tell of parts, but the Recipe does not heed them."""
    way = found.grouped.suggestion
    if (
        found.recipe.group in ("none", "alike")
        and way
        and not found.is_split_given
        and way.get("group") in ("name", "folder")
    ):
        yield DataWarning(
            "ungrouped",
            "Names of files or folders tell which Images show one part, but the split does not heed them.",
            _better(found),
        )


# --- helpers


def _is_torn(found: Found, places: Sequence[int]) -> bool:
    return len({found.images[at].split for at in places}) > 1


def _leaking(found: Found, torn: Iterable[Sequence[int]]) -> int:
    """How many Images outside of training have one of theirs in it."""
    leaking: set[int] = set()
    for places in torn:
        if any(found.images[at].split == "train" for at in places):
            leaking |= {at for at in places if found.images[at].split != "train"}
    return len(leaking)


def _of_two_classes(found: Found, places: Sequence[int]) -> tuple[LabelledImage, LabelledImage]:
    first = found.images[places[0]]
    return first, next(found.images[at] for at in places if found.images[at].label != first.label)


def _paths(found: Found, together: Iterable[Sequence[int]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.images[at].path for places in together for at in places))


def _named(labels: Sequence[str]) -> str:
    names = ", ".join(f"“{shown(label)}”" for label in labels[:_MOST_NAMED])
    return f"{names} and {len(labels) - _MOST_NAMED} more" if len(labels) > _MOST_NAMED else names
