"""What the network of a Model is, and what its chosen block makes of the current Image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Signal

from convnext_studio.core.events import EngineStopped, Failed
from convnext_studio.core.explanations import Activations, Explained, NetworkDescription
from convnext_studio.core.requests import DescribeNetwork, Explain, ShowActivations
from convnext_studio.core.values import ImageRef, ModelRef
from convnext_studio.gui.jobs import JobHandle, LaneLike
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.classifier import Classifier
from convnext_studio.gui.stores.library import Library
from convnext_studio.gui.stores.network_parts import Found, find_part, first_to_show
from convnext_studio.gui.stores.viewer import Viewer

SILENCE_S = 120.0
MAPS = 12  # fills two, three, four or six in a row
REFERENCES = {"ConvNeXt": "convnext_tiny", "ResNet": "resnet50", "Swin": "swin_tiny_patch4_window7_224"}

Lack = Literal["", "model", "other model", "classes", "image", "layer"]


@dataclass(frozen=True)
class _Key:
    image: ImageRef
    identity: str
    layer: str
    fit: str


class Architecture(QObject):
    """`shown` asks for the place where it is seen. The newest Model, part and Image win; late replies are dropped."""

    shown = Signal()
    changed = Signal()  # the description, or that it is on its way
    chosen_changed = Signal()
    evidence_changed = Signal()
    compared_changed = Signal()

    def __init__(self, lanes: Mapping[str, LaneLike], viewing: tuple[Library, Classifier, Viewer]) -> None:
        super().__init__()
        self.ref: ModelRef | None = None
        self.title = ""
        self.network: NetworkDescription | None = None
        self.error = ""
        self.chosen = ""  # name of the part
        self.explained: Explained | None = None
        self.activations: Activations | None = None
        self.evidence_error = ""
        self.compared: dict[str, NetworkDescription] = {}
        self._lane = lanes["network"]
        self._library, self._classifier, self._viewer = viewing
        self._follows = False  # the Model in use, whichever that is
        self._is_watched = False
        self._asked: _Key | None = None
        self._handles: list[JobHandle] = []
        self._wanted: set[str] = set()  # families that are on their way
        self._library.current_changed.connect(self._follow)
        self._viewer.reread.connect(self._on_reread)
        self._classifier.info_changed.connect(self._on_info)
        self._classifier.state_changed.connect(self._follow)

    # --- which network

    def show_model(self, ref: ModelRef, title: str) -> None:
        """Show what a Model is made of; its weights need not be here."""
        self._follows = False
        self._describe(ref, title)
        self.shown.emit()

    def show_current(self) -> None:
        """Show the Model in use, and stay with it when another is taken."""
        self._follows = True
        ref = self._classifier.model_ref
        if self._classifier.info is None:
            self._describe(ref, ref.name)
        self._on_info()
        self.shown.emit()

    def _on_info(self) -> None:
        info = self._classifier.info
        if self._follows and info is not None:
            self._describe(info.ref, info.title)
        self._follow()

    def _describe(self, ref: ModelRef, title: str) -> None:
        is_known = ref == self.ref and not self.error
        self.ref, self.title = ref, title
        if is_known:
            return
        self.network, self.error, self.chosen = None, "", ""
        handle = self._lane.submit(DescribeNetwork(ref), replaces="architecture", deadline_s=SILENCE_S)
        handle.succeeded.connect(self._on_described)
        handle.failed.connect(self._on_describe_failed)
        self.changed.emit()
        self.chosen_changed.emit()

    def _on_described(self, network: NetworkDescription) -> None:
        self.network = network
        self.chosen = first_to_show(network)
        self.changed.emit()
        self.chosen_changed.emit()
        self._follow()

    def _on_describe_failed(self, end: Failed | EngineStopped) -> None:
        self.error = _words(end)
        self.changed.emit()

    # --- which part

    @property
    def found(self) -> Found | None:
        """The chosen part in its place."""
        return find_part(self.network, self.chosen) if self.network is not None else None

    def choose(self, name: str) -> None:
        """Choose a part."""
        if name != self.chosen:
            self.chosen = name
            self.chosen_changed.emit()
            self._follow()

    # --- what it makes of the current Image

    def set_watched(self, is_watched: bool) -> None:
        """Somebody looks at it, or nobody does: then nothing is computed."""
        self._is_watched = is_watched
        self._follow()

    @property
    def lack(self) -> Lack:
        """What is missing before anything can be seen of an Image, "" for nothing."""
        info = self._classifier.info
        found = self.found
        if found is not None and not found.part.layer:
            return "layer"
        if info is None or self._classifier.state == "loading":
            return "model"
        if self.ref is None or (info.ref.name, info.ref.file) != (self.ref.name, self.ref.file):
            return "other model"
        if not info.classes:
            return "classes"
        return "" if self._library.current_image is not None else "image"

    @property
    def is_looking(self) -> bool:
        """True while answers are on their way."""
        return self._asked is not None and (self.explained is None or self.activations is None)

    def _key(self) -> _Key | None:
        info, image, found = self._classifier.info, self._library.current_image, self.found
        if not self._is_watched or self.lack or info is None or image is None or found is None:
            return None
        return _Key(image, info.identity[:12], found.part.layer, info.preprocessing.fit)

    def _follow(self) -> None:
        key = self._key()
        if key == self._asked and key is not None:
            return
        self._asked = key
        for handle in self._handles:
            handle.cancel()
        self._handles = []
        self.explained, self.activations, self.evidence_error = None, None, ""
        if key is not None:
            self._ask(key)
        self.evidence_changed.emit()

    def _ask(self, key: _Key) -> None:
        classifier = self._classifier
        assert classifier.info is not None
        model = (classifier.info.ref, classifier.execution, classifier.fit)
        most = classifier.max_megapixels
        explain = Explain(key.image, *model, layers=(key.layer,), is_trust_wanted=False, max_megapixels=most)
        show = ShowActivations(key.image, model[0], key.layer, *model[1:], count=MAPS, max_megapixels=most)
        for request, word, slot in (
            (explain, "block heatmap", self._on_explained),
            (show, "activations", self._on_activations),
        ):
            handle = self._lane.submit(request, replaces=word, deadline_s=SILENCE_S)
            handle.succeeded.connect(slot)
            handle.failed.connect(self._on_failed)
            self._handles.append(handle)

    def _on_explained(self, explained: Explained) -> None:
        if self._is_wanted(explained.image, explained.model, explained.heatmaps[0].layer):
            self.explained = explained
            self.evidence_changed.emit()

    def _on_activations(self, activations: Activations) -> None:
        if self._is_wanted(activations.image, activations.model, activations.layer):
            self.activations = activations
            self.evidence_changed.emit()

    def _is_wanted(self, image: ImageRef, model: str, layer: str) -> bool:
        key = self._asked
        return key is not None and (image, model, layer) == (key.image, key.identity, key.layer)

    def _on_failed(self, end: Failed | EngineStopped) -> None:
        self._asked = None
        self.evidence_error = _words(end)
        self.evidence_changed.emit()

    def _on_reread(self, image: ImageRef) -> None:
        if self._asked is not None and self._asked.image == image:
            self._asked = None
            self._follow()

    # --- beside others

    def compare(self) -> None:
        """Describe one network of each family to compare with, those not known yet."""
        for family, name in REFERENCES.items():
            if family not in self.compared and family not in self._wanted:
                self._wanted.add(family)
                handle = self._lane.submit(DescribeNetwork(ModelRef(name)), deadline_s=SILENCE_S)
                handle.succeeded.connect(self._on_compared)
                handle.failed.connect(self._on_compare_failed)

    def _on_compared(self, network: NetworkDescription) -> None:
        self.compared[network.family] = network
        self.compared_changed.emit()

    def _on_compare_failed(self, _end: object) -> None:
        self._wanted.clear()  # so that they are asked for again


def _words(end: Failed | EngineStopped) -> str:
    return spoken(f"{end.message} {end.hint}".strip() if isinstance(end, Failed) else end.message)
