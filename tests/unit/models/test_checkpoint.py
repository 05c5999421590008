"""Weights that others made load in every usual layout, and nothing in a file is ever run."""

from __future__ import annotations

import argparse
import collections
import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from convnext_studio.core.errors import MissingWeights, ModelError, UnsafeWeights, UsageError
from convnext_studio.core.models.catalogue import find_entry
from convnext_studio.core.models.network import load
from convnext_studio.core.models.pickle_file import read_pickle_file
from convnext_studio.core.models.pickle_reader import DamagedPickle, ForbiddenName, read_pickle
from convnext_studio.core.values import ModelRef

ZEPTO = "convnext_zepto_rms.ra4_e3600_r224_in1k"


def with_lively_scales(network: nn.Module) -> nn.Module:
    """Fresh layer scales are 1e-6: nothing in a block could be told from zero."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1 or "scale" in name or "grn" in name:
                parameter.uniform_(0.2, 0.6)
    return network.eval()


def largest_difference(one: nn.Module, other: nn.Module) -> float:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        return float((one(image) - other(image)).abs().max())


def as_original(state: dict[str, Tensor], depths: tuple[int, ...]) -> dict[str, Tensor]:
    """Write timm's tensors as the original V1 and V2 code names them, linear layers as matrices."""
    names = {"norm.weight": "head.norm.weight", "norm.bias": "head.norm.bias"}
    names |= {"head.weight": "head.fc.weight", "head.bias": "head.fc.bias"}
    for kind in ("weight", "bias"):
        names |= {f"downsample_layers.0.{part}.{kind}": f"stem.{part}.{kind}" for part in (0, 1)}
        for stage in (1, 2, 3):
            for part in (0, 1):
                names[f"downsample_layers.{stage}.{part}.{kind}"] = f"stages.{stage}.downsample.{part}.{kind}"
        for stage, depth in enumerate(depths):
            for block in range(depth):
                theirs, ours = f"stages.{stage}.{block}", f"stages.{stage}.blocks.{block}"
                names[f"{theirs}.dwconv.{kind}"] = f"{ours}.conv_dw.{kind}"
                names[f"{theirs}.norm.{kind}"] = f"{ours}.norm.{kind}"
                names[f"{theirs}.pwconv1.{kind}"] = f"{ours}.mlp.fc1.{kind}"
                names[f"{theirs}.pwconv2.{kind}"] = f"{ours}.mlp.fc2.{kind}"
                names[f"{theirs}.gamma"] = f"{ours}.gamma"
                names[f"{theirs}.grn.gamma"] = f"{ours}.mlp.grn.weight"
                names[f"{theirs}.grn.beta"] = f"{ours}.mlp.grn.bias"
    found = {}
    for theirs, ours in names.items():
        if ours in state:
            tensor = state[ours]
            if "pwconv" in theirs:
                tensor = tensor.flatten(1) if tensor.ndim == 4 else tensor
            found[theirs] = tensor.reshape(1, 1, 1, -1) if "grn" in theirs else tensor
    assert len(found) == len(state)
    return found


def foreign(path: Path, architecture: str) -> nn.Module:
    return load(ModelRef(architecture, file=str(path))).network


@pytest.mark.parametrize("architecture", ["convnext_atto", "convnextv2_atto"])
def test_the_original_code_of_both_versions_loads_with_the_same_outputs(tmp_path: Path, architecture: str) -> None:
    network = with_lively_scales(timm.create_model(architecture, num_classes=7))
    path = tmp_path / "original.pth"
    torch.save({"model": as_original(network.state_dict(), (2, 2, 6, 2))}, path)

    assert largest_difference(foreign(path, architecture), network) < 1e-4


def test_torchvision_loads_with_the_same_outputs(tmp_path: Path) -> None:
    network = with_lively_scales(torchvision.models.convnext_tiny(num_classes=5))
    save_file(network.state_dict(), tmp_path / "torchvision.safetensors")

    assert largest_difference(foreign(tmp_path / "torchvision.safetensors", "convnext_tiny"), network) < 1e-4


