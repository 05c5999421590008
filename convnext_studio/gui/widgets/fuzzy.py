"""How well a few typed letters fit a name."""

from __future__ import annotations


def fuzzy_score(typed: str, name: str) -> float:
    """0 if the letters of `typed` do not stand in `name` in that order, else more the better they fit.

    Letters that follow each other or begin a word count more; long names count a little less.
    """
    wanted, text = typed.casefold().replace(" ", ""), name.casefold()
    if not wanted:
        return 1.0
    score, at = 0.0, -1
    for letter in wanted:
        found = text.find(letter, at + 1)
        if found < 0:
            return 0.0
        begins_word = found == 0 or not text[found - 1].isalnum()
        score += 3.0 if found == at + 1 else 2.0 if begins_word else 0.5
        at = found
    if typed.casefold().strip() in text:
        score += 2.0 * len(wanted)
    return score / (1.0 + 0.005 * len(text))
