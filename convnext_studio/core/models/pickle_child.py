"""Read a .pt or .pth file in a process of its own, which has little memory and can be killed.

    python -P pickle_child.py SOURCE TARGET MEMORY_BYTES

Run by `pickle_file.py`; imports nothing of this program. Writes the tensors to TARGET as safetensors and one line of
JSON to stdout: {"extras": […]} or {"error": kind, "detail": text}. torch's `weights_only` is a filter, not a wall:
hence the process.
"""

from __future__ import annotations

import argparse
import json
import pickle
import re
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")
_DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
)
_MAX_TENSORS = 20_000


class Refused(Exception):
    """The file cannot be used: kind and detail."""


def read(source: Path, target: Path) -> list[str]:
    """Write the file's weights to `target`; return the names of what else it holds."""
    torch.serialization.add_safe_globals([argparse.Namespace])  # timm puts its settings beside the weights
    try:
        content = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        match = re.search(r"GLOBAL ([\w.]+)", str(error))
        raise Refused("code" if match else "damaged", match.group(1) if match else "") from error
    except (RuntimeError, ValueError, EOFError, KeyError, AttributeError, TypeError, IndexError, OSError) as error:
        raise Refused("damaged", str(error).splitlines()[0] if str(error) else "") from error
    tensors, extras = find_weights(content)
    check(tensors, source.stat().st_size)
    save_file(
        {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}, target
    )
    return extras


def find_weights(content: object) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors by name, and the names of what lies beside them; averaged weights come first."""
    if not isinstance(content, dict):
        raise Refused("no weights", type(content).__name__)
    wrapper = next((name for name in _WRAPPERS if isinstance(content.get(name), dict)), None)
    inner = content if wrapper is None else content[wrapper]
    tensors = {name: value for name, value in inner.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if not tensors:
        raise Refused("no weights", "dict")
    harmless = (int, float, str, bool, type(None))
    beside = {} if wrapper is None else content
    return tensors, [
        str(name)[:60] for name, value in beside.items() if name != wrapper and not isinstance(value, harmless)
    ]


def check(tensors: dict[str, Tensor], file_bytes: int) -> None:
    """Refuse tensors that claim to be more than the file holds, before anything is copied."""
    total = 0
    for name, tensor in tensors.items():
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.dtype not in _DTYPES:
            raise Refused("kind of tensor", name[:200])
        size = tensor.numel() * tensor.element_size()
        total += size
        if size > tensor.untyped_storage().nbytes() or total > 2 * file_bytes:
            raise Refused("too large", f"{name[:200]} {'×'.join(str(side) for side in tensor.shape)}")
    if len(tensors) > _MAX_TENSORS:
        raise Refused("too large", f"{len(tensors)} tensors")


def limit_memory(allowed_bytes: int) -> None:
    """Let this process grow by no more than that; where the system has no such limit, the parent watches."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return
    limit = pages * resource.getpagesize() + allowed_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Read the file named by the arguments."""
    source, target, allowed_bytes = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    limit_memory(allowed_bytes)
    try:
        answer: dict[str, object] = {"extras": read(source, target)}
    except Refused as error:
        answer = {"error": error.args[0], "detail": error.args[1]}
    except MemoryError:
        answer = {"error": "too large", "detail": ""}
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
