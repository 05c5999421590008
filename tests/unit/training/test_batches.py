"""Batches: exactly what `preprocess` prepares, for any rank and thread, and patient with bad files only so far."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.data.dataset import LabelledImage
from convnext_studio.core.errors import DataError
from convnext_studio.core.images.preprocess import load_input, to_float
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.training import batches as batches_module
from convnext_studio.core.training.augment import Augmentation
from convnext_studio.core.training.batches import Batch, Batches, Normalise, Reading
from convnext_studio.core.training.crew import Crew, Wanted
from convnext_studio.core.values import Preprocessing

CLASSES = ("bad", "good")
WAY_IN = Preprocessing(32, 32, "letterbox", "bicubic", (0.5, 0.4, 0.3), (0.2, 0.25, 0.3))
COUNT = 11


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[LabelledImage, ...]:
    """Pictures of different sizes, of two classes."""
    folder, chance = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    made = []
    for number in range(COUNT):
        path = folder / f"{number}.png"
        Image.fromarray(chance.integers(0, 256, (40 + number, 50, 3), np.uint8)).save(path)
        made.append(LabelledImage(str(path), CLASSES[number % 2]))
    return tuple(made)


@pytest.fixture
def open_batches(images: tuple[LabelledImage, ...]) -> Iterator[Callable[..., Batches]]:
    """Make Batches of the pictures, closed at the test's end."""
    opened: list[Batches] = []

    def made(*more: LabelledImage, is_altered: bool = True, **reading: object) -> Batches:
        settings = Reading(**{"batch_size": 4, "workers": 2, **reading})  # type: ignore[arg-type]
        augmentation = Augmentation(Recipe(rotation=20.0), WAY_IN) if is_altered else None
        opened.append(Batches((*images, *more), CLASSES, WAY_IN, settings, augmentation=augmentation))
        return opened[-1]

    yield made
    for one in opened:
        one.close()


def together(found: Iterator[Batch]) -> list[tuple[int, bytes]]:
    return [
        (number, pixels.numpy().tobytes())
        for batch in found
        for number, pixels in zip(batch.numbers, batch.pixels, strict=True)
    ]


def test_images_larger_than_allowed_are_left_out(
    open_batches: Callable[..., Batches], images: tuple[LabelledImage, ...]
) -> None:
    batches = open_batches(max_megapixels=0.0022)  # 50 x 44 pixels
    assert [number for batch in batches.in_order(JobContext()) for number in batch.numbers] == [0, 1, 2, 3, 4]
    assert all("megapixels" in why for why in batches.unreadable.values())


def test_read_in_order_images_are_exactly_what_preprocess_makes_of_them(
    open_batches: Callable[..., Batches], images: tuple[LabelledImage, ...]
) -> None:
    batches, normalise = open_batches(), Normalise(WAY_IN)
    for _ in range(2):  # decoded, then from memory
        found = list(batches.in_order(JobContext()))
        assert [len(batch) for batch in found] == [4, 4, 3]
        assert [number for batch in found for number in batch.numbers] == list(range(COUNT))
        for batch in found:
            inputs = np.stack([load_input(path, 0, WAY_IN).input for path in batch.paths])
            assert batch.pixels.is_contiguous(memory_format=torch.channels_last)
            assert np.array_equal(batch.pixels.permute(0, 2, 3, 1).numpy(), inputs)
            assert np.array_equal(normalise(batch.pixels).numpy(), to_float(inputs, WAY_IN))
            assert batch.labels.tolist() == [number % 2 for number in batch.numbers]


def test_an_epoch_is_the_same_for_any_number_of_threads_and_from_any_step_on(
    open_batches: Callable[..., Batches],
) -> None:
    one, three = open_batches(workers=1), open_batches(workers=3)
    whole = together(one.epoch(2, JobContext()))

    assert together(three.epoch(2, JobContext())) == whole
    assert together(three.epoch(2, JobContext(), first_step=1)) == whole[4:]
    assert together(three.epoch(3, JobContext())) != whole


def test_the_ranks_together_read_the_batches_of_one(open_batches: Callable[..., Batches]) -> None:
    alone = list(open_batches().epoch(1, JobContext()))
    ranks = [list(open_batches(rank=rank, world=2).epoch(1, JobContext())) for rank in range(2)]

    for step, batch in enumerate(alone):
        both = [pair for rank in ranks for pair in together(iter([rank[step]]))]
        assert sorted(both) == sorted(together(iter([batch])))


