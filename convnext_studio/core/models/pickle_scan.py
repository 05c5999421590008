"""Look over a pickle without running it: which names does it want to call?

This refuses a hostile file at once and by name. What passes is still read in a child process by torch's own filter.
"""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
from itertools import islice
from pathlib import Path
from typing import BinaryIO

_MAX_PICKLE_BYTES = 64 << 20
_MAX_STEPS = 2_000_000
_PICKLES_IN_OLD_FORMAT = 5  # magic number, version, system, content, names of storages
_WANTS_BY_NAME = {"INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"}  # torch.save writes only GLOBAL
_ALLOWED = re.compile(
    r"collections OrderedDict|argparse Namespace|torch \w+|torch\.(_utils|_tensor|storage|serialization) \w+"
    r"|torch\.nn\.parameter Parameter"
)


def forbidden_in(path: Path) -> str:
    """The first name in a .pt or .pth file that no weights need ("os.system"); "" where there is none.

    A pickle that is damaged passes: reading it will say so.
    """
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            return next((name for _ in range(_PICKLES_IN_OLD_FORMAT) if (name := _forbidden_in_pickle(file))), "")
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename.endswith(".pkl"):
                if member.file_size > _MAX_PICKLE_BYTES:
                    return f"{member.file_size:,} bytes of instructions"
                name = _forbidden_in_pickle(io.BytesIO(archive.read(member)))
                if name:
                    return name
    return ""


def _forbidden_in_pickle(file: BinaryIO) -> str:
    steps = 0
    try:
        for operation, argument, _ in islice(pickletools.genops(file), _MAX_STEPS):
            steps += 1
            if operation.name in _WANTS_BY_NAME:
                return "a call by name"
            if operation.name == "GLOBAL" and not _ALLOWED.fullmatch(str(argument)):
                return str(argument).replace(" ", ".")[:100]
    except (ValueError, UnicodeDecodeError, EOFError, OverflowError):
        return ""
    return "far too many instructions" if steps >= _MAX_STEPS else ""
