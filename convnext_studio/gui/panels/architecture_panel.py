"""What the network is: from the Image to its scores, block by block, beside others, and on the current Image."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QImage, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from convnext_studio.core.events import OpenedImage
from convnext_studio.core.explanations import NetworkDescription, NetworkPart
from convnext_studio.gui.actions import Actions
from convnext_studio.gui.language import spoken
from convnext_studio.gui.stores.architecture import MAPS
from convnext_studio.gui.stores.network_parts import Found, typical_block
from convnext_studio.gui.stores.studio import Studio
from convnext_studio.gui.widgets.block_diagram import BlockDiagram
from convnext_studio.gui.widgets.buttons import Button, IconButton
from convnext_studio.gui.widgets.empty_state import EmptyState
from convnext_studio.gui.widgets.evidence_view import EvidenceView
from convnext_studio.gui.widgets.frame import Frame, Hairline
from convnext_studio.gui.widgets.label import PlainLabel
from convnext_studio.gui.widgets.network_diagram import NetworkDiagram
from convnext_studio.gui.widgets.network_words import cost_words, gmacs, short_count
from convnext_studio.gui.widgets.part_facts import PartFacts
from convnext_studio.gui.widgets.segmented import Segmented

_SMALL_PICTURE = 512  # pixels of the longer side of what lies under the maps
_CARDS = 4


class ArchitecturePanel(Frame):
    """A page of its own; `actions` say where its way back leads."""

    def __init__(self, studio: Studio, actions: Actions) -> None:
        super().__init__("window")
        theme = studio.theme
        self._studio = studio
        self._actions = actions
        self._back_to = "go_models"
        self._shown_of: OpenedImage | None = None
        self._drawn: NetworkDescription | None = None
        self.back = IconButton(theme, "left", "")
        self.title = PlainLabel("", "display", elide=Qt.TextElideMode.ElideMiddle)
        self.facts = PlainLabel("", "small", "text2", elide=Qt.TextElideMode.ElideRight)
        self.views = Segmented(theme, [self.tr("Network"), self.tr("Compare blocks")])
        self.diagram = NetworkDiagram(theme)
        self.block_title = PlainLabel("", "section", elide=Qt.TextElideMode.ElideRight)
        self.block = BlockDiagram(theme)
        self.part = PartFacts()
        self.evidence = EvidenceView(theme)
        self.use = Button(theme, self.tr("Use this Model"))
        self.cards = [_BlockCard(studio) for _ in range(_CARDS)]
        self.empty = EmptyState(theme, "", "")
        self.stack = QStackedWidget()
        self._lay_out()
        self._connect()
        self._show_network()

    # --- how it lies

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(12, 10, 16, 10)
        head.setSpacing(8)
        head.addWidget(self.back)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self.title)
        words.addWidget(self.facts)
        head.addLayout(words, 1)
        head.addWidget(self.views)
        for page in (self._network_page(), self._compare_page(), self.empty):
            self.stack.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(Hairline())
        column.addWidget(self.stack, 1)

    def _network_page(self) -> QWidget:
        left = _card(self.block_title, self.block)
        right = _card(self.part, Hairline(), self.evidence, self.use)
        below = QHBoxLayout()
        below.setSpacing(12)
        below.addWidget(left, 5)
        below.addWidget(right, 7)
        return _scrolled(self.diagram, below)

    def _compare_page(self) -> QWidget:
        row = QHBoxLayout()
        row.setSpacing(12)
        for card in self.cards:
            row.addWidget(card, 1, Qt.AlignmentFlag.AlignTop)
        return _scrolled(
            PlainLabel(
                self.tr(
                    "A block from the middle of each network. What goes past a block on the blue line is added "
                    "unchanged, so each block only has to learn what to add."
                ),
                "small",
                "text2",
                wrap=True,
            ),
            row,
        )

    def _connect(self) -> None:
        architecture, studio = self._studio.architecture, self._studio
        self.back.clicked.connect(self._on_back)
        self.views.index_changed.connect(self._on_view)
        self.diagram.chosen.connect(self._on_chosen)
        self.block.chosen.connect(self._on_inner)
        self.use.clicked.connect(self._on_use)
        architecture.changed.connect(self._show_network)
        architecture.chosen_changed.connect(self._show_chosen)
        architecture.evidence_changed.connect(self._show_evidence)
        architecture.compared_changed.connect(self._show_compared)
        studio.viewer.opened_changed.connect(self._show_evidence)
        studio.explainer.look_changed.connect(self._show_evidence)

    def showEvent(self, event: QShowEvent) -> None:
        """Look at the current Image from now on."""
        super().showEvent(event)
        self._studio.architecture.set_watched(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is computed that nobody sees."""
        super().hideEvent(event)
        self._studio.architecture.set_watched(False)

    # --- what the user does

    def set_way_back(self, action: str) -> None:
        """Name the action that leads back to where this page was opened from."""
        self._back_to = action
        self.back.set_tip(self.tr("Back to {0}").format(self._actions[action].text()))

    def _on_back(self) -> None:
        self._actions[self._back_to].trigger()

    def _on_view(self, index: int) -> None:
        if index == 1:
            self._studio.architecture.compare()
        self._show_network()

    def _on_chosen(self, part: NetworkPart) -> None:
        self._studio.architecture.choose(part.name)

    def _on_inner(self, part: NetworkPart) -> None:
        """A part in the unfolded one: said what it is; a block or a step down is unfolded itself."""
        network = self._studio.architecture.network
        if part.kind in ("block", "downsample"):
            self._studio.architecture.choose(part.name)
        elif network is not None:
            self.part.show_part(part, spoken(part.title), network.network)

    def _on_use(self) -> None:
        ref = self._studio.architecture.ref
        if ref is not None:
            self._studio.classifier.set_model(ref)

    # --- what is shown

    def _show_network(self) -> None:
        architecture = self._studio.architecture
        network = architecture.network
        self.title.setText(architecture.title)
        self.facts.setText(self._fact_words(network) if network is not None else "")
        self.views.setEnabled(network is not None)
        if network is None:
            self._show_empty(architecture.error)
            self._drawn = None
            self.diagram.show_network(None)
            return
        self.stack.setCurrentIndex(self.views.index())
        if network is not self._drawn:
            self._drawn = network
            self.diagram.show_network(network)
            for area in self.findChildren(QScrollArea):
                area.verticalScrollBar().setValue(0)
            self._show_chosen()
        self._show_compared()

    def _show_empty(self, error: str) -> None:
        self.stack.setCurrentWidget(self.empty)
        if error:
            self.empty.set_words(self.tr("This network cannot be shown"), error)
        else:
            self.empty.set_words("", self.tr("Reading what the network is made of…"))

    def _fact_words(self, network: NetworkDescription) -> str:
        size = self.tr("input {0} × {1}").format(network.input_width, network.input_height)
        parameters = self.tr("{0} parameters").format(short_count(network.network.parameters))
        return " · ".join((network.family, network.architecture, parameters, gmacs(network.network.gmacs), size))

    def _show_chosen(self) -> None:
        architecture = self._studio.architecture
        found, network = architecture.found, architecture.network
        if found is None or network is None:
            return
        self.diagram.choose(found.part.name)
        self.block_title.setText(self.tr("Inside: {0}").format(found.title))
        self.block.show_part(found.part, found.entering)
        self.part.show_part(found.part, found.title, network.network)
        self._show_evidence()

    def _show_evidence(self) -> None:
        architecture, opened = self._studio.architecture, self._studio.viewer.opened
        if opened is not self._shown_of:
            self._shown_of = opened
            picture = _small(opened) if opened is not None else None
            size = (opened.width, opened.height) if opened is not None else (0, 0)
            self.evidence.show_picture(picture, *size)
        words = architecture.evidence_error or self._lack_words()
        self.use.setVisible(architecture.lack == "other model" and self._can_use())
        self.evidence.show_state(words)
        explained = architecture.explained
        is_of_this = explained is not None and opened is not None and explained.image == opened.image
        heatmap = explained.heatmaps[0] if explained is not None and is_of_this else None
        self.evidence.show_heatmap(heatmap, self._studio.explainer.look)
        self.evidence.show_activations(architecture.activations, MAPS if architecture.is_looking else 0)

    def _can_use(self) -> bool:
        """Whether the shown Model can be taken into use here, without fetching anything."""
        ref, models = self._studio.architecture.ref, self._studio.models
        row = models.row(ref.name) if ref is not None else None
        return row is not None and row.can_classify and models.is_ready(row)

    def _lack_words(self) -> str:
        lack = self._studio.architecture.lack
        if lack == "other model":
            return self._other_model_words()
        words = {
            "layer": self.tr("This part has no places in the image. Choose a stage or a block."),
            "model": self.tr("The Model is loading."),
            "classes": self.tr("This Model has no classes, so there is no answer to explain."),
            "image": self.tr("No image is open. Open one to see what this block makes of it."),
        }
        return words.get(lack, "")

    def _other_model_words(self) -> str:
        if self._can_use():
            return self.tr("Another Model is in use. Use this one to see what its blocks make of an image.")
        return self.tr("Take this Model into use on the Models page to see what its blocks make of an image.")

    def _show_compared(self) -> None:
        architecture = self._studio.architecture
        if architecture.network is None or self.views.index() != 1:
            return
        own = architecture.network
        others = [network for family, network in architecture.compared.items() if family != own.family]
        shown = [own, *sorted(others, key=lambda network: network.family)]
        for number, card in enumerate(self.cards):
            card.show_network(shown[number] if number < len(shown) else None, is_own=number == 0)


