"""List what the window and the core say, and what a catalogue lacks or no longer needs.

    python packaging/translations.py          a line for each language
    python packaging/translations.py de       the sentences that German lacks, as JSON to fill in

A catalogue is `resources/translations/LANGUAGE.json`: the English words and what they become. What it lacks is shown in
English. The core hands nothing to a translator: of it every text counts that has words in it, `{0}`, `{1}`, … where it
puts something in, and one text for each case ("1 Image is", "{0} Images are"). `NOT_SAID` are those nobody reads.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ROOT / "convnext_studio"
RECIPE = CODE / "core" / "recipe.py"  # its fields are the window's
CATALOGUES = ROOT / "resources" / "translations"
_CALLS = {"tr": 0, "_tr": 0, "translate": 1, "QT_TRANSLATE_NOOP": 1, "described": None, "ActionSpec": None}
_SPEC_WORDS = (1, 4, 5)  # text, menu, tip
_ABOUT_WORDS = (0, 1, 2)  # label, help, section
NOT_SAID_IN = {"page.py", "seen.py", "layouts.py"}  # a page in English, SQL, patterns
NOT_SAID = {
    # names of things
    "ConvNeXt V1", "ConvNeXt V2", "Swin", "Apple GPU", "Integrated Gradients", "Block", "Features", "Bearer {0}",
    "Authorization", "model name", "class {0}", "image {0}", "blank {0}", "features of", "features of {0}",
    "probability of {0}",
    "pasted *.png", "pasted {0}", "convnext-studio sample", "end of {0}", "read together", "Traceback", "layer scale",
    # values
    "finish epoch", "lower rate", "time limit", "not finite", "not faithful", "balanced accuracy", "to compare",
    # exports, and what is raised for a fault of the program or caught again
    "Interval", "Judged", "Points", "Range", "Storage", "the loss is not finite", "these Batches are closed",
    "no TIFF header", "Corrupt JPEG data", "Premature end", "{0} in place of {1}",
    "out of memory", "out of memory, as ordered", "can't allocate memory", "bad allocation",
    "rows of probabilities differ in length", "{0} labels for {1} answers", "a class is not one of the {0}",
    "a Job returns and emits plain values and numpy arrays, not {0}",
}  # fmt: skip
QUOTED = "“{0}”"  # a name within what is put into a sentence
COMMAND_LINE = {"Stopped."}  # what it writes down in a Run
SAMPLE = {"{0} generated pictures of metal surfaces", "held-out parts"}  # on the card of the Model that is shipped
SYSTEM = {  # what operating systems say of a file, as it comes and within a sentence
    words
    for said in (
        "No such file or directory", "Permission denied", "Operation not permitted", "Input/output error",
        "Is a directory", "Not a directory", "No space left on device", "Read-only file system", "File name too long",
        "Too many open files", "Stale file handle", "Invalid argument",
    )
    for words in (said, said.lower())
}  # fmt: skip
_HOLE = "\0"
_WORDS = re.compile("[a-z]{3}")
_CODE = re.compile(r"%[A-Za-z]|\n")  # a time, what a log puts together, or a whole file
_ONE_WORD = re.compile("[A-Z][a-z]+[.]?")
_SILENT = {"log", "logging", "re", "os", "AssertionError", "NotImplementedError"}  # what is said to them, nobody reads


def sources() -> set[str]:
    """All that a catalogue needs: what is handed to a translator, the words of settings, and what the core says."""
    return {text for path in [*(CODE / "gui").rglob("*.py"), RECIPE] for text in _in_file(path) if text} | of_the_core()


def of_the_core() -> set[str]:
    """All that the core and the system below it say to a user."""
    paths = [path for folder in ("core", "launch") for path in (CODE / folder).rglob("*.py")]
    said = {text for path in paths if path.name not in NOT_SAID_IN for text in said_in(path)}
    return said | SYSTEM | SAMPLE | COMMAND_LINE | {QUOTED}


def said_in(path: Path) -> set[str]:
    """The texts of a file of the core that a user may read."""
    return set(filter(None, map(_with_holes, _said(ast.parse(path.read_text("utf-8")))))) - NOT_SAID


def missing(language: str) -> list[str]:
    """What the catalogue of a language lacks, sorted."""
    return sorted(sources() - catalogue(language).keys())


def unused(language: str) -> list[str]:
    """What the catalogue has and nobody says any more, sorted."""
    return sorted(catalogue(language).keys() - sources())


def catalogue(language: str) -> dict[str, str]:
    """English words and what they become."""
    return dict(json.loads((CATALOGUES / f"{language}.json").read_text("utf-8")))


def _in_file(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield from _in_call(node)


def _in_call(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in _CALLS:
        return
    if name == "ActionSpec":
        yield from (_text(call.args[place]) for place in _SPEC_WORDS if place < len(call.args))
    elif name == "described":
        yield from (_text(arg) for arg in call.args[: len(_ABOUT_WORDS)])
        for keyword in call.keywords:
            if keyword.arg == "choices" and isinstance(keyword.value, ast.Dict):
                yield from (_text(value) for value in keyword.value.values)
            elif keyword.arg == "unit":
                yield _text(keyword.value)
    else:
        is_alias = name == "tr" and isinstance(call.func, ast.Name)  # tr = QCoreApplication.translate
        place = _CALLS["translate" if is_alias else name]
        assert place is not None
        yield from (_text(arg) for arg in call.args[place : place + 1])


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _said(node: ast.AST, *, is_read: bool = False) -> Iterator[str]:
    """All texts below a node but those for code; `_HOLE` is where something is put in. `is_read`: it is part of one."""
    if isinstance(node, ast.Compare | ast.Assert | ast.arg) or _is_docstring(node):
        return
    if isinstance(node, ast.Call) and _owner(node.func) in _SILENT:
        return
    if isinstance(node, ast.expr) and _is_text(node):
        yield from [] if is_read else _cases(node)
    elif isinstance(node, ast.Call) and (between := _joins(node)):
        yield _HOLE + between + _HOLE
    is_whole = isinstance(node, ast.JoinedStr | ast.FormattedValue | ast.BinOp | ast.IfExp)
    for child in ast.iter_child_nodes(node):
        if not _is_code(node, child):
            yield from _said(child, is_read=is_whole and isinstance(child, ast.expr) and _is_text(child))


def _is_code(node: ast.AST, child: ast.AST) -> bool:
    """Whether a child is an annotation, a key, an index, or a word that is counted."""
    return (
        (isinstance(node, ast.Call) and _is_counted(node) and child in node.args[1:])
        or (isinstance(node, ast.AnnAssign) and child is node.annotation)
        or (isinstance(node, ast.FunctionDef) and child is node.returns)
        or (isinstance(node, ast.Dict) and child in node.keys)
        or (isinstance(node, ast.Subscript) and child is node.slice)
    )


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _owner(function: ast.expr) -> str:
    """`log` of `log.warning`, the name itself of a plain one."""
    return getattr(getattr(function, "value", function), "id", "")


def _joins(call: ast.Call) -> str:
    """ " and " of `" and ".join(names)`."""
    return _text(call.func.value) if isinstance(call.func, ast.Attribute) and call.func.attr == "join" else ""


def _is_text(node: ast.expr) -> bool:
    """Whether an expression is made of texts that stand in the code."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mult) and (_is_text(node.left) or _is_text(node.right))
    if isinstance(node, ast.IfExp):
        return _is_text(node.body) or _is_text(node.orelse)
    return isinstance(node, ast.JoinedStr) or bool(_text(node)) or _is_counted(node)


