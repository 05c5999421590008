"""Understand the pickle in a PyTorch weights file without unpickling it: nothing named in it is looked up or called.

The instructions are only read (`pickletools`). The few calls that weights need are carried out on plain values here;
any other name makes the file refused. So there is no filter to get past, and no process to fence in.
"""

from __future__ import annotations

import pickletools
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

MAX_STEPS = 2_000_000
_ALLOWED = re.compile(
    r"collections OrderedDict|argparse Namespace|torch \w+|torch\.(_utils|_tensor|storage|serialization) \w+"
    r"|torch\.nn\.parameter Parameter"
)
_IGNORED = {"PROTO", "FRAME", "STOP"}
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_SIZE_OF_TUPLE = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}


class ForbiddenName(Exception):
    """The pickle wants something that weights do not need; its only argument says what."""


class DamagedPickle(Exception):
    """The pickle makes no sense."""


@dataclass(frozen=True)
class Name:
    """Something the pickle refers to, by module and name."""

    text: str


@dataclass(frozen=True)
class Storage:
    """Numbers kept elsewhere in the file: their type (a name), their key, and how many there are."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class TensorView:
    """A tensor as the pickle describes it: a view of a storage. Nothing of it has been checked."""

    storage: Storage
    offset: Any
    shape: Any
    strides: Any


class _Object:
    """A value that does not matter here, such as a program's settings."""


_MARK = _Object()
_UNKNOWN = _Object()


def read_pickle(file: BinaryIO, storages: list[Storage] | None = None) -> object:
    """The value of the pickle at the file's position, of plain values, `TensorView`, `Storage` and `Name`.

    Every storage that it speaks of, needed or not, is added to `storages`. Raises `ForbiddenName` and `DamagedPickle`.
    """
    machine = _Machine([] if storages is None else storages)
    try:
        for steps, (operation, argument, _) in enumerate(pickletools.genops(file)):
            if steps > MAX_STEPS:
                raise ForbiddenName("far too many instructions")
            machine.step(operation.name, argument)
        return machine.pop()
    except (AttributeError, LookupError, OverflowError, StopIteration, TypeError, ValueError) as error:
        raise DamagedPickle from error


class _Machine:
    """The stack and the memo of the pickle protocol."""

    def __init__(self, storages: list[Storage]) -> None:
        self._storages = storages
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def pop(self) -> Any:
        """Take the topmost value."""
        return self._stack.pop()

    def step(self, name: str, argument: Any) -> None:
        """Carry out one instruction."""
        if name in _IGNORED:
            return
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _PUTS:
            self._memo[argument] = self._stack[-1]
        elif name in _GETS:
            self._stack.append(self._memo[argument])
        elif name in _SIZE_OF_TUPLE:
            size = _SIZE_OF_TUPLE[name]
            self._stack[-size:] = [tuple(self._stack[-size:])]
        else:
            action = getattr(self, f"_{name.lower()}", None)
            if action is None:
                raise ForbiddenName(f"the instruction {name}")
            action(*(() if argument is None else (argument,)))

    def _since_mark(self) -> list[Any]:
        position = next(index for index in reversed(range(len(self._stack))) if self._stack[index] is _MARK)
        values = self._stack[position + 1 :]
        del self._stack[position:]
        return values

    def _mark(self) -> None:
        self._stack.append(_MARK)

    def _memoize(self) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _empty_list(self) -> None:
        self._stack.append([])

    def _empty_dict(self) -> None:
        self._stack.append({})

    def _empty_set(self) -> None:
        self._stack.append(_UNKNOWN)

    def _tuple(self) -> None:
        self._stack.append(tuple(self._since_mark()))

    def _append(self) -> None:
        value = self.pop()
        self._stack[-1].append(value)

    def _appends(self) -> None:
        values = self._since_mark()
        self._stack[-1].extend(values)

    def _additems(self) -> None:
        self._since_mark()

    def _setitem(self) -> None:
        value, key = self.pop(), self.pop()
        _put(self._stack[-1], key, value)

    def _setitems(self) -> None:
        values = self._since_mark()
        for key, value in zip(values[::2], values[1::2], strict=True):
            _put(self._stack[-1], key, value)

    def _build(self) -> None:
        self.pop()  # attributes; a table of weights needs none

    def _global(self, name: str) -> None:
        if not _ALLOWED.fullmatch(name):
            raise ForbiddenName(name.replace(" ", "."))
        self._stack.append(Name(name.replace(" ", ".")))

    def _binpersid(self) -> None:
        word, kind, key, _, count = self.pop()[:5]
        if word != "storage" or not isinstance(kind, Name) or type(count) is not int or not isinstance(key, str):
            raise DamagedPickle
        self._storages.append(Storage(kind.text, key, count))
        self._stack.append(self._storages[-1])

    def _newobj(self) -> None:
        self.pop(), self.pop()
        self._stack.append(_UNKNOWN)

    def _reduce(self) -> None:
        arguments, name = self.pop(), self.pop()
        self._stack.append(_call(name.text, arguments))


def _put(table: Any, key: object, value: object) -> None:
    """Keep what has a short key; the hash of nested tuples or of a number of a million digits takes too long."""
    if isinstance(table, dict) and (type(key) is str or (type(key) is int and abs(key) < 2**63)):
        table[key] = value


def _call(name: str, arguments: Any) -> object:
    """What a call gives, for those that weights need; anything else does not matter."""
    if name == "collections.OrderedDict" and not arguments:
        return {}
    if name in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"):
        storage, offset, shape, strides = arguments[:4]
        if not isinstance(storage, Storage):
            raise DamagedPickle
        return TensorView(storage, offset, shape, strides)
    if name in ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"):
        return arguments[0]
    return _UNKNOWN