class _BlockCard(Frame):
    """The typical block of one network."""

    def __init__(self, studio: Studio) -> None:
        super().__init__("card")
        self.title = PlainLabel("", "title", elide=Qt.TextElideMode.ElideRight)
        self.second = PlainLabel("", "small", "text3", wrap=True)
        self.second.setMinimumHeight(34)
        self.sentence = PlainLabel("", "small", "text2", wrap=True)
        self.sentence.setMinimumHeight(64)
        for label in (self.second, self.sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            label.setMinimumWidth(120)  # else the longest word would widen the page
        self.block = BlockDiagram(studio.theme)
        self.block.chosen.connect(self._on_chosen)
        self._found: Found | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(6)
        for widget in (self.title, self.second, self.sentence, self.block):
            column.addWidget(widget)

    def show_network(self, network: NetworkDescription | None, *, is_own: bool) -> None:
        """Show its block, or hide."""
        found = typical_block(network) if network is not None else None
        self._found = found
        self.setVisible(found is not None)
        if network is None or found is None:
            return
        self.title.setText(self.tr("{0} (this Model)").format(network.family) if is_own else network.family)
        size = self.tr("for {0} × {1} pixels").format(network.input_width, network.input_height)
        self.second.setText(" · ".join((network.architecture, found.title, cost_words(found.part), size)))
        self.sentence.setText(spoken(found.part.sentence))
        self.block.show_part(found.part, found.entering)

    def _on_chosen(self, part: NetworkPart) -> None:
        self.sentence.setText(spoken(part.sentence))


def _card(*widgets: QWidget) -> Frame:
    card = Frame("card")
    column = QVBoxLayout(card)
    column.setContentsMargins(16, 12, 16, 12)
    column.setSpacing(10)
    for widget in widgets:
        column.addWidget(widget, 0, Qt.AlignmentFlag.AlignLeft if isinstance(widget, Button) else Qt.AlignmentFlag(0))
    column.addStretch(1)
    return card


def _scrolled(top: QWidget, below: QHBoxLayout) -> QScrollArea:
    inner = QWidget()
    column = QVBoxLayout(inner)
    column.setContentsMargins(16, 16, 16, 16)
    column.setSpacing(16)
    column.addWidget(top)
    column.addLayout(below)
    column.addStretch(1)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inner)
    return area


def _small(opened: OpenedImage) -> QImage:
    from convnext_studio.gui.convert import image_from_array

    step = max(1, max(opened.pixels.shape[:2]) // _SMALL_PICTURE)
    return image_from_array(opened.pixels[::step, ::step].copy())
