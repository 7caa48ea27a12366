"""Framing: the same frames whatever the segments, and memory for what arrived only (A01 to A03, A22)."""

from itertools import pairwise
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpp_strategies import ANY_PDU

from smsagg.smpp.codec import encode
from smsagg.smpp.errors import FramingError
from smsagg.smpp.framing import FrameBuffer


def segments(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


@given(st.lists(ANY_PDU, max_size=6), st.lists(st.integers(0, 5000), max_size=20))
def test_a22_segments_make_no_difference(pdus: list, cuts: list[int]) -> None:
    """Any cut of the stream gives the frames that went in, and leaves nothing behind."""
    frames = [encode(pdu) for pdu in pdus]
    buffer = FrameBuffer(70_000)
    received = [frame for segment in segments(b"".join(frames), cuts) for frame in buffer.feed(segment)]
    assert received == frames
    assert buffer.buffered_octets == 0
    assert buffer.partial_since is None


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=10))
def test_arbitrary_streams_end_the_same_way_however_cut(stream: bytes, cuts: list[int]) -> None:
    """Frames, remainder and the unusable header are those of the uncut stream."""

    def outcome(parts: list[bytes]) -> tuple[list[bytes], int | None]:
        buffer, frames = FrameBuffer(100), []
        for part in parts:
            try:
                frames += buffer.feed(part)
            except FramingError as error:
                return frames + error.frames, error.command_length
            assert buffer.buffered_octets <= 100
        return frames, None

    assert outcome(segments(stream, cuts)) == outcome([stream])


def test_a_large_pdu_in_single_octets_is_not_quadratic() -> None:
    """64 KiB octet by octet come out whole."""
    frame = pack(">IIII", 65_536, 4, 0, 1).ljust(65_536, b"x")
    buffer = FrameBuffer(70_000)
    assert [out for octet in frame for out in buffer.feed(bytes((octet,)))] == [frame]


def test_frames_before_an_unusable_header_are_not_lost() -> None:
    """They come with the error, once."""
    frame = pack(">IIII", 16, 0x15, 0, 1)
    buffer = FrameBuffer(100)
    with pytest.raises(FramingError) as caught:
        buffer.feed(frame + frame + b"\0\0\0\x0f")
    assert caught.value.frames == [frame, frame]
    with pytest.raises(FramingError) as caught:
        buffer.feed(frame)
    assert caught.value.frames == []


def test_the_limit_itself_is_allowed() -> None:
    """pdu_octets_max octets pass, one more does not."""
    buffer = FrameBuffer(20)
    assert len(buffer.feed(pack(">I", 20) + b"x" * 16)) == 1
    with pytest.raises(FramingError):
        buffer.feed(pack(">I", 21))


def test_partial_since_is_when_the_unfinished_pdu_began() -> None:
    """More of the same PDU does not move it; a new one begins anew."""
    frame = pack(">IIII", 20, 4, 0, 1) + b"abcd"
    buffer = FrameBuffer(100)
    assert buffer.partial_since is None
    buffer.feed(frame[:1], 1.0)
    assert buffer.partial_since == 1.0
    buffer.feed(frame[1:2], 2.0)
    buffer.feed(frame[2:18], 3.0)
    assert buffer.partial_since == 1.0
    assert buffer.feed(frame[18:] + frame[:2], 4.0) == [frame]
    assert buffer.partial_since == 4.0
    assert buffer.feed(frame[2:], 5.0) == [frame]
    assert buffer.partial_since is None
