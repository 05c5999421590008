"""`convnext-studio evaluate`: figures to stdout or a file, words to stderr, exit codes, no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from convnext_studio import cli

ON_CPU = ("--engine", "torch", "--precision", "fp32", "--device", "cpu")


def test_figures_go_to_stdout_and_words_to_stderr(
    data_set: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["evaluate", str(model_file), str(data_set), "--split", "all", *ON_CPU]) == 0
    said = capsys.readouterr()
    figures = json.loads(said.out)
    assert figures["split"] == "all" and sum(figures["support"]) == 24
    assert f"Balanced accuracy: {figures['balanced_accuracy']:.3f}" in said.err and "scratch" in said.err


def test_the_figures_can_go_to_a_file_and_a_broken_image_makes_the_exit_code_1(
    data_set: Path, model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_set / "pit" / "0.png").write_bytes(b"no picture")
    out = tmp_path / "figures.json"
    assert cli.main(["evaluate", str(model_file), str(data_set), "--out", str(out), *ON_CPU]) == 1
    assert sum(json.loads(out.read_text())["support"]) == 23
    said = capsys.readouterr()
    assert "0.png" in said.err and not said.out


def test_a_folder_that_cannot_be_read_is_named_and_makes_the_exit_code_1(
    data_set: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_set / "pit" / "deep").symlink_to("nowhere")
    assert cli.main(["evaluate", str(model_file), str(data_set), *ON_CPU]) == 1
    said = capsys.readouterr()
    assert sum(json.loads(said.out)["support"]) == 24
    assert "deep” is a link that leads nowhere." in said.err


def test_images_larger_than_allowed_are_refused(
    data_set: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (300, 200)).save(data_set / "pit" / "large.png")
    assert (
        cli.main(["evaluate", str(model_file), str(data_set), "--split", "all", "--max-megapixels", "0.05", *ON_CPU])
        == 1
    )
    assert "large.png" in capsys.readouterr().err


def test_a_model_for_other_things_ends_with_a_sentence(
    data_set: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in data_set.iterdir():
        folder.rename(data_set / f"{folder.name} fruit")
    assert cli.main(["evaluate", str(model_file), str(data_set), *ON_CPU]) == 3
    assert "share no class" in capsys.readouterr().err


def test_figures_are_refused_a_file_that_is_no_json(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", str(model_file), "parts", "--out", "figures.csv"]) == 2
    assert ".json" in capsys.readouterr().err
