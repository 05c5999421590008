"""The generated catalogue says what timm says, and can be read without torch."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import timm

from convnext_studio.core.models.catalogue import catalogue, find_entry
from convnext_studio.core.models.licences import allows_commercial_use
from convnext_studio.core.resources import resource

ROOT = Path(__file__).parents[3]
_SPEC = importlib.util.spec_from_file_location("make_catalogue", ROOT / "packaging" / "make_catalogue.py")
assert _SPEC is not None
assert _SPEC.loader is not None
make_catalogue = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_catalogue)


def test_the_catalogue_lists_every_convnext_of_timm_bare_and_pretrained() -> None:
    assert [entry.name for entry in sorted(catalogue(), key=lambda entry: entry.name)] == sorted(make_catalogue.names())
    assert {entry.name for entry in catalogue() if entry.architecture.startswith("convnext") and entry.tag} == set(
        timm.list_pretrained("convnext*")
    )


def test_licence_size_and_repository_are_what_timm_says() -> None:
    for entry in catalogue():
        if entry.has_weights:
            cfg = timm.get_pretrained_cfg(entry.name)
            assert (entry.licence, entry.input_size, entry.hub_repo) == (
                cfg.license or "",
                cfg.input_size[1],
                cfg.hf_hub_id,
            )
            assert entry.commercial_use is allows_commercial_use(entry.licence)


@pytest.mark.parametrize(
    "name",
    [
        "convnext_zepto_rms_ols.ra4_e3600_r224_in1k",
        "convnextv2_atto.fcmae",
        "convnext_tiny.in12k",
        "resnet50",
        "convnext_atto",
    ],
)
def test_an_entry_made_anew_equals_the_shipped_one(name: str) -> None:
    assert asdict(make_catalogue.make_entry(name)) == asdict(find_entry(name))  # type: ignore[arg-type]


def test_figures_known_from_elsewhere_agree() -> None:
    tiny = find_entry("convnext_tiny.in12k_ft_in1k")

    assert tiny is not None
    assert tiny.parameters == 28_589_128  # 28.6 M and 4.5 G in the paper's table 1, arXiv:2201.03545
    assert tiny.gmacs == pytest.approx(4.46, abs=0.01)
    assert (tiny.top1, tiny.top1_size, tiny.licence, tiny.commercial_use) == (84.192, 224, "apache-2.0", True)
    assert tiny.training_data == "ImageNet-12k, then ImageNet-1k"


def test_accuracy_is_given_at_the_native_size_or_says_at_which() -> None:
    for entry in catalogue():
        assert (entry.top1 is None) == (entry.top1_size is None) == (entry.top1_source == "")
        assert entry.top1 is None or entry.top1_size == entry.input_size


def test_an_unknown_licence_stays_unknown() -> None:
    bamboo, dino = find_entry("resnet50.bamboo"), find_entry("convnext_tiny.dinov3_lvd1689m")

    assert bamboo is not None
    assert dino is not None
    assert (bamboo.licence, bamboo.commercial_use) == ("", None)
    assert (dino.licence, dino.commercial_use) == ("dinov3-license", None)


def test_a_feature_only_choice_points_to_fine_tuning() -> None:
    masked = find_entry("convnextv2_atto.fcmae")

    assert masked is not None
    assert masked.is_features_only
    assert "fine-tune" in masked.description


def test_the_catalogue_is_small_and_needs_no_torch() -> None:
    code = (
        "import sys; from convnext_studio.core.models.catalogue import catalogue; assert catalogue();"
        "from convnext_studio.core.models.card_file import read_card; from convnext_studio.core.models import weights;"
        "sys.exit(bool({'torch', 'timm', 'PIL', 'numpy', 'huggingface_hub'} & set(sys.modules)))"
    )

    assert resource("catalogue", "catalogue.json").stat().st_size < 400_000
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
