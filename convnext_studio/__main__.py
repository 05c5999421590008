"""`python -m convnext_studio`. Kept bare: a spawned child process imports this module."""

import os
import sys


def main() -> int:
    """Run the command line; return its exit code."""
    import atexit
    import multiprocessing

    multiprocessing.freeze_support()
    _open_closed_streams()
    codes: list[int] = []
    atexit.register(_leave, codes)  # the first to be registered is the last to be called
    from convnext_studio.cli import main as run

    codes.append(run(sys.argv[1:]))
    return codes[0]


def _open_closed_streams() -> None:
    """Whoever closed an output wants none of it; Python leaves None there, which nothing can be written to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  it stays open


def _leave(codes: list[int]) -> None:
    """End here and now: Python takes seconds to take torch apart, and who is told to end may be given only five."""
    if not codes or "torch" not in sys.modules:
        return
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # whoever read it is gone
            continue
    os._exit(codes[0])


if __name__ == "__main__":
    sys.exit(main())
