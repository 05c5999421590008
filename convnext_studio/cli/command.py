"""What a command of the command line is made of; each has a module of its own."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from convnext_studio.cli.stopping import Stop


@dataclass(frozen=True)
class Command:
    """`run` does it and returns the exit code; it may raise `StudioError`, `Cancelled` and what `writing` raises.

    `examples` stand below the help, and teach. Importing the module must stay cheap: `--help` imports all of them.
    """

    name: str
    summary: str
    examples: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Stop], int]
    is_stopped_by_signals: bool = True  # False: it sees to Ctrl-C itself