def _half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.half() for name, tensor in state.items()}


@pytest.mark.parametrize(
    ("wrap", "allowed"),
    [
        (lambda state: {f"module._orig_mod.{name}": tensor for name, tensor in state.items()}, 1e-6),
        (lambda state: {"state_dict": state, "epoch": 3}, 1e-6),
        (lambda state: {"model": {"x": torch.zeros(1)}, "model_ema": state}, 1e-6),
        (_half, 1e-2),
    ],
)
def test_wrappers_prefixes_and_half_precision_load(
    tmp_path: Path, network: nn.Module, wrap: Callable[[Any], Any], allowed: float
) -> None:
    path = tmp_path / "wrapped.pt"
    torch.save(wrap(network.state_dict()), path)

    assert largest_difference(foreign(path, "test_convnext"), network) < allowed


@pytest.mark.parametrize("is_old_format", [False, True])
def test_weights_beside_an_optimizer_and_an_average_load_from_either_format(
    tmp_path: Path, network: nn.Module, is_old_format: bool
) -> None:
    path, state = tmp_path / "whole.pth", network.state_dict()
    moments = {"state": {0: {"exp_avg": torch.zeros(7, dtype=torch.float64), "step": torch.tensor(3)}}}
    content = {"optimizer": moments, "model_ema": state, "model": _half(state)}
    torch.save(content, path, _use_new_zipfile_serialization=not is_old_format)

    assert largest_difference(foreign(path, "test_convnext"), network) < 1e-6


def test_a_head_of_another_size_is_taken_over_and_its_classes_are_numbered(tmp_path: Path, network: nn.Module) -> None:
    save_file(network.state_dict(), tmp_path / "three.safetensors")
    model = load(ModelRef("test_convnext", file=str(tmp_path / "three.safetensors")))

    assert model.classes == ("class 0", "class 1", "class 2")
    assert model.preprocessing.fit == "squash"
    assert (model.licence, model.commercial_use) == ("", None)
    assert any("numbered" in warning for warning in model.warnings)


def test_settings_beside_the_weights_are_left_alone_and_mentioned(tmp_path: Path, network: nn.Module) -> None:
    path = tmp_path / "timm.pth.tar"
    torch.save({"state_dict": network.state_dict(), "args": argparse.Namespace(lr=1.0)}, path)

    model = load(ModelRef("test_convnext", file=str(path)))
    assert any("args" in warning for warning in model.warnings)


class _Runs:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("is_old_format", [False, True])
def test_a_file_that_would_run_something_is_refused_by_name_and_runs_nothing(
    tmp_path: Path, network: nn.Module, is_old_format: bool
) -> None:
    path = tmp_path / "evil.pt"
    content = {"state_dict": network.state_dict(), "x": _Runs(tmp_path / "ran")}
    torch.save(content, path, _use_new_zipfile_serialization=not is_old_format)

    with pytest.raises(UnsafeWeights, match="mkdir"):
        load(ModelRef("test_convnext", file=str(path)))
    assert not (tmp_path / "ran").exists()


def test_a_tensor_larger_than_its_file_is_refused_before_it_is_copied(tmp_path: Path) -> None:
    torch.save({"head.fc.weight": torch.zeros(1).expand(1_000_000, 1_000_000)}, tmp_path / "giant.pt")

    with pytest.raises(UnsafeWeights, match="1000000×1000000"):
        load(ModelRef("test_convnext", file=str(tmp_path / "giant.pt")))


