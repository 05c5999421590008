"""A program with an Engine, which reaches the state its argument names and then ends as a window does.

Qt is imported at the top, without a guard, as careless scripts do.
"""

from __future__ import annotations

import os
import signal
import sys

from PySide6.QtCore import QCoreApplication, QTimer

from convnext_studio.core.requests import FindImages
from convnext_studio.gui.engine_host import EngineHost
from tests import helpers


def begin(state: str, host: EngineHost) -> None:
    """Bring about `state`."""
    host.lanes["scan"].submit(FindImages(("/",) if state == "scanning" else (os.curdir,)))
    work = {
        "hung": helpers.Hang(),
        "the interpreter held": helpers.HoldGil(),
        "busy": helpers.Burn(600.0, 4),
        "importing": helpers.ImportTorch(),
        "reporting": helpers.Count(10**8),
    }
    if state in work:
        host.lanes["batch"].submit(work[state])
        host.lanes["batch"].submit(helpers.Count(3))
    if state in ("dead", "frozen") and host.pid:
        os.kill(host.pid, signal.SIGKILL if state == "dead" else signal.SIGSTOP)


def main(state: str) -> int:
    """Run until the state has lasted for a moment."""
    app = QCoreApplication([])
    host = EngineHost(extra_jobs=helpers.EXTRA_JOBS)
    host.start()
    print(host.pid, flush=True)
    if state == "forgotten":
        return 0  # nobody calls shutdown, no event loop ever ran
    app.aboutToQuit.connect(host.shutdown)
    if state == "starting":
        QTimer.singleShot(0, app.quit)
    elif state == "modules":
        names = host.lanes["files"].submit(helpers.ListModules())
        names.succeeded.connect(lambda found: print(*sorted(found), flush=True))
        names.closed.connect(app.quit)
    else:
        host.ready_changed.connect(lambda is_ready: begin(state, host) if is_ready else None)
        ready = host.ready_changed
        ready.connect(lambda: None if state == "is killed" else QTimer.singleShot(800, app.quit))
        ready.connect(lambda: print("ready", flush=True))
    return app.exec()


sys.exit(main(sys.argv[1])) if __name__ == "__main__" else None
