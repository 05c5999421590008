"""The wheel carries what the program needs beside its code."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What lies in a wheel built from this checkout."""
    try:
        metadata.version("hatchling")
    except metadata.PackageNotFoundError:
        pytest.skip("hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_module_and_every_resource(names: set[str]) -> None:
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "convnext_studio").rglob("*.py")}
    resources = {
        f"convnext_studio/_resources/{path.relative_to(ROOT / 'resources')}"
        for path in (ROOT / "resources").rglob("*")
        if path.is_file()
    }
    assert modules - names == set()
    assert resources - names == set()
    assert "convnext_studio/_resources/sample/model.safetensors" in names


def test_the_wheel_holds_the_licence_and_no_tests(names: set[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "packaging/"))]


def test_the_sample_model_is_small_enough_to_ship() -> None:
    assert (ROOT / "resources" / "sample" / "model.safetensors").stat().st_size <= 8_000_000
