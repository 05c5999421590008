"""A data set made ready: what the card says, what is refused, and the warning before figures would lie."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.data.checks import check_data_set
from convnext_studio.core.data.dataset import DataSetCard, DataWarning
from convnext_studio.core.data.journal import edit_labels
from convnext_studio.core.data.prepare import describe_data, prepare_data
from convnext_studio.core.errors import DataError
from convnext_studio.core.events import DataSetChecked
from convnext_studio.core.jobs import job_for
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.requests import CheckDataSet, EditLabels
from tests.unit.data.conftest import Draw

REAL = Path(os.environ.get("CONVNEXT_STUDIO_DATA", Path(__file__).parents[4] / "shared" / "data"))


def card_of(data: Path, **fields: object) -> DataSetCard:
    return describe_data(Recipe(data=str(data), **fields), JobContext())  # type: ignore[arg-type]


def kinds(card: DataSetCard) -> list[str]:
    return [one.kind for one in card.warnings]


def warning(card: DataSetCard, kind: str) -> DataWarning:
    return next(one for one in card.warnings if one.kind == kind)


def name_of(tile: int, shot: int) -> str:
    """A name that says nothing of what it shows; one for each of 20 tiles and 6 shots."""
    return f"{(tile * 6 + shot) * 7919 % 120:03}.png"


def splits_by_tile(card: DataSetCard) -> dict[int, set[str]]:
    split = {Path(image.path).name: image.split for image in card.images}
    return {tile: {split[name_of(tile, shot)] for shot in range(6)} for tile in range(20)}


@pytest.fixture
def exposures(tmp_path: Path, draw: Draw) -> Path:
    """20 tiles of two classes, each in six exposures under names that say nothing."""
    for tile in range(20):
        for shot in range(6):
            draw(
                tmp_path / "tiles" / ("ok" if tile % 2 else "crack") / name_of(tile, shot),
                tile,
                shot,
            )
    return tmp_path / "tiles"


# --- the card


def test_a_sound_data_set_has_a_card_without_grave_warnings(two_classes: Path) -> None:
    card = card_of(two_classes)
    assert card.classes == ("bad", "good")
    assert card.counts == {
        "train": {"bad": 8, "good": 8},
        "validation": {"bad": 2, "good": 2},
        "test": {"bad": 2, "good": 2},
    }
    assert (card.sizes, card.channels, card.groups, card.refusal) == ({"96 x 96": 24}, {"grey": 24}, 24, "")
    assert kinds(card) == ["few"]
    assert prepare_data(Recipe(data=str(two_classes)), JobContext()) == card


def test_the_table_of_jobs_leads_here_and_progress_is_told(two_classes: Path) -> None:
    events: list[object] = []
    request = CheckDataSet(Recipe(data=str(two_classes)))
    assert job_for(request) is check_data_set
    assert check_data_set(request, JobContext(events.append)) == card_of(two_classes)
    assert events[-1] == DataSetChecked(24, 24)


def test_the_same_folder_elsewhere_is_split_in_the_same_way(two_classes: Path, tmp_path: Path) -> None:
    shutil.copytree(two_classes, tmp_path / "copy")
    first, second = card_of(two_classes), card_of(tmp_path / "copy")
    assert first.fingerprint == second.fingerprint
    assert [image.split for image in first.images] == [image.split for image in second.images]


def test_the_fingerprint_tells_whether_files_are_still_the_same(two_classes: Path, draw: Draw) -> None:
    card = card_of(two_classes)
    assert card_of(two_classes).fingerprint == card.fingerprint
    draw(Path(card.images[0].path), 99)
    changed = card_of(two_classes).fingerprint
    Path(card.images[0].path).unlink()
    assert len({card.fingerprint, changed, card_of(two_classes).fingerprint}) == 3


def test_a_second_look_decodes_and_compares_nothing(two_classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = card_of(two_classes)
    monkeypatch.setattr("convnext_studio.core.data.look.decode", None)
    monkeypatch.setattr("convnext_studio.core.data.grouping.find_alike", None)
    assert card_of(two_classes) == card
    assert card_of(two_classes, seed=1).images != card.images


def test_a_cache_that_is_broken_costs_time_only(two_classes: Path, own_home: Path) -> None:
    card = card_of(two_classes)
    (own_home / "k" / "convnext-studio" / "seen.sqlite").write_bytes(b"no database" * 1000)
    assert card_of(two_classes) == card


def test_a_quick_look_decodes_nothing_but_finds_copies(two_classes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(two_classes / "bad" / "00.png", two_classes / "bad" / "again.png")
    monkeypatch.setattr("convnext_studio.core.data.look.decode", None)
    card = describe_data(Recipe(data=str(two_classes)), JobContext(), is_quick=True)
    assert "duplicate" in kinds(card)
    assert sum(sum(counts.values()) for counts in card.counts.values()) == 25


def test_a_stop_is_heeded(two_classes: Path) -> None:
    ctx = JobContext()
    ctx = JobContext(lambda event: ctx.cancel.set(), ctx.cancel)
    ctx.cancel.set()
    with pytest.raises(Cancelled):
        check_data_set(CheckDataSet(Recipe(data=str(two_classes))), ctx)


# --- several Images of one thing


def test_exposures_of_one_tile_under_six_names_stay_in_one_split(exposures: Path) -> None:
    card = card_of(exposures)
    assert card.groups == 20
    assert all(len(splits) == 1 for splits in splits_by_tile(card).values())
    assert "leak" not in kinds(card)
    assert "120 Images seem to show only 20 different things" in warning(card, "alike").message


def test_a_random_split_of_exposures_is_warned_of_in_plain_words(exposures: Path) -> None:
    card = card_of(exposures, group="none", seed=1)
    leak = warning(card, "leak")
    assert "100% of the Images for validation and test" in leak.message
    assert "remembers" in leak.hint
    assert "Keep together what is alike" in leak.hint
    assert card.suggestion == {"group": "alike"}


def test_a_pattern_in_the_names_is_found_and_kept_together(tmp_path: Path, draw: Draw) -> None:
    for tile in range(14):
        for shot in range(3):
            draw(
                tmp_path / ("ok" if tile % 2 else "crack") / f"exp{shot}_t{tile:03}_{tile * 7 + shot}.png",
                tile,
                shot,
            )
    card = card_of(tmp_path)
    assert {image.group for image in card.images} == {f"t{tile:03}" for tile in range(14)}
    assert "t0" in card.grouping
    assert card_of(tmp_path, group="alike").suggestion["group"] == "name"
    pattern = card_of(tmp_path, group="none").suggestion["group_pattern"]
    assert card_of(tmp_path, group="name", group_pattern=pattern).images == card.images


def test_groups_come_from_the_name_the_folder_or_the_column_when_asked(tmp_path: Path, draw: Draw) -> None:
    for number in range(16):
        draw(tmp_path / ("ok" if number % 2 else "dent") / f"lot{number // 4}" / f"{number}.png", number)
    assert card_of(tmp_path, group="folder").groups == 4
    assert card_of(tmp_path, group="name", group_pattern=r"^(\d)").groups == 10
    with pytest.raises(DataError, match="No file name fits"):
        card_of(tmp_path, group="name", group_pattern="^x")
    with pytest.raises(DataError, match="no column"):
        card_of(tmp_path, group="column")
    paths = tmp_path.rglob("*.png")
    rows = [f"{path.relative_to(tmp_path)},{path.parts[-3]},part{int(path.stem) // 2}" for path in paths]
    (tmp_path / "list.csv").write_text("path,label,group\n" + "\n".join(rows))
    assert card_of(tmp_path / "list.csv", group="column").groups == 8
    assert card_of(tmp_path / "list.csv").groups == 8


def test_folders_of_parts_below_the_classes_are_found_and_kept_together(tmp_path: Path, draw: Draw) -> None:
    for number in range(15):
        for shot in range(3):
            draw(tmp_path / ("ok" if shot else "dent") / f"part {number}" / f"{shot}.png", number, shot)
    card = card_of(tmp_path)
    assert {image.group for image in card.images} == {f"part {number}" for number in range(15)}
    assert card_of(tmp_path, group="none").suggestion == {"group": "folder"}
    assert "by folder" in warning(card_of(tmp_path, group="alike"), "ungrouped").hint


def test_a_split_of_the_data_set_that_leaks_is_honoured_and_warned_of(tmp_path: Path, draw: Draw) -> None:
    for number in range(12):
        for split in ("train", "val", "test"):
            draw(tmp_path / split / ("ok" if number % 2 else "dent") / f"{number}.png", number, hash(split) % 100)
    shutil.copy(tmp_path / "train" / "ok" / "1.png", tmp_path / "test" / "ok" / "copy.png")
    card = card_of(tmp_path)
    assert [sum(counts.values()) for counts in card.counts.values()] == [12, 12, 13]
    assert "The data set's own split leaks: of 25 Images" in warning(card, "leak").message


def test_a_split_of_the_data_set_that_leaks_can_be_mended(tmp_path: Path, draw: Draw) -> None:
    for number in range(24):
        split = ("train", "val", "test")[number % 3]
        draw(tmp_path / split / ("ok" if number % 2 else "dent") / f"{number}.png", number, 0)
    leaking = draw(tmp_path / "test" / "ok" / "again.png", 3, 1)  # another shot of what train shows
    shutil.copy(tmp_path / "val" / "ok" / "1.png", tmp_path / "test" / "ok" / "copy.png")
    kept = warning(card_of(tmp_path), "leak")
    assert kept.repair == (("on_leak", "move"),) and len(kept.images) == 4

    card = card_of(tmp_path, **dict(kept.repair))

    assert {image.path: image.split for image in card.images}[str(leaking)] == "train"
    assert [sum(counts.values()) for counts in card.counts.values()] == [9, 9, 8]
    told = warning(card, "leak")
    assert "2 Images left the split that the data set gives them" in told.message and not told.repair
    assert {Path(path).name for path in told.images} == {"again.png", "copy.png"}


def test_a_split_without_a_test_gets_one_out_of_train_and_says_so(tmp_path: Path, draw: Draw) -> None:
    for number in range(40):
        split = "val" if number % 4 == 0 else "train"
        draw(tmp_path / split / ("ok" if number // 4 % 2 else "dent") / f"{number}.png", number)
    card = card_of(tmp_path)
    assert [sum(counts.values()) for counts in card.counts.values()] == [24, 10, 6]
    said = [one for one in card.warnings if "no Images for the test" in one.message]
    assert [len(one.images) for one in said] == [6]
    assert card.grouping != "The data set says itself what belongs to which split."
    assert not [one for one in card_of(tmp_path, test=0.0).warnings if "for the test" in one.message]


def test_good_parts_alone_for_training_are_refused_with_what_to_do(tmp_path: Path, draw: Draw) -> None:
    for number in range(8):
        draw(tmp_path / ("train" if number < 4 else "test") / "good" / f"{number}.png", number)
        draw(tmp_path / "test" / "hole" / f"{number}.png", 10 + number)
        draw(tmp_path / "ground_truth" / "hole" / f"{number}.png", 20 + number)
    card = card_of(tmp_path)
    assert card.classes == ("good", "hole")
    assert card.refusal == "Fewer than two classes have Images for training."
    assert "without train and test" in card.refusal_hint


def test_a_split_of_the_data_set_that_leaks_all_over_leaves_what_is_taken_anew_out_of_train(
    tmp_path: Path, draw: Draw
) -> None:
    for number in range(12):
        for shot, split in enumerate(("train", "val", "test")):
            draw(tmp_path / split / ("ok" if number % 2 else "dent") / f"{number}.png", number, shot)
    card = card_of(tmp_path, on_leak="move")
    assert all(sum(counts.values()) for counts in card.counts.values())
    assert len({(image.group, image.split) for image in card.images}) == card.groups
    none = card_of(tmp_path, on_leak="move", test=0.0)
    assert "None is left for the test" in warning(none, "leak").hint


# --- what is wrong with a data set


def test_one_picture_under_two_classes_is_named_with_both_paths(two_classes: Path) -> None:
    shutil.copy(two_classes / "bad" / "00.png", two_classes / "good" / "copy.png")
    conflict = warning(card_of(two_classes), "conflict")
    assert set(conflict.images) == {str(two_classes / "bad" / "00.png"), str(two_classes / "good" / "copy.png")}
    assert all(path in conflict.message for path in conflict.images)


def test_unreadable_images_are_named_and_left_out_or_stop_the_run(two_classes: Path) -> None:
    whole = (two_classes / "bad" / "00.png").read_bytes()
    (two_classes / "bad" / "cut.png").write_bytes(whole[:100])
    (two_classes / "good" / "empty.png").write_bytes(b"")
    card = card_of(two_classes)
    assert [Path(path).name for path, _ in card.unreadable] == ["cut.png", "empty.png"]
    assert all(reason.endswith(".") for _, reason in card.unreadable)
    assert len(card.images) == 24
    assert warning(card, "broken").message == "2 Images cannot be read and will be left out."
    with pytest.raises(DataError, match="2 Images cannot be read"):
        prepare_data(Recipe(data=str(two_classes), on_unreadable="stop"), JobContext())


def test_damaged_images_are_named_at_the_first_look_and_from_the_cache(two_classes: Path) -> None:
    pytest.importorskip("simplejpeg")
    assert "damaged" not in kinds(card_of(two_classes))
    path = two_classes / "good" / "spoilt.jpg"
    Image.effect_noise((96, 96), 80).convert("RGB").save(path, quality=90)
    data = bytearray(path.read_bytes())
    data[1500:1600] = bytes(100)
    path.write_bytes(data)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    for _ in range(2):
        found = warning(card_of(two_classes), "damaged")
        assert found.message == "1 Image is damaged: a part of the picture may be wrong."
        assert found.images == (str(path),)


def test_a_class_without_one_readable_image_is_refused_by_name(two_classes: Path) -> None:
    (two_classes / "rust").mkdir()
    (two_classes / "rust" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "None of the Images of the class “rust” can be read" in card_of(two_classes).refusal
    with pytest.raises(DataError, match="rust"):
        prepare_data(Recipe(data=str(two_classes)), JobContext())


def test_one_class_alone_is_refused(two_classes: Path) -> None:
    shutil.rmtree(two_classes / "bad")
    assert card_of(two_classes).refusal == "Training needs Images of two classes at least; all are of the class “good”."


def test_rare_classes_and_those_missing_from_a_split_are_named(two_classes: Path, draw: Draw) -> None:
    draw(two_classes / "rare" / "only.png", 50)
    card = card_of(two_classes)
    assert warning(card, "imbalance").message == "“bad” has 12 Images, “rare” only 1: 12 times fewer."
    assert "There is no Image for validation of “rare”." in [one.message for one in card.warnings]


def test_a_size_that_gives_the_class_away_is_warned_of(two_classes: Path) -> None:
    from PIL import Image

    for path in (two_classes / "bad").iterdir():
        with Image.open(path) as image:
            image.resize((80, 120)).save(path)
    card = card_of(two_classes)
    assert "80 x 120 pixels, and nearly none of the other classes" in warning(card, "size").message


# --- edits


def test_edits_of_labels_count_and_are_told(two_classes: Path) -> None:
    for action, name, label in (("move", "00.png", "good"), ("exclude", "02.png", "")):
        path = str(two_classes / "bad" / name)
        edit_labels(EditLabels(str(two_classes), action, (path,), label), JobContext())  # type: ignore[arg-type]
    card = card_of(two_classes)
    assert card.moved == (str(two_classes / "bad" / "00.png"),)
    assert card.excluded == (str(two_classes / "bad" / "02.png"),)
    assert sum(counts["good"] for counts in card.counts.values()) == 13
    assert sum(counts["bad"] for counts in card.counts.values()) == 10


def test_the_folder_of_a_class_that_was_moved_away_whole_is_no_part(tmp_path: Path, draw: Draw) -> None:
    for number in range(36):
        name = ("ok", "dent", "scratch")[number % 3]
        draw(tmp_path / name / f"lot {number // 3}" / f"{number}.png", number)
    before = card_of(tmp_path, group="folder")
    paths = tuple(image.path for image in before.images if image.label == "dent")
    edit_labels(EditLabels(str(tmp_path), "move", paths, "scratch"), JobContext())
    card = card_of(tmp_path, group="folder")
    assert card.classes == ("ok", "scratch")
    assert {image.path: image.group for image in card.images} == {image.path: image.group for image in before.images}


# --- real data


@pytest.mark.parametrize(
    ("name", "classes", "images", "groups", "word"),
    [
        ("bsd_pitting_crops_dev", 2, 991, range(20, 500), "names share a part"),
        ("pv_el_cracks_dev", 3, 300, range(200, 300), "look alike"),
        ("clothing_cc0", 10, 302, range(290, 303), ""),
    ],
)
def test_real_data_sets_are_imported_sensibly(name: str, classes: int, images: int, groups: range, word: str) -> None:
    if not (REAL / name).is_dir():
        pytest.skip("the real pictures are not here")
    card = card_of(REAL / name)
    assert (len(card.classes), len(card.images), card.unreadable) == (classes, images, ())
    assert card.groups in groups
    assert word in card.grouping
    assert all(sum(card.counts[split].values()) > 0.09 * images for split in card.counts)
    assert "leak" not in kinds(card)


@pytest.mark.parametrize("name", ["a\\b", "~me", "a\nb", "x" * 201])
def test_a_class_that_no_model_file_may_name_is_refused_before_training(tmp_path: Path, draw: Draw, name: str) -> None:
    for number in range(12):
        draw(tmp_path / "set" / (name if number % 2 else "ok") / f"{number}.png", number)
    card = describe_data(Recipe(data=str(tmp_path / "set")), JobContext(), is_quick=True)
    assert "has a name that no Model file may hold" in card.refusal
    assert "Rename its folder" in card.refusal_hint


def test_classes_that_are_not_learned_are_said_to_be_left_out(tmp_path: Path, draw: Draw) -> None:
    for number, place in enumerate(("train/a", "train/b", "val/a", "val/b", "test/a", "test/c")):
        draw(tmp_path / "set" / place / f"{number}.png", number)
    warnings = describe_data(Recipe(data=str(tmp_path / "set")), JobContext()).warnings
    told = next(one for one in warnings if "for training of “c”" in one.message)
    assert "their other Images are left out" in told.hint


def test_images_larger_than_the_recipe_allows_are_named_also_where_they_were_seen_before(two_classes: Path) -> None:
    large = two_classes / "good" / "large.png"
    Image.new("RGB", (1500, 1000)).save(large)
    os.utime(large, (1_700_000_000, 1_700_000_000))
    assert not card_of(two_classes).unreadable
    ((path, reason),) = card_of(two_classes, max_megapixels=1.0).unreadable
    assert path == str(large) and "megapixels" in reason


def test_what_is_no_image_is_ignored_and_counted(two_classes: Path) -> None:
    for litter in ("Thumbs.db", ".DS_Store", "bad/._00.png", "good/~$x.xlsx", "good/notes.txt"):
        (two_classes / litter).write_bytes(b"no picture")
    card = card_of(two_classes)
    assert (len(card.images), card.ignored, kinds(card)) == (24, 5, ["few"])
