"""An Evaluation as one HTML page that needs nothing else: no script, no other file; every name is escaped text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from convnext_studio.core.evaluation.report import ClassFigures, Evaluation, Interval, Points

_MOST_CLASSES = 60  # of the matrix and the curves
_MOST_WORST = 30
_COLOURS = ("#0166af", "#a57904", "#0b9d6b", "#8a3a12", "#7a3f69", "#5a6069")
_SIDE, _AIR = 300, 34  # of a plot
_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#1a1c1f;background:#f1f2f4;margin:0 auto;max-width:1100px;padding:24px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:16px;margin:28px 0 8px}p{margin:4px 0}.small{color:#474c54;font-size:13px}
table{border-collapse:collapse;background:#fcfcfd;font-size:13px;font-variant-numeric:tabular-nums}
th,td{border-bottom:1px solid #dcdfe4;padding:5px 10px;text-align:right}th{color:#5f656e;font-weight:500}
th:first-child,td:first-child,td.text,th.text{text-align:left}.matrix td{text-align:center;min-width:34px}
.warn{background:#fbefcf;border:1px solid #8a6200;border-radius:6px;padding:8px 12px;margin:8px 0}
.plots{display:flex;flex-wrap:wrap;gap:16px}figure{margin:0;background:#fcfcfd;border:1px solid #dcdfe4;padding:8px}
figcaption{font-size:13px;color:#474c54}.wide{overflow-x:auto}.path{overflow-wrap:anywhere}
"""


def page(evaluation: Evaluation) -> str:
    """The whole page."""
    title = f"{evaluation.model} on the {_split(evaluation)}"
    body = "".join(
        (
            f"<h1>{escape(title)}</h1>",
            _about(evaluation),
            _warnings(evaluation),
            _figures(evaluation),
            _per_class(evaluation),
            _matrix(evaluation),
            _plots(evaluation),
            _worst(evaluation),
            _left_out(evaluation),
        )
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'"  # whatever a name holds, nothing is fetched or run
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )


def _about(one: Evaluation) -> str:
    parts = f" of {one.groups} parts" if one.groups else ""
    return (
        f'<p class="small">{len(one.images)} images{parts} from the {_split(one)} of '
        f'<span class="path">{escape(_shown(one.data))}</span>, judged {escape(one.at)}.</p>'
        f'<p class="small">Model identity (SHA-256): <span class="path">{escape(one.identity)}</span></p>'
    )


def _warnings(one: Evaluation) -> str:
    said: list[str] = []
    images = len(one.images)
    if one.trained_on:
        said.append(
            f"The Model was trained on {one.trained_on} of these {images} images: figures look better than they are."
        )
    if one.chosen_by:
        said.append(
            f"The Model's best epoch was chosen by {one.chosen_by} of these {images} images: "
            "figures look a little better than they are."
        )
    if one.test_reads:
        times = ", ".join(one.test_reads)
        said.append(f"The test split was read {len(one.test_reads)} times: {times}. It is for reporting only.")
    said += [note for note in one.notes if note]
    return "".join(f'<p class="warn">{escape(_shown(text))}</p>' for text in said)


def _figures(one: Evaluation) -> str:
    rows = (
        ("Balanced accuracy", _share(one.balanced_accuracy), _between(one.balanced_accuracy_interval)),
        ("Accuracy", _share(one.accuracy), _between(one.accuracy_interval)),
        ("Macro F1", f"{one.macro_f1:.4f}", ""),
        ("Log loss", f"{one.log_loss:.4f}", ""),
        ("Brier score", f"{one.brier:.4f}", ""),
        ("Expected calibration error", _share(one.calibration_error), ""),
    )
    return f"<h2>Figures, {_split(one)}</h2>" + _table(("Figure", "Value", "95 % interval"), rows)


def _per_class(one: Evaluation) -> str:
    head = ("Class", "Images", "Recall", "95 %", "Precision", "95 %", "F1", "95 %", "ROC AUC", "AP", "Missed")
    rows = (_class_row(figures) for figures in one.per_class if figures.support)
    return f"<h2>Per class, {_split(one)}</h2>" + _table(head, rows)


def _class_row(one: ClassFigures) -> tuple[str, ...]:
    return (
        _shown(one.name),
        str(one.support),
        _share(one.recall),
        _between(one.recall_interval),
        _share(one.precision),
        _between(one.precision_interval),
        f"{one.f1:.3f}",
        _between(one.f1_interval),
        _or_dash(one.roc_auc),
        _or_dash(one.average_precision),
        f"{one.missed} of {one.support}, at most {_share(one.missed_at_most)} (95 % sure)",
    )


