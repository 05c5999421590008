"""Weights are found, fetched and proved; every fault of a connection is one clear sentence."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
from safetensors.torch import save

from convnext_studio.core import jobs
from convnext_studio.core.context import Cancelled, JobContext
from convnext_studio.core.errors import DownloadError, StorageError, UsageError
from convnext_studio.core.events import DownloadProgressed, WeightsOnDisk
from convnext_studio.core.requests import DownloadWeights, FindWeights
from tests.unit.models.stand_in_hub import COMMIT, StandInHub, stand_in_hub

NAME = "convnext_zepto_rms.ra4_e3600_r224_in1k"
REPOSITORY = f"models--timm--{NAME}"


@pytest.fixture(scope="session")
def content() -> bytes:
    return save(timm.create_model(NAME, pretrained=False).state_dict())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def hub(content: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    with stand_in_hub(content) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        yield running


def download(ctx: JobContext | None = None) -> WeightsOnDisk:
    result = jobs.run(DownloadWeights(NAME), ctx or JobContext())
    assert isinstance(result, WeightsOnDisk)
    return result


def find(folder: str = "") -> dict[str, WeightsOnDisk]:
    result = jobs.run(FindWeights(folder), JobContext())
    assert isinstance(result, dict)
    return result


def parts(cache: Path) -> list[Path]:
    return list(cache.rglob("*.incomplete"))


def test_weights_arrive_where_other_programs_look_for_them(hub: StandInHub, cache: Path, content: bytes) -> None:
    from huggingface_hub import try_to_load_from_cache

    events: list[object] = []
    found = download(JobContext(emit=events.append))

    assert Path(found.path).read_bytes() == content
    assert found == find()[NAME]
    assert try_to_load_from_cache(f"timm/{NAME}", "model.safetensors", cache_dir=cache) == found.path
    assert events[-1] == DownloadProgressed(len(content), len(content))
    assert not parts(cache)


def test_weights_that_are_here_are_not_asked_for_again(hub: StandInHub) -> None:
    first = download()
    hub.seen.clear()

    assert download() == first
    assert not hub.seen


def test_a_cut_connection_keeps_the_part_and_the_next_call_goes_on(
    hub: StandInHub, cache: Path, content: bytes
) -> None:
    hub.cut_after = 1_000_000
    with pytest.raises(DownloadError, match=r"cut after 1\.0 of 8\.6 MB") as caught:
        download()
    assert "goes on" in caught.value.hint
    assert parts(cache)[0].stat().st_size == 1_000_000
    assert not find()

    assert Path(download().path).read_bytes() == content
    assert ("GET", "bytes=1000000-") in hub.seen


def test_a_hub_that_cannot_resume_starts_anew(hub: StandInHub, content: bytes) -> None:
    hub.cut_after = 500_000
    with pytest.raises(DownloadError):
        download()
    hub.is_ignoring_ranges = True

    assert Path(download().path).read_bytes() == content


def test_a_stop_is_noticed_within_half_a_second_even_when_nothing_arrives(hub: StandInHub, cache: Path) -> None:
    hub.hold.clear()
    ctx = JobContext()
    stopped_at: list[float] = []

    def stop_in_the_middle(event: object) -> None:
        if isinstance(event, DownloadProgressed) and event.done_bytes and not ctx.cancel.is_set():
            stopped_at.append(time.monotonic())
            ctx.cancel.set()

    with pytest.raises(Cancelled):
        download(JobContext(stop_in_the_middle, ctx.cancel))
    assert time.monotonic() - stopped_at[0] < 0.5
    assert parts(cache)

    hub.hold.set()
    download()
    assert any(wanted for _, wanted in hub.seen)


def test_a_wrong_checksum_is_thrown_away(hub: StandInHub, cache: Path) -> None:
    hub.sha256 = "0" * 64
    with pytest.raises(DownloadError, match="SHA-256") as caught:
        download()

    assert "0" * 64 in caught.value.message
    assert not parts(cache)
    assert not find()


def test_a_file_that_is_no_weights_file_is_thrown_away(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stand_in_hub(b"<!doctype html>" * 100) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        with pytest.raises(Exception, match="safetensors"):
            download()
    assert not find()


def test_too_little_room_is_said_before_anything_is_fetched(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 10**6))

    with pytest.raises(StorageError, match="1 MB are free"):
        download()
    assert not [method for method, _ in hub.seen if method == "GET"]


@pytest.mark.parametrize(("status", "words"), [(404, "has no file"), (401, "does not give out"), (503, "error 503")])
def test_what_the_hub_refuses_is_told_with_the_way_by_hand(hub: StandInHub, status: int, words: str) -> None:
    hub.error = status
    with pytest.raises(DownloadError, match=words) as caught:
        download()
    assert f"{NAME}.safetensors" in caught.value.hint
    assert f"timm/{NAME}" in caught.value.hint


def test_without_a_connection_one_sentence_names_file_and_place(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(DownloadError, match="cannot be reached") as caught:
            download()
    assert time.monotonic() - started < 2.0
    assert f"{NAME}.safetensors" in caught.value.hint


def test_downloads_can_be_switched_off(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DownloadError, match="switched off"):
        download()
    assert not hub.seen


def test_a_second_download_of_the_same_weights_is_refused_while_the_first_runs(hub: StandInHub) -> None:
    hub.hold.clear()
    is_running = threading.Event()
    first = threading.Thread(
        target=download,
        args=(JobContext(lambda event: is_running.set() if event.done_bytes else None),),  # type: ignore[attr-defined]
    )
    first.start()
    assert is_running.wait(10)
    with pytest.raises(DownloadError, match="already"):
        download()
    hub.hold.set()
    first.join()
    assert NAME in find()


def test_an_unknown_name_is_refused(cache: Path) -> None:
    with pytest.raises(UsageError, match="convnext_gigantic"):
        jobs.run(DownloadWeights("convnext_gigantic"), JobContext())


def test_both_layouts_of_an_administrators_folder_are_found(cache: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"{NAME}.safetensors").write_bytes(content)
    (tmp_path / "convnext_atto.d2_in1k").mkdir()
    (tmp_path / "convnext_atto.d2_in1k" / "model.safetensors").write_bytes(content)

    found = find(str(tmp_path))
    assert set(found) == {NAME, "convnext_atto.d2_in1k"}
    assert {weights.place for weights in found.values()} == {"administrator's folder"}


def test_an_empty_or_damaged_cache_holds_nothing(cache: Path) -> None:
    assert find() == {}
    (cache / REPOSITORY / "refs").mkdir(parents=True)
    (cache / REPOSITORY / "refs" / "main").write_bytes(b"\xff\xfe")
    (cache / REPOSITORY / "snapshots" / COMMIT).mkdir(parents=True)
    assert find() == {}