@pytest.mark.parametrize("is_old_format", [False, True])
def test_views_parameters_and_every_kind_of_number_read_as_torch_reads_them(
    tmp_path: Path, is_old_format: bool
) -> None:
    path = tmp_path / "views.pt"
    base = torch.rand(4, 6, 5, 5)
    kinds = (torch.float64, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
    content = collections.OrderedDict(
        {str(kind): (base[0] * 9).to(kind) for kind in kinds},
        part=base[1:3, ::2],
        turned=base.permute(2, 0, 3, 1),
        last=base.to(memory_format=torch.channels_last),
        parameter=nn.Parameter(base),
        number=torch.tensor(3.5),
        empty=torch.empty(0, 3),
    )
    torch.save(content, path, _use_new_zipfile_serialization=not is_old_format)
    found, _ = read_pickle_file(path)
    expected = torch.load(path, weights_only=True)

    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
        assert found[name].dtype == tensor.dtype


def _protocol_4(marker: Path) -> bytes:
    return pickle.dumps(_Runs(marker), protocol=4)


def _slow_hash(_: Path) -> bytes:
    """A dict whose key is a tuple of tuples, 200 deep and doubled at each level: its hash would take for ever."""
    levels = b"".join(b"q%c0h%ch%c\x86" % (0, 0, 0) for _ in range(200))
    return b"\x80\x02})" + levels + b"K\x01s."


@pytest.mark.parametrize("make", [_protocol_4, _slow_hash])
def test_hostile_pickles_end_at_once(tmp_path: Path, make: Callable[[Path], bytes]) -> None:
    path = tmp_path / "bad.pt"
    path.write_bytes(make(tmp_path / "ran"))

    with pytest.raises(ModelError, match=r"bad\.pt"):
        read_pickle_file(path)
    assert not (tmp_path / "ran").exists()


@given(data=st.binary(max_size=200))
def test_no_bytes_make_the_reader_do_anything_but_refuse(data: bytes) -> None:
    try:
        read_pickle(io.BytesIO(b"\x80\x02" + data))
    except (ForbiddenName, DamagedPickle):
        return


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


def _compress(path: Path) -> None:
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            target.writestr(name, data)


@pytest.mark.parametrize("damage", [_cut, _flip, _compress, lambda path: path.write_bytes(b"<html>")])
def test_damaged_files_are_refused_with_their_name(
    tmp_path: Path, network: nn.Module, damage: Callable[[Path], object]
) -> None:
    path = tmp_path / "weights.pt"
    torch.save(network.state_dict(), path)
    damage(path)

    with pytest.raises(ModelError, match=r"weights\.pt"):
        load(ModelRef("test_convnext", file=str(path)))


def test_the_first_tensor_that_does_not_fit_is_named_with_both_shapes(tmp_path: Path, network: nn.Module) -> None:
    state = network.state_dict()
    save_file({**state, "stem.0.weight": torch.zeros(24, 1, 4, 4)}, tmp_path / "stem.safetensors")
    with pytest.raises(ModelError, match=r"stem\.0\.weight.*24×1×4×4.*24×3×4×4"):
        load(ModelRef("test_convnext", file=str(tmp_path / "stem.safetensors")))

    save_file({name: value for name, value in state.items() if "stages.2" not in name}, tmp_path / "cut.safetensors")
    with pytest.raises(ModelError, match=r"missing.*stages\.2"):
        load(ModelRef("test_convnext", file=str(tmp_path / "cut.safetensors")))


def test_weights_that_are_not_finite_are_refused_and_all_zeros_are_warned_about(
    tmp_path: Path, network: nn.Module
) -> None:
    path = tmp_path / "w.safetensors"
    state = network.state_dict()
    save_file({**state, "head.fc.bias": torch.tensor([0.0, float("nan"), 0.0])}, path)
    with pytest.raises(ModelError, match=r"head\.fc\.bias.*not finite"):
        load(ModelRef("test_convnext", file=str(path)))

    save_file({name: torch.zeros_like(tensor) for name, tensor in state.items()}, path)
    assert any("zero" in warning for warning in load(ModelRef("test_convnext", file=str(path))).warnings)


def test_a_header_that_claims_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", 9 << 20) + b" " * (9 << 20))

    with pytest.raises(UnsafeWeights, match="claims"):
        load(ModelRef("test_convnext", file=str(path)))


# --- weights of the catalogue, as they lie on a disk


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_missing_weights_name_every_choice_and_open_no_socket(empty_cache: Path) -> None:
    with pytest.raises(MissingWeights) as caught:
        load(ModelRef(ZEPTO))

    for words in ("Download", "9 MB", "a weights file", "folder", "random", f"timm/{ZEPTO}", f"{ZEPTO}.safetensors"):
        assert words in caught.value.hint


def test_a_bare_architecture_has_no_weights_of_its_own(empty_cache: Path) -> None:
    with pytest.raises(MissingWeights, match="bare architecture"):
        load(ModelRef("convnext_atto"))


def test_an_unknown_name_is_refused(empty_cache: Path) -> None:
    for ref in (ModelRef("convnext_gigantic"), ModelRef("convnext_atto.never_in1k", weights="random")):
        with pytest.raises(UsageError, match="no Model named"):
            load(ref)


def test_an_administrators_folder_gives_a_model_with_class_names_and_licence(empty_cache: Path, tmp_path: Path) -> None:
    network = with_lively_scales(timm.create_model(ZEPTO, pretrained=False))
    save_file(network.state_dict(), tmp_path / f"{ZEPTO}.safetensors")
    model = load(ModelRef(ZEPTO, folder=str(tmp_path)))
    entry = find_entry(ZEPTO)

    assert entry is not None
    assert model.classes[:2] == ("tench", "goldfish")
    assert (model.licence, model.commercial_use, model.title) == ("apache-2.0", True, ZEPTO)
    assert model.parameters == entry.parameters
    assert model.preprocessing.fit == "crop"
    assert largest_difference(model.network, network) < 1e-6


def test_a_cached_file_that_is_not_what_its_name_says_is_refused(empty_cache: Path) -> None:
    repository = empty_cache / f"models--timm--{ZEPTO}"
    blob, snapshot = repository / "blobs" / ("0" * 64), repository / "snapshots" / ("c" * 40)
    for folder in (blob.parent, snapshot, repository / "refs"):
        folder.mkdir(parents=True)
    save_file(timm.create_model(ZEPTO, pretrained=False).state_dict(), blob)
    (snapshot / "model.safetensors").symlink_to(blob)
    (repository / "refs" / "main").write_text("c" * 40)

    with pytest.raises(UnsafeWeights, match="SHA-256"):
        load(ModelRef(ZEPTO))


def test_feature_only_weights_have_no_classes_and_point_to_fine_tuning(empty_cache: Path, tmp_path: Path) -> None:
    name = "convnextv2_atto.fcmae"
    save_file(timm.create_model(name, pretrained=False).state_dict(), tmp_path / f"{name}.safetensors")
    model = load(ModelRef(name, folder=str(tmp_path)))

    assert model.classes == ()
    assert any("fine-tune" in warning for warning in model.warnings)
    assert model.commercial_use is False


@pytest.mark.parametrize("name", ["resnet50.a1_in1k", "vit_small_patch16_224.augreg_in1k"])
def test_the_architectures_to_compare_load_too(empty_cache: Path, tmp_path: Path, name: str) -> None:
    network = timm.create_model(name, pretrained=False).eval()
    save_file(network.state_dict(), tmp_path / f"{name}.safetensors")

    assert len(load(ModelRef(name, folder=str(tmp_path))).classes) == 1000


def test_swin_keeps_the_buffers_that_no_file_holds(empty_cache: Path, tmp_path: Path) -> None:
    name = "swin_tiny_patch4_window7_224.ms_in1k"
    network = timm.create_model(name, pretrained=False).eval()
    save_file(network.state_dict(), tmp_path / f"{name}.safetensors")
    model = load(ModelRef(name, folder=str(tmp_path)))
    image = torch.rand(1, 3, 224, 224)

    with torch.inference_mode():
        assert torch.allclose(model.network(image), network(image), atol=1e-6)
