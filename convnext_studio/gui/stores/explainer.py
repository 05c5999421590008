"""Why the Model answers as it does: the Heatmap of the current Image, its trust, and how it is shown."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QTimer, Signal

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.explanations import (
    METHODS,
    Explained,
    ExplanationCheck,
    Heatmap,
    HeatmapProgress,
    HeatmapsMade,
    Method,
    NetworkDescription,
    Trust,
    TrustMeasured,
)
from convnext_studio.core.requests import CheckExplanations, DescribeNetwork, Explain
from convnext_studio.core.values import ImageRef, ModelInfo, Preprocessing
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.again import Again
from convnext_studio.gui.stores.classifier import Classifier
from convnext_studio.gui.stores.job_list import JobList
from convnext_studio.gui.stores.library import Library
from convnext_studio.gui.stores.viewer import Viewer
from convnext_studio.gui.stores.window_memory import WindowMemory
from convnext_studio.gui.widgets.heat_layer import MAPS, HeatLook

KEPT = 64  # explanations of Images just left; each a few kilobytes
KEEP_MS = 400  # a slider moves a hundred times on its way; the disk hears of where it stops
CHECKED = 8  # Images that the check of a Model looks at
SILENCE_S = 120.0  # the slowest method on the slowest machine
_LOOK = "heatmap"


@dataclass(frozen=True)
class Wish:
    """What is to be explained. Empty: a faithful map's own method and layer, and the most probable class."""

    method: Method | None = None
    layer: str = ""
    class_name: str = ""
    versus: str = ""

    @property
    def is_free(self) -> bool:
        """Whether nobody chose method or layer."""
        return self.method is None and not self.layer


@dataclass(frozen=True)
class _Key:
    image: ImageRef
    identity: str
    preprocessing: Preprocessing
    wish: Wish


