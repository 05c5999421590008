"""Which devices this machine has, what can run on them, and which one a request means."""

from __future__ import annotations

import importlib.util
import os
import platform
from functools import cache
from pathlib import Path

import psutil
import torch

from convnext_studio.core.context import JobContext
from convnext_studio.core.errors import DeviceError, UsageError
from convnext_studio.core.events import DeviceFound
from convnext_studio.core.requests import FindDevices
from convnext_studio.core.values import DeviceName, EngineName, Precision

_MODULES: dict[EngineName, str] = {"torch": "torch", "openvino": "openvino", "onnxruntime": "onnxruntime"}


def find_devices(request: FindDevices, ctx: JobContext) -> tuple[DeviceFound, ...]:  # noqa: ARG001
    """Name what this machine has, the best first. The CPU is always there and always last."""
    found = [_describe("cuda")] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append(_describe("mps"))
    return (*found, _describe("cpu"))


def settle_device(wanted: DeviceName) -> DeviceName:
    """Return the device that `wanted` means here; `auto` is the best one. Raises `DeviceError` if it is absent."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise DeviceError("No CUDA device was found.", "Use the CPU, or check the graphics driver.")
    if wanted == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("No Apple GPU was found.", "Use the CPU instead.")
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def engines_on(device: DeviceName) -> tuple[EngineName, ...]:
    """Engines that are installed and can use `device`, the one that is always there first."""
    if device != "cpu":
        return ("torch",)
    return tuple(name for name, module in _MODULES.items() if importlib.util.find_spec(module) is not None)


def check_engine(engine: EngineName, device: DeviceName) -> None:
    """Raise `UsageError` when `engine` cannot be used on `device`."""
    if engine == "auto" or engine in engines_on(device):
        return
    if device != "cpu":
        raise UsageError(f"{engine} runs on the CPU only here.", "Choose the engine “torch” or the device “cpu”.")
    raise UsageError(
        f"The engine “{engine}” is not installed.",
        f"Install it with: pip install 'convnext-studio[{engine}]', or choose the engine “auto”.",
    )


def precisions_on(device: DeviceName) -> tuple[Precision, ...]:
    """Precisions that `device` computes by itself; elsewhere bf16 is emulated and slower than fp32."""
    if device == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device == "cpu" and has_native_bf16()
    return ("fp32", "bf16") if native else ("fp32",)


def device_title(device: DeviceName) -> str:
    """Name of `device` as its maker gives it."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return "Apple GPU" if device == "mps" else cpu_title()


def usable_cores() -> int:
    """Cores that this process may use, which in a container or a batch system are not all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def cpu_title() -> str:
    """Name of the CPU."""
    return _cpu_field("model name") or platform.processor() or platform.machine() or "CPU"


@cache
def has_native_bf16() -> bool:
    """Whether the CPU has bfloat16 arithmetic of its own."""
    flags = (_cpu_field("flags") or _cpu_field("Features")).split()  # the second is how ARM writes it
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(flags))


def _cpu_field(name: str) -> str:
    """Value of the first line `name : value` of Linux's CPU list; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), "")


def _describe(kind: DeviceName) -> DeviceFound:
    name = device_title(kind)
    memory = int(psutil.virtual_memory().total)
    if kind == "cuda":
        memory = int(torch.cuda.get_device_properties(0).total_memory)
    cores = usable_cores() if kind == "cpu" else 0
    return DeviceFound(kind, name, memory, engines_on(kind), precisions_on(kind), cores)
