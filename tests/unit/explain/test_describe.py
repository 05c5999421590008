"""The description of a network is right for every architecture of the catalogue."""

from __future__ import annotations

import pytest

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import UsageError
from convnext_studio.core.explain.describe import describe
from convnext_studio.core.explanations import NetworkDescription, NetworkPart
from convnext_studio.core.models.catalogue import CatalogueEntry, catalogue
from convnext_studio.core.requests import DescribeNetwork
from convnext_studio.core.values import ModelRef

BARE = [entry for entry in catalogue() if not entry.tag]


def every(part: NetworkPart) -> list[NetworkPart]:
    return [part, *(below for one in part.parts for below in every(one))]


@pytest.mark.parametrize("entry", BARE, ids=lambda entry: entry.architecture)
def test_parameters_and_gmacs_of_parts_add_up_to_those_of_the_catalogue(entry: CatalogueEntry) -> None:
    found = describe(entry.architecture, 1000, entry.input_size, entry.input_size)
    assert found.network.parameters == entry.parameters
    assert found.network.gmacs == pytest.approx(entry.gmacs, abs=1e-3)
    for part in every(found.network):
        assert part.sentence
        assert part.title
        if part.parts:
            assert sum(one.parameters for one in part.parts) == part.parameters
            assert sum(one.gmacs for one in part.parts) <= part.gmacs + 1e-9
    assert sum(one.gmacs for one in found.network.parts) == pytest.approx(found.network.gmacs)


def test_a_convnext_has_its_stages_blocks_and_what_they_are_made_of() -> None:
    found = describe("convnextv2_atto", 7, 224, 224)
    stages = [part for part in found.network.parts if part.kind == "stage"]
    assert [stage.layer for stage in stages] == ["stage1", "stage2", "stage3", "stage4"]
    block = next(part for part in stages[0].parts if part.kind == "block")
    kinds = [part.kind for part in block.parts]
    assert kinds[:2] == ["depthwise", "norm"]
    assert "grn" in kinds
    first = describe("convnext_tiny", 7, 224, 224)
    assert "layer scale" in {part.kind for part in every(first.network)}
    last = next(layer for layer in found.layers if layer.name == "stage4")
    assert (last.height, last.width) == (7, 7)


def test_a_model_is_described_by_its_name_without_its_weights_and_an_unknown_one_is_refused() -> None:
    found = jobs.run(DescribeNetwork(ModelRef("convnext_tiny.fb_in1k")), JobContext())
    assert isinstance(found, NetworkDescription)
    assert found.default_layer in {layer.name for layer in found.layers}
    sample = jobs.run(DescribeNetwork(ModelRef("sample")), JobContext())
    assert isinstance(sample, NetworkDescription)
    assert sample.architecture == "convnext_zepto_rms"
    with pytest.raises(UsageError, match="convnext_gigantic"):
        jobs.run(DescribeNetwork(ModelRef("convnext_gigantic")), JobContext())
