"""The picture of throughput against window and round-trip time."""

from pathlib import Path
from xml.etree import ElementTree

import orjson

from tools.bench.curve import curve_of

SVG = "{http://www.w3.org/2000/svg}"


def test_every_measured_point_is_drawn(tmp_path: Path) -> None:
    """One circle for each, inside the picture, and a faster one never below a slower one."""
    rows = [
        {
            "part": "distance",
            "window": window,
            "round_trip_s": at,
            "accepted_per_s": min(window / (at or 0.001), 20_000),
        }
        for window in (10, 100, 1_000)
        for at in (0.0, 0.002, 0.05)
    ]
    found = tmp_path / "found.json"
    found.write_bytes(orjson.dumps({"rows": [*rows, {"part": "tls"}]}))
    circles = ElementTree.fromstring(curve_of(found)).findall(f"{SVG}circle")
    places = [(float(circle.attrib["cx"]), float(circle.attrib["cy"])) for circle in circles]
    assert len(places) == len(rows)
    assert all(0 < x < 760 and 0 < y < 420 for x, y in places)
    rates = [row["accepted_per_s"] for row in rows]
    for (_, y), rate in zip(places, rates, strict=True):
        assert all(y <= other_y for (_, other_y), other in zip(places, rates, strict=True) if rate > other)
