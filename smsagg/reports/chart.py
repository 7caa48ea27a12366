"""A report as an SVG: a bar for each group, cut into what became of its messages, with the delivery rate beside it."""

from xml.sax.saxutils import escape

from smsagg.reports import words
from smsagg.reports.report import Report
from smsagg.reports.tally import Tally

ROWS_MAX = 60
"""Groups that are drawn; the rest is said to be there."""
WIDTH, LEFT, RIGHT, TOP, ROW, BAR = 960, 220, 200, 74, 26, 18
PARTS = (
    ("delivered", "#3a7d44"),
    ("sent", "#7fb685"),
    ("pending", "#9bb8d3"),
    ("failed", "#c8553d"),
    ("expired", "#e0a458"),
    ("rejected", "#8e3b46"),
    ("unknown", "#999999"),
    ("deleted", "#cccccc"),
)


def drawing(report: Report, title: str) -> str:
    """The SVG."""
    groups = report.groups()
    rows = groups[:ROWS_MAX]
    height = TOP + ROW * max(len(rows), 1) + 40
    most = max((tally.accepted for _, tally in rows), default=1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        _text(20, 24, title, weight="bold"),
        *_legend(report.total),
    ]
    for place, (key, tally) in enumerate(rows):
        y = TOP + place * ROW
        label = " · ".join(words.value_of(name, value) for name, value in zip(report.by, key, strict=True)) or "all"
        parts.append(_text(LEFT - 10, y + 14, label if len(label) <= 30 else label[:29] + "…", anchor="end"))
        parts += _bar(tally, y, most)
        figures = f"{tally.accepted:,}  {words.percentage(tally.delivery_rate)}"
        parts.append(_text(WIDTH - RIGHT + 12, y + 14, figures))
    if len(groups) > ROWS_MAX:
        parts.append(_text(LEFT, height - 14, f"and {len(groups) - ROWS_MAX:,} more groups"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(tally: Tally, y: float, most: int) -> list[str]:
    x, scale = float(LEFT), (WIDTH - LEFT - RIGHT) / most
    parts = []
    for word, colour in PARTS:
        number = _number(tally, word)
        if number:
            width = number * scale
            title = f"<title>{word}: {number:,}</title>"
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.2f}" height="{BAR}" fill="{colour}">{title}</rect>')
            x += width
    return parts


def _legend(total: Tally) -> list[str]:
    """Of what there is."""
    parts, x = [], 20.0
    for word, colour in PARTS:
        number = _number(total, word)
        if number:
            text = f"{word} {number:,}"
            parts.append(f'<rect x="{x:.0f}" y="40" width="12" height="12" fill="{colour}"/>')
            parts.append(_text(x + 17, 51, text))
            x += 35 + 7 * len(text)
    return parts


def _number(tally: Tally, word: str) -> int:
    return tally.pending if word == "pending" else tally.ended(word)


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    style = f'font-size="13" text-anchor="{anchor}" font-weight="{weight}" fill="#333"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
