"""The command line: see `convnext-studio --help`."""

from __future__ import annotations


def main(argv: list[str]) -> int:
    """Run one command; return its exit code."""
    raise SystemExit(f"not there yet: {argv}")
