"""What is raced against ConvNeXt is fine-tuned the same way: a ResNet and a transformer, head only and in full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import timm
from safetensors.torch import load_file, save_file

from convnext_studio.core.models import network as models
from convnext_studio.core.recipe import Recipe
from convnext_studio.core.run_events import EpochEnded, StepEnded
from convnext_studio.core.runs.run import Run
from convnext_studio.core.training.network import start_network
from convnext_studio.core.training.optimizer import build_optimizer
from convnext_studio.core.values import ModelRef
from tests.training_runs import of, worked


@pytest.fixture(scope="module", params=["test_resnet", "test_vit"])
def foreign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """An architecture that is no ConvNeXt, and a file with weights of it."""
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.safetensors"
    network = timm.create_model(request.param, pretrained=False)
    save_file({name: weight.contiguous() for name, weight in network.state_dict().items()}, path)
    return request.param, str(path)


@pytest.mark.parametrize("epochs", [0, 1])
def test_it_learns_by_its_head_alone_and_in_full_at_another_input_size(
    begin: Callable[..., Run], foreign: tuple[str, str], epochs: int
) -> None:
    grown = {"model": foreign[0], "weights": "pretrained", "weights_file": foreign[1]}
    run = begin(**grown, epochs=epochs, drop_path=0.1, input_size=64, is_head_first=True)
    ended, events = worked(run)
    assert (ended.ending, ended.message) == ("finished", "Finished.")
    assert [event.epoch for event in of(EpochEnded, events)] == list(range(epochs + 1))
    assert bool(of(StepEnded, events)) is bool(epochs)
    model = models.load(ModelRef(str(run.model_path)))
    assert (model.architecture, model.preprocessing.width) == (foreign[0], 64)
    before, after = load_file(foreign[1]), load_file(run.model_path)
    body = [name for name in after if name in before and before[name].shape == after[name].shape]
    assert body
    if not epochs:  # a head alone: all else stays what it was
        assert all(before[name].equal(after[name]) for name in body if "num_batches" not in name)


def test_its_layers_learn_slower_the_further_they_are_from_the_head(foreign: tuple[str, str]) -> None:
    recipe = Recipe(model=foreign[0], weights_file=foreign[1], layer_decay=0.5, learning_rate=1e-3)
    network = start_network(recipe, ("a", "b")).network
    groups = build_optimizer(network, recipe).param_groups
    rate = {id(weight): group["lr"] * group.get("lr_scale", 1.0) for group in groups for weight in group["params"]}
    head = id(network.get_classifier().weight)  # type: ignore[operator]
    stem = id(next(network.parameters()))
    assert rate[head] == pytest.approx(1e-3)
    assert rate[stem] < 0.2 * rate[head]


def test_places_of_a_transformer_are_interpolated_and_not_begun_anew(tmp_path: Path) -> None:
    network = timm.create_model("test_vit", pretrained=False)
    network.pos_embed.data.fill_(3.0)
    path = tmp_path / "vit.safetensors"
    save_file({name: weight.contiguous() for name, weight in network.state_dict().items()}, path)
    start = start_network(Recipe(model="test_vit", weights_file=str(path), input_size=64), ("a", "b"))
    places = start.network.pos_embed
    assert places.shape[1] == 4 * 4 + 1 and float(places.detach().min()) == pytest.approx(3.0, abs=0.01)
    assert start.card.options == {"img_size": 64}


def test_to_measure_how_fast_it_learns_changes_nothing_of_what_a_batch_norm_has_seen(
    begin: Callable[..., Run], tmp_path: Path
) -> None:
    path = tmp_path / "resnet.safetensors"
    network = timm.create_model("test_resnet", pretrained=False)
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.fill_(0.25)
    save_file({name: weight.contiguous() for name, weight in network.state_dict().items()}, path)
    grown = {"model": "test_resnet", "weights": "pretrained", "weights_file": str(path)}
    run = begin(**grown, epochs=1, max_minutes=5.0, is_head_first=True)

    worked(run, lambda event, stop: stop.set() if isinstance(event, EpochEnded) else None)  # after the head's epoch
    after = load_file(run.model_path)

    assert {float(value) for name in after if name.endswith("running_mean") for value in after[name].unique()} == {0.25}
