"""A Model file proves itself: it loads exactly as saved, or not at all."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file
from torch import nn

from convnext_studio.core.errors import ModelError, StorageError, UnsafeWeights
from convnext_studio.core.models.architecture import build
from convnext_studio.core.models.card import Card
from convnext_studio.core.models.card_file import CARD_KEY, read_card
from convnext_studio.core.models.model_file import save_model_file
from convnext_studio.core.models.network import load
from convnext_studio.core.models.tensors import identity_of
from convnext_studio.core.values import ModelRef


def rewrite_card(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the card of a Model file and leave all else as it is."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    card = json.loads(header["__metadata__"][CARD_KEY])
    change(card)
    header["__metadata__"][CARD_KEY] = json.dumps(card)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def test_a_saved_model_comes_back_the_same(model_file: Path, network: nn.Module, card: Card) -> None:
    model = load(ModelRef(str(model_file)))
    image = torch.rand(2, 3, 96, 128)

    assert model.card == card
    assert model.title == "Metal surfaces"
    assert not model.is_meaningless
    assert not model.warnings
    with torch.inference_mode():
        assert torch.equal(model.network(image), network(image))


def test_the_card_is_read_without_the_weights(model_file: Path, card: Card) -> None:
    assert read_card(model_file) == card


def test_two_saves_of_one_model_are_the_same_bytes_and_the_identity_is_returned(
    model_file: Path, network: nn.Module, card: Card, tmp_path: Path
) -> None:
    identity = save_model_file(tmp_path / "again.safetensors", network, card)

    assert (tmp_path / "again.safetensors").read_bytes() == model_file.read_bytes()
    assert load(ModelRef(str(model_file))).identity == identity


def test_weights_stored_in_half_precision_load_as_float32(network: nn.Module, card: Card, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    save_model_file(path, network, card, dtype=torch.float16)
    model = load(ModelRef(str(path)))
    image = torch.rand(1, 3, 96, 128)

    assert {parameter.dtype for parameter in model.network.parameters()} == {torch.float32}
    with torch.inference_mode():
        assert torch.allclose(model.network(image), network(image), atol=1e-2)


def test_a_plain_timm_script_opens_the_file(model_file: Path, network: nn.Module) -> None:
    other = timm.create_model("test_convnext", num_classes=3, checkpoint_path=str(model_file)).eval()
    image = torch.rand(1, 3, 96, 128)

    assert set(load_file(model_file)) == set(network.state_dict())
    with torch.inference_mode():
        assert torch.equal(other(image), network(image))


@pytest.mark.parametrize("place", [0.3, 0.5, 0.9, 0.9999])
def test_one_flipped_bit_is_refused(model_file: Path, place: float) -> None:
    data = bytearray(model_file.read_bytes())
    data[int(len(data) * place)] ^= 0x01
    model_file.write_bytes(data)

    with pytest.raises(UnsafeWeights, match="SHA-256"):
        load(ModelRef(str(model_file)))


def test_a_changed_card_is_refused(model_file: Path) -> None:
    rewrite_card(model_file, lambda card: card.update(classes=["good", "dent", "scratch"]))

    with pytest.raises(UnsafeWeights, match="SHA-256"):
        load(ModelRef(str(model_file)))


def test_a_card_without_a_hash_is_refused(model_file: Path) -> None:
    rewrite_card(model_file, lambda card: card.pop("sha256"))

    with pytest.raises(UnsafeWeights, match="SHA-256"):
        read_card(model_file)


def _in_preprocessing(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda card: card["preprocessing"].update(changes)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda card: card.pop("classes"), "classes"),
        (lambda card: card.update(classes="dent"), "classes"),
        (lambda card: card.update(classes=["a", "a", "b"]), "classes"),
        (lambda card: card.update(classes=["a", "", "b"]), "classes"),
        (lambda card: card.update(classes=["a", 1, "b"]), "classes"),
        (lambda card: card.update(classes=["../../evil", "b", "c"]), "classes"),
        (lambda card: card.update(classes=["/abs", "b", "c"]), "classes"),
        (lambda card: card.update(classes=["a\\b", "b", "c"]), "classes"),
        (lambda card: card.update(classes=["...", "b", "c"]), "classes"),
        (lambda card: card.update(classes=["~", "b", "c"]), "classes"),
        (_in_preprocessing(height=-1), "preprocessing.height"),
        (_in_preprocessing(width=10**9), "preprocessing.width"),
        (_in_preprocessing(height=1.5), "preprocessing.height"),
        (_in_preprocessing(std=[0, 0, 0]), "preprocessing.std"),
        (_in_preprocessing(std=[1, 1]), "preprocessing.std"),
        (_in_preprocessing(mean=["0.5", 0, 0]), "preprocessing.mean"),
        (_in_preprocessing(fit="stretch"), "preprocessing.fit"),
        (_in_preprocessing(interpolation="magic"), "preprocessing.interpolation"),
        (_in_preprocessing(crop_pct=0), "preprocessing.crop_pct"),
        (lambda card: card.pop("preprocessing"), "preprocessing"),
        (lambda card: card.update(format_version="1"), "format_version"),
        (lambda card: card.update(architecture=""), "architecture"),
        (lambda card: card.update(commercial_use="yes"), "commercial_use"),
        (lambda card: card.update(metrics=[{"name": "accuracy"}]), "metrics"),
        (lambda card: card["provenance"].update(seed="x"), "provenance.seed"),
        (lambda card: card.update(title="half of a letter: \ud800"), "title"),
        (lambda card: card["provenance"].update(data="\udcff"), "provenance.data"),
    ],
)
def test_a_wrong_card_is_refused_with_the_field_named(
    model_file: Path, change: Callable[[dict[str, Any]], object], field: str
) -> None:
    rewrite_card(model_file, change)

    with pytest.raises(ModelError) as caught:
        read_card(model_file)
    assert f"“{field}" in caught.value.message


def test_a_model_named_after_a_file_whose_name_is_no_text_is_saved_and_stays_itself(
    tmp_path: Path, network: nn.Module, card: Card
) -> None:
    """Such as a weights file with a Latin-1 name: its bytes that are no UTF-8 come as half letters."""
    odd = replace(card, title="Pr\udcfcfling", provenance=replace(card.provenance, data="Pr\udcfcfling, SHA-256 0"))
    save_model_file(tmp_path / "odd.safetensors", network, odd)
    read = read_card(tmp_path / "odd.safetensors")
    assert (read.title, read.provenance.data) == (r"Pr\udcfcfling", r"Pr\udcfcfling, SHA-256 0")
    weights = network.state_dict()
    assert load(ModelRef(str(tmp_path / "odd.safetensors"))).identity == identity_of(odd, weights)


def test_a_file_of_a_newer_version_says_so(model_file: Path) -> None:
    rewrite_card(model_file, lambda card: card.update(format_version=9999))

    with pytest.raises(ModelError, match="9999") as caught:
        read_card(model_file)
    assert "Update" in caught.value.hint


def test_an_architecture_that_does_not_exist_is_refused(model_file: Path) -> None:
    rewrite_card(model_file, lambda card: card.update(architecture="convnext_gigantic"))

    with pytest.raises(ModelError, match="convnext_gigantic"):
        load(ModelRef(str(model_file)))


def test_too_few_class_names_are_refused(model_file: Path) -> None:
    rewrite_card(model_file, lambda card: card.update(classes=["a", "b"]))

    with pytest.raises(ModelError, match="2 names for 3 outputs"):
        load(ModelRef(str(model_file)))


def test_a_foreign_file_is_told_apart_from_a_model_file(network: nn.Module, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(network.state_dict(), tmp_path / "foreign.safetensors")

    with pytest.raises(ModelError, match="no card"):
        read_card(tmp_path / "foreign.safetensors")


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.safetensors.*not there"):
        load(ModelRef(str(tmp_path / "gone.safetensors")))


def test_what_cannot_be_loaded_is_not_saved(network: nn.Module, card: Card, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(ModelError, match="classes"):
        save_model_file(path, network, replace(card, classes=("a", "b")))
    with pytest.raises(ModelError, match="path"):
        save_model_file(path, network, replace(card, classes=("a", "b", "../c")))
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        save_model_file(path, network, card)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_gone_is_a_storage_error(network: nn.Module, card: Card, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="does not exist"):
        save_model_file(tmp_path / "gone" / "x.safetensors", network, card)


def test_the_model_in_use_stays_usable_when_its_file_is_deleted(model_file: Path) -> None:
    model = load(ModelRef(str(model_file)))
    model_file.write_bytes(b"")
    model_file.unlink()

    with torch.inference_mode():
        assert torch.isfinite(model.network(torch.rand(1, 3, 96, 128))).all()


def test_a_network_with_options_of_its_own_loads_again_and_answers_the_same(tmp_path: Path, card: Card) -> None:
    options = {"depths": (1, 1, 2, 1), "dims": (8, 16, 24, 32), "kernel_sizes": 5, "norm_layer": "rmsnorm2d"}
    network = build("test_convnext", len(card.classes), {**options, "act_layer": "relu", "patch_size": 2})
    own = replace(card, architecture="test_convnext", options={**options, "act_layer": "relu", "patch_size": 2})
    save_model_file(tmp_path / "own.safetensors", network, own)
    model = load(ModelRef(str(tmp_path / "own.safetensors")))
    image = torch.rand(1, 3, 64, 64)

    assert model.card == own
    with torch.inference_mode():
        assert torch.equal(model.network(image), network(image))


@pytest.mark.parametrize("options", [{"depths": [1, 2]}, {"drop_rate": 0.5}, {"act_layer": "exec"}, {"patch_size": 0}])
def test_options_that_this_program_does_not_write_are_refused(model_file: Path, options: dict[str, Any]) -> None:
    rewrite_card(model_file, lambda raw: raw.update(options=options))

    with pytest.raises(ModelError, match="options"):
        read_card(model_file)
