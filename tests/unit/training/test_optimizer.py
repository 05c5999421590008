"""Who is decayed, who learns slower, how the rate runs, and what steps are planned."""

from __future__ import annotations

import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st

from convnext_studio.core.recipe import from_preset
from convnext_studio.core.training.optimizer import Schedule, build_optimizer, gentleness, moments_of, restore_moments
from convnext_studio.core.training.plan import Plan, Stretch, steps_within


def test_norms_biases_and_layer_scale_are_not_decayed_and_early_layers_learn_slower() -> None:
    network = timm.create_model("test_convnext", num_classes=3)
    optimizer = build_optimizer(network, from_preset("balanced", layer_decay=0.5))
    group_of = {id(weight): group for group in optimizer.param_groups for weight in group["params"]}
    groups = {name: group_of[id(weight)] for name, weight in network.named_parameters()}

    assert all((groups[name]["weight_decay"] == 0) == (weight.ndim <= 1) for name, weight in network.named_parameters())
    assert groups["head.fc.weight"]["lr_scale"] == 1.0
    assert groups["stem.0.weight"]["lr_scale"] < groups["stages.3.blocks.0.conv_dw.weight"]["lr_scale"] < 1.0


def test_the_rate_rises_in_a_warm_up_and_falls_to_nothing() -> None:
    optimizer = build_optimizer(timm.create_model("test_convnext", num_classes=3), from_preset("balanced"))
    schedule = Schedule(optimizer, 0.1)
    rates = [schedule.set((step + 0.5) / 100) for step in range(100)]

    assert rates[0] > 0
    assert max(rates) == pytest.approx(5e-4, rel=0.03)
    assert rates.index(max(rates)) == 10
    assert rates[-1] < 1e-6
    assert schedule.set(0.105, factor=0.5) == pytest.approx(rates[10] / 2)


def test_what_the_optimizer_remembers_comes_back_as_it_was() -> None:
    torch.manual_seed(0)
    networks = [timm.create_model("test_convnext", num_classes=3) for _ in range(2)]
    optimizers = [build_optimizer(network, from_preset("balanced")) for network in networks]
    image = torch.randn(2, 3, 32, 32)
    for _ in range(3):
        networks[0](image).square().sum().backward()
        optimizers[0].step()
        optimizers[0].zero_grad()
    networks[1].load_state_dict(networks[0].state_dict())
    restore_moments(networks[1], optimizers[1], moments_of(networks[0], optimizers[0]), 3)
    for network, optimizer in zip(networks, optimizers, strict=True):
        network(image).square().sum().backward()
        optimizer.step()

    pairs = zip(networks[0].parameters(), networks[1].parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 499))
def test_a_new_plan_goes_on_where_the_schedule_is_and_ends_at_its_end(first: int, second: int, done: int) -> None:
    done = min(done, first)
    plan = Plan(False, 1, 10, (Stretch(0, 0.0, first),))
    new = plan.replanned(done, second)

    assert new.share(done) == pytest.approx(plan.share(done))
    assert new.steps == max(second, done)
    assert new.share(new.steps) == pytest.approx(1.0) or new.steps == done
    shares = [new.share(step) for step in range(new.steps + 1)]
    assert shares == sorted(shares)


def test_validation_takes_its_part_of_a_time_limit() -> None:
    assert steps_within(10.0, 0.1, 0.0, 10) == 100
    assert steps_within(10.0, 0.1, 1.0, 10) == 50
    assert steps_within(-1.0, 0.1, 1.0, 10) == 1


def test_the_first_steps_are_small_and_the_later_ones_are_not_touched() -> None:
    assert [gentleness(step, 1000) for step in (0, 14, 29, 500)] == [1 / 30, 0.5, 1.0, 1.0]
    assert [gentleness(step, 4) for step in range(4)] == [0.5, 1.0, 1.0, 1.0]
    assert gentleness(0, 1) == 1.0


def test_random_weights_all_learn_at_the_full_rate() -> None:
    optimizer = build_optimizer(
        timm.create_model("test_convnext", num_classes=2), from_preset("balanced", weights="random", layer_decay=0.5)
    )

    assert {group["lr"] * group.get("lr_scale", 1.0) for group in optimizer.param_groups} == {5e-4}
