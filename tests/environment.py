"""The environment of every test run. Imported before anything that reads these once, at its own import."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.update(LC_ALL="C.UTF-8", LANG="C.UTF-8", TZ="UTC", NO_COLOR="1")
os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")
_hub = tempfile.TemporaryDirectory(prefix="hub", ignore_cleanup_errors=True)
os.environ["HF_HOME"] = _hub.name
for _variable in ("HF_ENDPOINT", "HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TORCH_HOME"):
    os.environ.pop(_variable, None)
