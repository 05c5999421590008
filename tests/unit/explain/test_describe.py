"""The description of a network is right for every architecture of the catalogue."""

from __future__ import annotations

import pytest

from convnext_studio.core import jobs
from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import UsageError
from convnext_studio.core.explain.describe import describe
from convnext_studio.core.explanations import NetworkDescription, NetworkPart
from convnext_studio.core.models.card import Option
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
    kinds = [part.kind for part in found.network.parts]
    assert kinds == ["stem", *["stage"] * (len(kinds) - 2), "head"]
    for block in (part for part in every(found.network) if part.kind == "block"):
        assert block.adds
        assert all(0 <= start < end < len(block.parts) for start, end in block.adds)
        assert block.layer or found.family == "ViT"


def test_a_block_says_where_it_adds_and_how_wide_it_is_inside() -> None:
    def middle(architecture: str) -> NetworkPart:
        stage = describe(architecture, 7, 224, 224).network.parts[-2]
        return [part for part in stage.parts if part.kind == "block"][1]

    convnext, resnet, swin = middle("convnextv2_atto"), middle("resnet50"), middle("swin_tiny_patch4_window7_224")
    assert convnext.adds == ((0, len(convnext.parts) - 1),)
    assert [part.features for part in convnext.parts] == [320, 320, 1280, 1280, 1280, 320]
    assert resnet.parts[resnet.adds[0][1] + 1].title == "ReLU"
    assert [part.features for part in resnet.parts if part.kind == "convolution"] == [512, 512, 2048]
    assert [swin.parts[end].kind for _start, end in swin.adds] == ["attention", "linear"]


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


def test_a_network_of_ones_own_design_is_described_as_it_is() -> None:
    options: dict[str, Option] = {"depths": (1, 1, 2, 1), "dims": (8, 16, 24, 32), "kernel_sizes": 5}
    options |= {"norm_layer": "rmsnorm2d", "act_layer": "relu", "patch_size": 2}
    found = describe("test_convnext", 3, 64, 64, options)
    stages = [part for part in found.network.parts if part.kind == "stage"]
    assert [stage.features for stage in stages] == [8, 16, 24, 32]
    assert [sum(part.kind == "block" for part in stage.parts) for stage in stages] == [1, 1, 2, 1]
    titles = {part.title for part in every(found.network)}
    assert {"Depthwise convolution 5 × 5", "RMSNorm", "ReLU", "Convolution 2 × 2"} <= titles
