"""Rules of the house that a machine can check: nothing unsafe, nothing of one machine, versions that go together."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = sorted([*(ROOT / "convnext_studio").rglob("*.py"), *(ROOT / "packaging").glob("*.py")])
KNOWN_HOSTS = {
    "127.0.0.1",
    "arxiv.org",
    "doi.org",
    "example.com",
    "example.org",
    "git-lfs.github.com",
    "github.com",
    "host",
    "huggingface.co",
    "localhost",
    "scripts.sil.org",
    "spdx.org",
    "www.apache.org",
    "www.w3.org",
}


def tracked_text() -> Iterator[tuple[Path, str]]:
    """Yield every text file that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        try:
            yield ROOT / name, (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of attributes, with an unknown start as an empty name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def is_constant(call: ast.Call, keyword: str, value: object) -> bool:
    return any(
        word.arg == keyword and isinstance(word.value, ast.Constant) and word.value.value is value
        for word in call.keywords
    )


def unsafe_call(call: ast.Call) -> str:
    """Say what is wrong with a call; empty = nothing."""
    name = dotted(call.func)
    if name in {"eval", "exec", "os.system", "os.popen", "tempfile.mktemp", "yaml.load", "yaml.unsafe_load"}:
        return name
    if re.fullmatch(r"(joblib|dill|cloudpickle|shelve|marshal)\.(load|loads|open)", name):
        return name
    if name == "torch.load" and not is_constant(call, "weights_only", value=True):
        return "torch.load without weights_only=True"
    if name.endswith(".load") and is_constant(call, "allow_pickle", value=True):
        return "allow_pickle=True"
    return "shell=True" if is_constant(call, "shell", value=True) else ""


def unsafe_assignment(node: ast.Assign) -> str:
    names = {dotted(target).rpartition(".")[2] for target in node.targets}
    value = node.value.value if isinstance(node.value, ast.Constant) else ...
    if "MAX_IMAGE_PIXELS" in names and value is None:
        return "MAX_IMAGE_PIXELS = None"
    return "LOAD_TRUNCATED_IMAGES = True" if "LOAD_TRUNCATED_IMAGES" in names and value is True else ""


def unpickles(tree: ast.AST) -> list[int]:
    """Lines that read a pickle."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [c.lineno for c in calls if dotted(c.func) in {"pickle.load", "pickle.loads", "pickle.Unpickler"}]


@pytest.mark.parametrize("path", PROGRAM, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_call_in_the_program_runs_foreign_code_or_lifts_a_limit(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [(node.lineno, unsafe_call(node)) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found += [(node.lineno, unsafe_assignment(node)) for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    assert [place for place in found if place[1]] == []


@pytest.mark.parametrize(
    "code",
    [
        "torch.load(p)",
        "torch.load(p, weights_only=False)",
        "np.load(p, allow_pickle=True)",
        "yaml.load(t)",
        "eval(t)",
        "subprocess.run(c, shell=True)",
        "joblib.load(p)",
        "tempfile.mktemp()",
    ],
)
def test_the_search_for_unsafe_calls_finds_them(code: str) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    assert unsafe_call(call)


def test_pickles_are_read_only_where_both_ends_of_the_pipe_are_ours() -> None:
    readers = [
        str(path.relative_to(ROOT / "convnext_studio"))
        for path in PROGRAM
        if unpickles(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert set(readers) <= {"gui/jobs.py", "gui/lane.py", "launch/parcel.py", "launch/engine.py"}


def test_no_file_names_a_place_on_one_machine() -> None:
    place = re.compile(r"(?<![\w.<{$])/(?:work|root|home|Users)/\w+")
    found = [f"{path.relative_to(ROOT)}: {hit}" for path, text in tracked_text() for hit in place.findall(text)]
    assert found == []


def test_addresses_lead_only_to_hosts_that_we_know() -> None:
    address = re.compile(r"\b(?:https?|ftp|git|ssh)://([A-Za-z0-9.-]+\.[A-Za-z0-9-]+|\d+\.\d+\.\d+\.\d+)")
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path, text in tracked_text()
        for host in address.findall(text)
        if host.lower() not in KNOWN_HOSTS
    ]
    assert found == []


@pytest.mark.parametrize("name", ["requirements.lock", "installer.lock"])
def test_the_lock_has_a_hash_for_every_package_and_no_address(name: str) -> None:
    text = (ROOT / "packaging" / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    packages = re.findall(r"^([a-z0-9][\w.-]*)==.*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(packages) > 0
    assert all("--hash=sha256:" in entry for entry in entries)


def check_versions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_versions", ROOT / "packaging" / "check_versions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("python", "pyside", "goes"),
    [((3, 11), "6.11.3", True), ((3, 11), "6.12.0", False), ((3, 12), "6.12.0", True), ((3, 11), "7.0.1", False)],
)
def test_pyside_and_python_that_crash_together_are_refused(python: tuple[int, int], pyside: str, *, goes: bool) -> None:
    assert (check_versions().problem(python, pyside) == "") is goes


def test_the_installed_pyside_and_python_go_together() -> None:
    assert check_versions().main() == 0


def test_every_module_says_what_it_is_for_and_none_has_grown_too_long() -> None:
    for path in PROGRAM:
        text = path.read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), f"{path}: no docstring"
        assert text.count("\n") <= 500, f"{path}: split it"


def test_loading_every_module_of_the_window_brings_in_neither_torch_nor_a_decoder() -> None:
    try:
        metadata.version("PySide6-Essentials")
    except metadata.PackageNotFoundError:
        pytest.skip("PySide6 is not installed")
    script = (
        "import importlib, pkgutil, sys, convnext_studio.gui as gui\n"
        "for found in pkgutil.walk_packages(gui.__path__, 'convnext_studio.gui.'):\n"
        "    importlib.import_module(found.name)\n"
        "heavy = ('torch', 'torchvision', 'timm', 'openvino', 'onnxruntime', 'PIL')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")