def _is_counted(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _owner(node.func) == "counted"


def _cases(node: ast.expr) -> list[str]:
    """What an expression may become."""
    if isinstance(node, ast.JoinedStr):
        return ["".join(parts) for parts in itertools.product(*map(_cases, node.values))]
    if isinstance(node, ast.FormattedValue):
        return _cases(node.value) if node.format_spec is None else [_HOLE]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return ["".join(parts) for parts in itertools.product(_cases(node.left), _cases(node.right))]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):  # by whether it is said
        return ["", *_cases(node.left)]
    if isinstance(node, ast.IfExp):
        return [*_cases(node.body), *_cases(node.orelse)]
    if isinstance(node, ast.Call) and _is_counted(node):
        one, *more = (_text(arg) for arg in node.args[1:])
        return [f"1 {one}", f"{_HOLE} {more[0] if more else one + 's'}"]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else [_HOLE]


def _with_holes(text: str) -> str:
    """The text as catalogues have it; "" for what is not for people: code, a pattern, a name."""
    text = re.sub(f"{_HOLE}+", _HOLE, text.strip())
    text = re.sub(rf"(?<=[.?!]) ?{_HOLE}$", "", text)  # what is put behind a sentence is another one
    is_said = _WORDS.search(text) and ((" " in text and not _CODE.search(text)) or _ONE_WORD.fullmatch(text))
    numbers = itertools.count()
    return re.sub(_HOLE, lambda _: f"{{{next(numbers)}}}", text) if is_said else ""


def main(arguments: list[str]) -> int:
    """Print the report."""
    if arguments:
        print(json.dumps(dict.fromkeys(missing(arguments[0]), ""), ensure_ascii=False, indent=1))
        return 0
    for path in sorted(CATALOGUES.glob("*.json")):
        lacks, has_more = missing(path.stem), unused(path.stem)
        print(f"{path.stem}: {len(sources()) - len(lacks)} of {len(sources())} translated, {len(has_more)} not used")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