class Explainer(QObject):
    """Follows the current Image and the Model while it is wanted; the newest wish wins.

    Nothing is asked for unless somebody watches, the Heatmap is switched on, and a Model with classes is ready.
    """

    changed = Signal()  # Heatmap, trust, error, or whether one is being made
    wish_changed = Signal()
    look_changed = Signal()
    network_changed = Signal()
    stages_changed = Signal()
    check_changed = Signal()

    def __init__(
        self,
        lanes: Mapping[str, LaneLike],
        viewing: tuple[Library, Classifier, Viewer],
        memory: WindowMemory,
        jobs: JobList,
    ) -> None:
        super().__init__()
        self.wish = Wish()
        self.look = _kept_look(memory)
        self.explained: Explained | None = None
        self.error = ""
        self.is_busy = False  # the Heatmap is being made
        self.network: NetworkDescription | None = None
        self.stages: tuple[Heatmap, ...] = ()
        self.shows_stages = False
        self.is_checking = False
        self._checks: dict[tuple[str, str, str], ExplanationCheck] = {}
        self._lane = lanes["explain"]
        self._library, self._classifier, self._viewer = viewing
        self._memory = memory
        self._jobs = jobs
        self._is_watched = False
        self._is_stopped = False  # by the user, on the way to the Heatmap
        self._asked: _Key | None = None
        self._again, self._described_again = Again(), Again()
        self._handle: JobHandle | None = None
        self._ahead: tuple[_Key, JobHandle] | None = None  # the Image that is likely to be next
        self._stages_asked: _Key | None = None
        self._described: ModelInfo | None = None
        self._kept: OrderedDict[_Key, Explained] = OrderedDict()
        self._keeping = QTimer(self, interval=KEEP_MS, singleShot=True)
        self._keeping.timeout.connect(self._keep_look)
        self._library.current_changed.connect(self._follow)
        self._viewer.reread.connect(self.forget)
        self._classifier.info_changed.connect(self._on_info)
        self._classifier.state_changed.connect(self._follow)

    # --- what is shown

    @property
    def heatmap(self) -> Heatmap | None:
        """The Heatmap of the current Image, once it is there."""
        return self.explained.heatmaps[0] if self.explained is not None else None

    @property
    def method(self) -> Method:
        """The chosen one, or where none is chosen that of the Heatmap."""
        return self.wish.method or (self.heatmap.method if self.heatmap is not None else "gradcam")

    @property
    def trust(self) -> Trust | None:
        """Whether the Heatmap can be trusted, once that is measured."""
        return self.explained.trust[0] if self.explained is not None and self.explained.trust else None

    @property
    def check(self) -> ExplanationCheck | None:
        """What the check of the Model said of maps like this one, if it was made."""
        heatmap, info = self.heatmap, self._classifier.info
        if heatmap is None or info is None:
            return None
        return self._checks.get((info.identity[:12], heatmap.method, _layer_of(heatmap)))

    @property
    def can_explain(self) -> bool:
        """True if there is a Model that names classes."""
        info = self._classifier.info
        return info is not None and bool(info.classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """What can be asked about."""
        return self._classifier.info.classes if self._classifier.info is not None else ()

    # --- what the user does

    def watch(self) -> None:
        """Somebody shows Heatmaps from now on."""
        self._is_watched = True
        self._on_info()

    def set_wish(self, **changes: object) -> None:
        """Explain by another method, at another layer, another class, or against another one."""
        new = replace(self.wish, **changes)  # type: ignore[arg-type]
        if self._is_stopped or self.error:
            self._asked = None  # wished again
        if new.versus and new.versus == new.class_name:
            new = replace(new, versus="")
        if new != self.wish:
            self.wish = new
            self.wish_changed.emit()
        self._follow()

    def set_look(self, **changes: object) -> None:
        """Paint in another way; nothing is computed again."""
        new = replace(self.look, **changes)  # type: ignore[arg-type]
        if new == self.look:
            return
        was_shown, self.look = self.look.is_shown, new
        self._keeping.start()
        self.look_changed.emit()
        if new.is_shown != was_shown:
            self._follow()

    def _keep_look(self) -> None:
        look = self.look
        self._memory.keep(_LOOK, [str(int(look.is_shown)), f"{look.opacity:.2f}", look.colours, f"{look.line:.2f}"])

    def set_shows_stages(self, is_on: bool) -> None:
        """Make the Heatmaps of all stages as well, or no longer."""
        self.shows_stages = is_on
        self._stages_asked = None
        self._follow_stages()

    def forget(self, image: ImageRef) -> None:
        """The file changed: what was explained of it holds no longer."""
        for key in [key for key in self._kept if key.image == image]:
            del self._kept[key]
        if self._asked is not None and self._asked.image == image:
            self._asked = self._stages_asked = None
            self._follow()

    # --- following

    def _on_info(self) -> None:
        info = self._classifier.info
        if self._is_watched and info is not None and info.classes and info != self._described:
            self._describe(info)
        elif info is None or not info.classes:
            self._described = self.network = None
            self.network_changed.emit()
        self._follow()

    def _describe(self, info: ModelInfo) -> None:
        is_other = self._described is None or self._described.identity != info.identity
        self._described = info
        if not is_other:
            return
        self.network = None
        known = {name: name for name in info.classes}
        self.wish = Wish(self.wish.method, "", known.get(self.wish.class_name, ""), known.get(self.wish.versus, ""))
        self.wish_changed.emit()
        self.network_changed.emit()
        self._ask_network(info)

    def _ask_network(self, info: ModelInfo) -> None:
        handle = self._lane.submit(DescribeNetwork(info.ref), replaces="network", deadline_s=SILENCE_S)
        handle.succeeded.connect(self._on_described)
        handle.failed.connect(self._on_not_described)

    def _on_described(self, network: NetworkDescription) -> None:
        self.network = network
        self.network_changed.emit()
        self._follow_stages()

    def _on_not_described(self, end: Failed | EngineStopped) -> None:
        if self._described is not None and self._described_again.allows(end, self._described):
            self._ask_network(self._described)
        else:
            self._tell(end)

    def _key(self) -> _Key | None:
        """What is wanted now."""
        info, image = self._classifier.info, self._library.current_image
        is_wanted = self._is_watched and self.look.is_shown and self._classifier.state != "loading"
        if not is_wanted or info is None or not info.classes or image is None:
            return None
        return _Key(image, info.identity[:12], info.preprocessing, self.wish)

    def _follow(self) -> None:
        key = self._key()
        if key == self._asked:
            return
        self._asked, self._is_stopped = key, False
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._ahead is not None and self._ahead[0] != key:
            self._ahead[1].cancel()
            self._ahead = None
        self.explained = self._kept.get(key) if key is not None else None
        self.error = ""
        self.is_busy = key is not None and self.explained is None
        self._follow_stages()
        if key is not None and (self.explained is None or not self.explained.trust):
            self._ask(key)
        self.changed.emit()

    def _ask(self, key: _Key) -> None:
        wish = key.wish
        handle = self._handle = self._submit(key, "heatmap", layers=(wish.layer,) if wish.layer else ())
        handle.events.connect(self._on_events)
        handle.succeeded.connect(self._on_explained)
        handle.failed.connect(self._on_failed)
        handle.cancelled.connect(self._on_stopped)

    def _submit(self, key: _Key, word: str, *, layers: tuple[str, ...], has_trust: bool = True) -> JobHandle:
        classifier, wish = self._classifier, key.wish
        assert classifier.info is not None
        request = Explain(
            key.image,
            classifier.info.ref,
            classifier.execution,
            classifier.fit,
            method=wish.method,
            layers=layers,
            classes=(wish.class_name,) if wish.class_name else (),
            versus=wish.versus,
            is_trust_wanted=has_trust,
            max_megapixels=classifier.max_megapixels,
        )
        handle = self._lane.submit(request, replaces=word, deadline_s=SILENCE_S)
        if wish.method is not None and METHODS[wish.method].is_slow:
            self._show_progress(spoken(METHODS[wish.method].title), handle)
        return handle

    def _show_progress(self, title: str, handle: JobHandle) -> None:
        """What takes long stands in the status bar, where it can be stopped."""
        entry = self._jobs.add(title, handle, "eye")

        def on_events(events: list[object]) -> None:
            for event in events:
                if isinstance(event, HeatmapProgress):
                    entry.progress(round(100 * event.share), 100)
                elif isinstance(event, HeatmapsMade):
                    entry.progress(0, 0, self.tr("trust"))

        handle.events.connect(on_events)

    def _on_events(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, HeatmapsMade):
                self._take(event.explained)
            elif isinstance(event, TrustMeasured) and self.explained is not None and event.index == 0:
                self._take(replace(self.explained, trust=(event.trust,)))

    def _on_explained(self, explained: Explained) -> None:
        if self._take(explained):
            self._look_ahead()

    def _take(self, explained: Explained) -> bool:
        key = self._asked
        if key is None or explained.image != key.image or explained.model != key.identity:
            return False  # late, or of a Model that was replaced meanwhile
        self._keep(key, explained)
        self.explained = explained
        self.is_busy = False
        self._follow_stages()  # another method may have taken the place of the usual one
        self.changed.emit()
        return True

    def _keep(self, key: _Key, explained: Explained) -> None:
        self._kept[key] = explained
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _look_ahead(self) -> None:
        """While nothing else is wanted, make the map of the Image that most people go to next; its trust can wait."""
        following = self._library.neighbour(1)
        if self._asked is None or following is None or METHODS[self._asked.wish.method or "gradcam"].is_slow:
            return
        key = replace(self._asked, image=following)
        if key in self._kept:
            return
        layers = (key.wish.layer,) if key.wish.layer else ()
        self._ahead = key, self._submit(key, "heatmap ahead", layers=layers, has_trust=False)
        self._ahead[1].succeeded.connect(self._on_ahead)  # a failure is told when it is asked for

    def _on_ahead(self, explained: Explained) -> None:
        if self._ahead is None:
            return
        key, self._ahead = self._ahead[0], None
        if key == self._asked and self.explained is None:
            self._take(explained)
        elif explained.model == key.identity:
            self._keep(key, explained)

    def _on_stopped(self) -> None:
        """Whether another wish took its place, or the user pressed Stop: then nothing replaced the handle."""
        if self._handle is None or not self._handle.is_cancelled:
            return
        without_map = self.tr("Stopped. Choose a method to make the Heatmap.")
        self.error = without_map if self.is_busy else self.tr("Stopped before its trust was measured.")
        self.is_busy, self._is_stopped = False, True
        self.changed.emit()

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        if self._asked is not None and self._again.allows(end, self._asked):
            self._ask(self._asked)
            return
        self.is_busy = False
        self._tell(end)

    def _tell(self, end: Failed | EngineStopped) -> None:
        self.error = spoken(f"{end.message} {end.hint}".strip() if isinstance(end, Failed) else end.message)
        self.changed.emit()

    # --- the check of the Model

    def check_model(self) -> None:
        """See whether such maps change when the Model forgets what it learned, on some of the Images shown."""
        heatmap, classifier, library = self.heatmap, self._classifier, self._library
        if heatmap is None or classifier.info is None:
            return
        request = CheckExplanations(
            tuple(library.image_at(row) for row in range(min(library.shown, CHECKED))),
            classifier.info.ref,
            classifier.execution,
            classifier.fit,
            heatmap.method,
            _layer_of(heatmap),
            classifier.max_megapixels,
        )
        self.is_checking = True
        handle = self._lane.submit(request, replaces="check", deadline_s=SILENCE_S)
        self._show_progress(self.tr("Check explanations"), handle)
        handle.succeeded.connect(self._on_checked)
        handle.failed.connect(self._tell)
        handle.closed.connect(self._on_check_closed)
        self.check_changed.emit()

    def _on_checked(self, check: ExplanationCheck) -> None:
        self._checks[check.model, check.method, check.layer] = check

    def _on_check_closed(self) -> None:
        self.is_checking = False
        self.check_changed.emit()

    # --- the four stages

    def _follow_stages(self) -> None:
        key = self._key() if self.shows_stages else None
        key = replace(key, wish=replace(key.wish, method=self.method, layer="")) if key is not None else None
        layers = self._stage_names()
        if key is not None and (not layers or not METHODS[self.method].has_layer):
            key = None
        if key == self._stages_asked:
            return
        self._stages_asked = key
        self.stages = ()
        if key is not None:
            handle = self._submit(key, "stages", layers=layers, has_trust=False)
            handle.succeeded.connect(self._on_stages)
        self.stages_changed.emit()

    def _on_stages(self, explained: Explained) -> None:
        key = self._stages_asked
        if key is not None and explained.image == key.image and explained.model == key.identity:
            self.stages = explained.heatmaps
            self.stages_changed.emit()

    def _stage_names(self) -> tuple[str, ...]:
        layers = self.network.layers if self.network is not None else ()
        return tuple(layer.name for layer in layers if layer.is_stage)[-4:]


def _layer_of(heatmap: Heatmap) -> str:
    """The layer as Requests take it: none where a method looks at the input itself."""
    return heatmap.layer if METHODS[heatmap.method].has_layer else ""


def _kept_look(memory: WindowMemory) -> HeatLook:
    """The look of the last time; the usual one where that makes no sense."""
    try:
        shown, opacity, colours, line = memory.texts(_LOOK)
        look = HeatLook(shown == "1", float(opacity), colours, float(line))
    except ValueError:
        return HeatLook()
    is_fit = 0 <= look.opacity <= 1 and 0 <= look.line <= 1 and look.colours in MAPS
    return look if is_fit else HeatLook()