def test_without_room_in_memory_images_are_decoded_again_to_the_same_pixels(
    open_batches: Callable[..., Batches], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = together(open_batches().epoch(1, JobContext()))
    monkeypatch.setattr(batches_module, "_free_memory", lambda: 0.0)
    assert together(open_batches().epoch(1, JobContext())) == kept


def test_an_unreadable_image_is_named_once_and_left_out(
    open_batches: Callable[..., Batches], tmp_path: Path, images: tuple[LabelledImage, ...]
) -> None:
    gone = LabelledImage(str(tmp_path / "gone.png"), "good")
    batches = open_batches(gone, is_altered=False)
    for _ in range(2):
        found = list(batches.in_order(JobContext()))
        assert sorted(path for batch in found for path in batch.paths) == sorted(image.path for image in images)
        assert all(len(batch) == len(batch.labels) == len(batch.pixels) for batch in found)
    assert list(batches.unreadable) == [gone.path]
    assert "not there any more" in batches.unreadable[gone.path]


def test_an_unreadable_image_stops_the_reading_if_so_ordered(
    open_batches: Callable[..., Batches], tmp_path: Path
) -> None:
    batches = open_batches(LabelledImage(str(tmp_path / "gone.png"), "good"), on_unreadable="stop")
    with pytest.raises(DataError, match=r"gone\.png"):
        list(batches.in_order(JobContext()))


def test_a_decoder_that_hangs_is_named_and_the_rest_is_read(
    open_batches: Callable[..., Batches], images: tuple[LabelledImage, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()

    def hanging(path: str, *rest: object) -> object:
        if path == images[3].path:
            let_go.wait()
        return load_input(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(batches_module, "load_input", hanging)
    try:
        batches = open_batches(limit_s=0.3)
        found = [number for batch in batches.in_order(JobContext()) for number in batch.numbers]
        assert found == [number for number in range(COUNT) if number != 3]
        assert "longer than 0.3 seconds" in batches.unreadable[images[3].path]
    finally:
        let_go.set()


def test_a_stop_ends_the_reading_while_a_decoder_is_busy(
    open_batches: Callable[..., Batches], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, let_go = threading.Event(), threading.Event()

    def slow(path: str, *rest: object) -> object:
        stop.set()
        let_go.wait()
        return load_input(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(batches_module, "load_input", slow)
    try:
        with pytest.raises(Cancelled):
            list(open_batches().epoch(1, JobContext(cancel=stop)))
    finally:
        let_go.set()


def test_a_fault_of_ours_is_raised_where_it_is_waited_for(
    open_batches: Callable[..., Batches], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Augmentation, "apply", wrong)
    with pytest.raises(ZeroDivisionError):
        list(open_batches().epoch(1, JobContext()))


def test_the_threads_of_torch_stay_as_many_as_they_were(open_batches: Callable[..., Batches]) -> None:
    before = torch.get_num_threads()
    list(open_batches().in_order(JobContext()))
    assert torch.get_num_threads() == before


def test_closed_batches_refuse_to_be_read(open_batches: Callable[..., Batches]) -> None:
    batches = open_batches()
    batches.close()
    with pytest.raises(RuntimeError, match="closed"):
        list(batches.in_order(JobContext()))


def test_the_threads_that_prepare_use_one_core_each_and_leave_the_caller_its_own() -> None:
    """A thread that was told so would else take the number that the caller sets again right afterwards."""
    before, seen = torch.get_num_threads(), []

    def prepare(wanted: Wanted, room: np.ndarray) -> None:
        del wanted, room
        time.sleep(0.02)  # until the caller has set its own again
        seen.append(torch.get_num_threads())

    torch.set_num_threads(2)
    crew = Crew(prepare, 2, limit_s=10.0)
    try:
        crew.wait_for(crew.order([Wanted(n, 0, n) for n in range(8)], torch.empty(8, 4, 4, 3)), JobContext())
        assert torch.get_num_threads() == 2
    finally:
        crew.end()
        torch.set_num_threads(before)
    assert seen == [1] * 8
