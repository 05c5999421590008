"""`python -m tests.bench [NAME…] [--OPTION…]` runs the benchmarks, each in its own process, and shows what they find.

A benchmark is a module of this package that can be run by itself; no list needs to be kept. What follows the names from
the first dash on is handed to each.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parent


def names() -> list[str]:
    """Every benchmark there is."""
    found = sorted(path for path in _PACKAGE.glob("*.py") if not path.stem.startswith("__"))
    return [path.stem for path in found if '\nif __name__ == "__main__":' in path.read_text(encoding="utf-8")]


def main() -> int:
    """Run the benchmarks named on the command line, or all. Returns 1 if one of them broke."""
    given = sys.argv[1:]
    first = next((place for place, word in enumerate(given) if word.startswith("-")), len(given))
    wanted, options = given[:first] or names(), given[first:]
    unknown = set(wanted) - set(names())
    if unknown:
        print(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(names())}", file=sys.stderr)
        return 2
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()}")
    broken = 0
    for name in wanted:
        print(f"\n{name}", flush=True)
        broken += subprocess.run([sys.executable, "-m", f"tests.bench.{name}", *options], check=False).returncode != 0
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
