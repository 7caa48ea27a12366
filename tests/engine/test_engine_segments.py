"""How many segments a row is on air, and that each of them is paid for."""

import pytest

from smsagg.engine.segments import segments_of
from smsagg.smpp.concatenation import UDHI
from smsagg.testing.gateway import make_message

NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("body", "data_coding", "esm_class", "segments"),
    [
        (b"", 0, 0, 1),
        (b"x" * 160, 0, 0, 1),
        (b"x" * 161, 0, 0, 2),
        (b"x" * 306, 0, 0, 2),
        (b"x" * 307, 0, 0, 3),
        (b"x" * 140, 8, 0, 1),
        (b"x" * 142, 8, 0, 2),
        (b"x" * 141, 4, 0, 2),
        (b"\x06\x05\x04\x00\x01\x00\x02" + b"x" * 133, 4, UDHI, 1),
        (b"\x06\x05\x04\x00\x01\x00\x02" + b"x" * 134, 4, UDHI, 2),
    ],
)
def test_a_long_body_is_as_many_segments_as_it_fills(
    body: bytes, data_coding: int, esm_class: int, segments: int
) -> None:
    """By its alphabet, and beside the header that each of them has."""
    message = make_message(NOW, body=body, data_coding=data_coding, esm_class=esm_class)
    assert segments_of(message) == segments
