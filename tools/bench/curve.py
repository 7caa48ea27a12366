"""Draws throughput against window and round-trip time as an SVG: ``python -m tools.bench.curve var/bench-scale.json``.

Both axes are logarithmic. A thin line is what arithmetic allows, window ÷ round trip; a thick one is what was measured.
"""

from collections import defaultdict
from math import log10
from pathlib import Path

import click
import orjson

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 150, 40, 60
SHORTEST_MS, LONGEST_MS = 1.0, 300.0
SLOWEST, FASTEST = 30.0, 40_000.0
COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2")


def x_of(round_trip_ms: float) -> float:
    """Where a round trip stands; none at all stands at the left end."""
    share = log10(max(round_trip_ms, SHORTEST_MS) / SHORTEST_MS) / log10(LONGEST_MS / SHORTEST_MS)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def y_of(rate: float) -> float:
    """Where a rate stands."""
    share = log10(min(max(rate, SLOWEST), FASTEST) / SLOWEST) / log10(FASTEST / SLOWEST)
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def drawing(points: dict[int, list[tuple[float, float]]]) -> str:
    """The SVG of ``{window: [(round trip in ms, messages a second)]}``."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 22, "One bind: messages a second against the round-trip time", weight="bold"),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "round-trip time, ms", anchor="middle"),
    ]
    for rate in (100, 1_000, 10_000):
        parts.append(_line([(LEFT, y_of(rate)), (WIDTH - RIGHT, y_of(rate))], "#ddd", 1))
        parts.append(_text(LEFT - 8, y_of(rate) + 4, f"{rate:,}", anchor="end"))
    for round_trip_ms in sorted({at for of_one in points.values() for at, _ in of_one}):
        parts.append(_line([(x_of(round_trip_ms), TOP), (x_of(round_trip_ms), HEIGHT - BOTTOM)], "#ddd", 1))
        parts.append(_text(x_of(round_trip_ms), HEIGHT - BOTTOM + 18, f"{round_trip_ms:g}", anchor="middle"))
    for (window, measured), colour in zip(sorted(points.items()), COLOURS, strict=False):
        parts.append(_line([(x_of(at), y_of(window * 1_000 / at)) for at in ideal_ms(window)], colour, 0.7))
        parts.append(_line([(x_of(at), y_of(rate)) for at, rate in measured], colour, 2.5))
        for at, rate in measured:
            parts.append(f'<circle cx="{x_of(at):.1f}" cy="{y_of(rate):.1f}" r="3.5" fill="{colour}"/>')
        parts.append(_text(WIDTH - RIGHT + 12, y_of(measured[-1][1]) + 4, f"window {window:,}", colour=colour))
    return "\n".join([*parts, "</svg>"]) + "\n"


def ideal_ms(window: int) -> list[float]:
    """Round trips at which window ÷ round trip lies within the picture."""
    tenths = range(int(SHORTEST_MS * 10), int(LONGEST_MS * 10), 5)
    return [at / 10 for at in tenths if SLOWEST < window * 1_000 / (at / 10) < FASTEST]


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal", colour: str = "#333") -> str:
    style = f'font-size="13" text-anchor="{anchor}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{text}</text>'


def _line(points: list[tuple[float, float]], colour: str, width: float) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def curve_of(path: Path) -> str:
    """The drawing of the part ``distance`` in a result of ``make bench-scale``."""
    points: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for row in orjson.loads(path.read_bytes())["rows"]:
        if row["part"] == "distance":
            points[row["window"]].append((row["round_trip_s"] * 1_000, row["accepted_per_s"]))
    return drawing({window: sorted(of_one) for window, of_one in points.items()})


@click.command()
@click.argument("found", type=click.Path(path_type=Path, exists=True))
@click.option("--to", "svg_path", type=click.Path(path_type=Path), help="Default: the same name with .svg.")
def main(found: Path, svg_path: Path | None) -> None:
    """Draw the curve of a result."""
    (svg_path or found.with_suffix(".svg")).write_text(curve_of(found))


if __name__ == "__main__":
    main()
