"""Whether a Heatmap can be trusted: a word with its shape, the measured sentence, and the figures behind Why?"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from convnext_studio.core.explanations import ExplanationCheck, Trust, TrustVerdict
from convnext_studio.gui.language import spoken
from convnext_studio.gui.theme.theme import Theme
from convnext_studio.gui.widgets.buttons import Button
from convnext_studio.gui.widgets.chip import Chip, Tone
from convnext_studio.gui.widgets.fact_list import FactList
from convnext_studio.gui.widgets.frame import Frame
from convnext_studio.gui.widgets.label import PlainLabel, plain_tip
from convnext_studio.gui.widgets.numbers import decimal, percent
from convnext_studio.gui.widgets.popover import Popover

_SIGNS: dict[TrustVerdict, tuple[str, Tone]] = {
    "faithful": ("shield", "ok"),
    "weak": ("warn", "again"),
    "not faithful": ("x", "ng"),
}
_WIDTH = 380  # of the figures


class TrustBox(Frame):
    """`check_wanted` asks for the check of the Model itself, which takes a while."""

    check_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__("inset")
        self._theme = theme
        self._trust: Trust | None = None
        self._check_words = ""
        self._can_check = True
        self._popover: Popover | None = None
        self.chip = Chip(theme, "")
        self.why = Button(theme, self.tr("Why?"), None, "link")
        self.sentence = PlainLabel("", "small", "text2", wrap=True)
        self.sentence.setMinimumHeight(2 * self.sentence.fontMetrics().lineSpacing())  # what lies below stays there
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        head = QHBoxLayout()
        head.addWidget(self.chip)
        head.addStretch(1)
        head.addWidget(self.why)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 10)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.sentence)
        self.why.clicked.connect(self.open_why)

    def show_trust(self, trust: Trust | None, *, is_measuring: bool, has_map: bool = True) -> None:
        """Show the verdict, or that it or even its map is being made; nothing where there is nothing to judge."""
        self._trust = trust
        self.setVisible(trust is not None or is_measuring)
        self.why.setVisible(trust is not None)
        if trust is None and has_map:
            self.chip.set_chip(self.tr("Measuring"), "clock", "none")
            self.sentence.setText(self.tr("Areas are hidden to see what the score rests on."))
        elif trust is None:
            self.chip.set_chip(self.tr("Not measured yet"), "clock", "none")
            self.sentence.setText(self.tr("The Heatmap is being made."))
        else:
            self.chip.set_chip(verdict_word(trust.verdict), *_SIGNS[trust.verdict])
            self.sentence.setText(spoken(trust.sentence))
        tip = "\n".join(f"{label}: {value}" for label, value in figures_of(trust)) if trust is not None else ""
        for widget in (self.chip, self.sentence):
            widget.setToolTip(plain_tip(tip))
        if trust is None and self._popover is not None:
            self._popover.close_popover()

    def show_check(self, check: ExplanationCheck | None, *, is_checking: bool) -> None:
        """What the check of the Model said."""
        can_check = check is None and not is_checking
        words = spoken(check.sentence) if check is not None else ""
        if is_checking:
            words = self.tr("The Model is being checked…")
        if (can_check, words) == (self._can_check, self._check_words):
            return
        self._can_check, self._check_words = can_check, words
        if self._popover is not None and self._popover.isVisible():
            self._popover.close_popover()
            self.open_why()

    def open_why(self) -> None:
        """All figures, what they mean, and the check of the Model."""
        trust = self._trust
        if trust is None:
            return
        popover = Popover(self._theme, self)
        popover.setFixedWidth(_WIDTH)
        self._popover = popover
        popover.closed.connect(self._on_closed)
        popover.body.addWidget(PlainLabel(_meaning(trust.verdict), "small", "text", wrap=True))
        facts = FactList(self.tr("What was measured"))
        facts.show_facts(figures_of(trust))
        facts.setMinimumHeight(120)  # it scrolls where the window is low
        if (inner := facts.widget()) is not None:
            facts.setMaximumHeight(inner.heightForWidth(_WIDTH - 2 * popover.body.contentsMargins().left()))
        popover.body.addWidget(facts)
        words = self._check_words or self.tr(
            "A map that stays the same when the Model forgets what it learned explains nothing."
        )
        popover.body.addWidget(PlainLabel(words, "small", "text2", wrap=True))
        check = Button(self._theme, self.tr("Check this Model"), "shield", is_small=True)
        check.setEnabled(self._can_check)
        check.clicked.connect(self.check_wanted)
        popover.body.addWidget(check)
        popover.open_under(self.why, check if self._can_check else None)

    def _on_closed(self) -> None:
        if self._popover is not None:
            self._popover.deleteLater()
            self._popover = None


def verdict_word(verdict: TrustVerdict) -> str:
    """As it stands on the badge."""
    return {
        "faithful": _tr("Faithful"),
        "weak": _tr("Weak"),
        "not faithful": _tr("Not faithful"),
    }[verdict]


def figures_of(trust: Trust) -> tuple[tuple[str, str], ...]:
    """Label and value of all that was measured."""
    elsewhere = _tr("{0}; an area elsewhere: {1}")
    other = ", ".join(map(spoken, trust.other.split(", ", 1)))  # the method and the layer
    return (
        (_tr("Score"), decimal(trust.score, 2)),
        (_tr("Hot area"), _tr("the hottest {0} of what the Model saw").format(percent(trust.area, 0))),
        (_tr("Hot area hidden"), elsewhere.format(decimal(trust.hidden, 2), decimal(trust.hidden_random, 2))),
        (_tr("Only it left"), elsewhere.format(decimal(trust.kept, 2), decimal(trust.kept_random, 2))),
        (_tr("Everything hidden"), decimal(trust.blank, 2)),
        (_tr("Deletion"), _tr("beats {0} of the areas elsewhere").format(percent(trust.deletion, 0))),
        (_tr("Insertion"), _tr("beats {0} of the areas elsewhere").format(percent(trust.insertion, 0))),
        (
            _tr("By chance"),
            _tr("{0} of heads that learned nothing hang on it as much").format(percent(trust.chance, 0)),
        ),
        (_tr("Agreement"), _tr("{0} with {1}").format(decimal(trust.agreement, 2), other)),
    )


def _meaning(verdict: TrustVerdict) -> str:
    return {
        "faithful": _tr("The score rests on the hot area: hide it and the score falls, keep only it and it stays."),
        "weak": _tr("The score rests on the hot area in part, or other maps show another place."),
        "not faithful": _tr(
            "The score does not rest on the hot area more than on others, or no more than by chance. Do not rely on it."
        ),
    }[verdict]


def _tr(text: str) -> str:
    return QCoreApplication.translate("trust_box", text)