def _matrix(one: Evaluation) -> str:
    kept = [number for number, row in enumerate(one.confusion) if sum(row) or any(r[number] for r in one.confusion)]
    if len(kept) > _MOST_CLASSES:
        return ""
    head = "".join(f'<th scope="col">{escape(_shown(one.classes[found]))}</th>' for found in kept)
    rows = []
    for true in kept:
        total = sum(one.confusion[true])
        cells = "".join(_cell(one.confusion[true][found], total) for found in kept)
        rows.append(f'<tr><th scope="row">{escape(_shown(one.classes[true]))}</th>{cells}</tr>')
    return (
        f"<h2>Confusion, {_split(one)}</h2><p class=small>A row for each true class, a column for each "
        f'predicted one.</p><div class=wide><table class="matrix"><tr><th></th>{head}</tr>{"".join(rows)}</table></div>'
    )


def _cell(number: int, total: int) -> str:
    if not number:
        return "<td>·</td>"
    share = number / total
    dark = "#ffffff" if share > 0.55 else "#1a1c1f"
    return f'<td style="background:rgba(31,98,210,{0.12 + 0.83 * share:.2f});color:{dark}">{number}</td>'


def _plots(one: Evaluation) -> str:
    shown = [figures for figures in one.per_class if figures.roc or figures.pr]
    most = sorted(shown, key=lambda figures: -figures.support)[: len(_COLOURS)]
    roc = [(f"{figures.name} {_or_dash(figures.roc_auc)}", figures.roc) for figures in most if figures.roc]
    pr = [(f"{figures.name} {_or_dash(figures.average_precision)}", figures.pr) for figures in most if figures.pr]
    bins = [(bar.confidence, bar.accuracy) for bar in one.reliability]
    points = tuple((x, y) for x, y in bins if x is not None and y is not None)
    return (
        f'<h2>Curves, {_split(one)}</h2><div class="plots">'
        + _plot("ROC: true over false positive rate, AUC", roc, is_diagonal=True)
        + _plot("Precision over recall, average precision", pr)
        + _plot("Reliability: share right over probability", [("", points)], is_diagonal=True)
        + "</div>"
    )


def _plot(title: str, curves: Sequence[tuple[str, Points]], *, is_diagonal: bool = False) -> str:
    drawn = [_line(((0.0, 0.0), (1.0, 1.0)), "#9298a1", dash="4 4")] if is_diagonal else []
    drawn += [_line(points, _COLOURS[number % len(_COLOURS)]) for number, (_, points) in enumerate(curves)]
    if len(curves) == 1:
        drawn += [
            f'<circle cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3" fill="{_COLOURS[0]}"/>' for x, y in curves[0][1][:50]
        ]
    ticks = "".join(
        f'<text x="{_x(at):.0f}" y="{_SIDE + _AIR + 14}" text-anchor="middle">{at:g}</text>'
        f'<text x="{_AIR - 6}" y="{_y(at) + 4:.0f}" text-anchor="end">{at:g}</text>'
        f'<path d="M{_AIR} {_y(at):.1f}H{_SIDE + _AIR}" stroke="#e4e6ea"/>'
        for at in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    legend = "".join(
        f'<p class="small"><span style="color:{_COLOURS[number % len(_COLOURS)]}">■</span> {escape(_shown(name))}</p>'
        for number, (name, _) in enumerate(curves)
        if name
    )
    size = _SIDE + 2 * _AIR
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg width="{size}" height="{size}" font-size="11" '
        f'fill="#5f656e" role="img" aria-label="{escape(title)}">{ticks}{"".join(drawn)}</svg>{legend}</figure>'
    )


def _line(points: Iterable[tuple[float, float]], colour: str, *, dash: str = "") -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dashed}/>'


def _x(share: float) -> float:
    return _AIR + _SIDE * share


def _y(share: float) -> float:
    return _AIR + _SIDE * (1 - share)


def _worst(one: Evaluation) -> str:
    rows = (
        (_shown(image.path), _shown(image.label), _shown(image.found), _share(image.probability), f"{image.loss:.2f}")
        for image in one.worst(_MOST_WORST)
        if image.label != image.found
    )
    head = ("Image", "True", "Predicted", "Probability", "Loss")
    return f"<h2>Worst mistakes, {_split(one)}</h2>" + _table(head, rows)


def _left_out(one: Evaluation) -> str:
    rows = [(_shown(path), _shown(reason)) for path, reason in one.unreadable]
    rows += [(_shown(path), "the Model does not know its class") for path in one.left_out]
    return f"<h2>Images that count nowhere</h2>{_table(('Image', 'Why'), rows)}" if rows else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f'<td class="path">{escape(cell)}</td>' for cell in row) + "</tr>" for row in rows)
    return f"<div class=wide><table><tr>{top}</tr>{body}</table></div>"


def _split(one: Evaluation) -> str:
    return f"{escape(one.split)} split" if one.split != "all" else "whole data set"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _between(interval: Interval) -> str:
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def _or_dash(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _shown(text: str) -> str:
    """Text that any reader of UTF-8 takes: bytes of a name that are no UTF-8 are written as `\\udc80`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
