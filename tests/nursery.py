"""Processes that work on Runs for tests: torch is imported once, and each process is forked from there.

`python -m tests.nursery SECONDS` reads Run folders from stdin, one a line, and for each writes the number of a process
that resumes the Run as the command line does; an empty line is answered with the exit code of the last one. SECONDS
is how often they save.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convnext_studio.core.runs.run import Run

ROOT = Path(__file__).resolve().parents[1]


class Nursery:
    """Starts a process at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, run: Run) -> int:
        """Let a process work on the Run; returns its number."""
        return self._asked(str(run.folder))

    def code(self) -> int:
        """Wait for the process; its exit code, negative for a signal."""
        return self._asked("")

    def _asked(self, line: str) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def nursery(save_every_s: float = 0.0) -> Iterator[Nursery]:
    """Processes whose Runs save as often as this."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.nursery", str(save_every_s)]
    alone = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=alone
    ) as process:
        yield Nursery(process)
        process.communicate()


def main() -> None:
    """See the module's text."""
    from convnext_studio import cli
    from convnext_studio.core.training import fit, work

    assert fit is not None
    work.SAVE_EVERY_S = float(sys.argv[1])
    work._SAVE_SHARE = 1e9
    answers, child = os.fdopen(os.dup(1), "w"), 0
    for line in sys.stdin:
        if not line.strip():
            answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        elif child := os.fork():
            answers.write(f"{child}\n")
        else:
            log = os.open(Path(line.strip()) / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os._exit(cli.main(["resume", line.strip()]))
        answers.flush()
    os._exit(0)  # nobody waits for torch to be taken apart


if __name__ == "__main__":
    main()
