"""Draws who carried what through the day, a strip for each way of choosing, as an SVG."""

from tools.day.scenario import FAILURES, HOURS, SUPPLIERS

WIDTH, STRIP, GAP = 900, 110, 46
LEFT, RIGHT, TOP = 60, 150, 70
_COLOURS = (
    "#1b6ca8", "#6baed6", "#c8553d", "#f4a582", "#3a7d44", "#90c695",
    "#8e5ea2", "#c9a8d6", "#b8860b", "#e6c56c", "#555555", "#aaaaaa",
)  # fmt: skip
COLOURS = dict(zip(SUPPLIERS, _COLOURS, strict=True))


def drawing(shares: dict[str, dict[str, list[float]]]) -> str:
    """The SVG of ``{way: {carrier: messages by hour}}``."""
    height = TOP + len(shares) * (STRIP + GAP) + 20
    failed = [f"{one.carrier}: {one.kind}, {one.from_hour:g} h to {one.to_hour:g} h" for one in FAILURES]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        _text(LEFT, 24, "Who carried the day's messages, hour by hour", size=16),
        _text(LEFT, 44, "; ".join(failed)),
    ]
    for place, (way, by_carrier) in enumerate(shares.items()):
        parts += _strip(TOP + place * (STRIP + GAP), way, by_carrier)
    for place, (name, colour) in enumerate(COLOURS.items()):
        y = TOP + 10 + place * 18
        parts.append(f'<rect x="{WIDTH - RIGHT + 16}" y="{y - 10}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(WIDTH - RIGHT + 34, y, name))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _strip(top: float, way: str, by_carrier: dict[str, list[float]]) -> list[str]:
    column = (WIDTH - LEFT - RIGHT) / HOURS
    most = max(sum(hours[hour] for hours in by_carrier.values()) for hour in range(HOURS))
    parts = [_text(LEFT, top + 12, way, size=13)]
    for hour in range(HOURS):
        y = top + 20 + STRIP
        for name in COLOURS:
            height = by_carrier[name][hour] / most * STRIP
            y -= height
            if height:
                x = LEFT + hour * column
                parts.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{column - 1:.1f}" height="{height:.1f}"'
                    f' fill="{COLOURS[name]}"/>'
                )
    parts += [_text(LEFT + hour * column, top + STRIP + 34, f"{hour} h", size=10) for hour in range(0, HOURS, 4)]
    return parts


def _text(x: float, y: float, text: str, size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}">{text}</text>'
