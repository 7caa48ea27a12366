"""Cutting encoded bodies: nothing lost, everything fits, no cut where there must be none."""

from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from smsagg.text import Alphabet, alphabet_of, part_octets, split_body
from smsagg.text.graphemes import _SIMPLE

GSM, ASCII, LATIN1, BINARY, UCS2 = 0, 1, 3, 4, 8
FAMILY = "👨‍👩‍👧‍👦"
DATA_CODINGS = st.integers(0, 255)
LETTERS = st.one_of(
    st.characters(), st.sampled_from(["\u0301", "\u200d", "👩", "🇬", "🇧", "क", "्", "ष", "\r", "\n", "ᄀ", "ᅡ"])
)
TEXTS = st.text(LETTERS, max_size=120)


@given(st.binary(max_size=700), DATA_CODINGS, st.integers(4, 200))
def test_parts_are_the_body(body: bytes, data_coding: int, octets_max: int) -> None:
    """Whatever the octets are, joined parts are the body, each fits, and none is empty."""
    parts = split_body(body, data_coding, octets_max)
    assert b"".join(parts) == body
    assert all(len(part) <= octets_max for part in parts)
    assert parts == [b""] if not body else all(parts)


@given(st.lists(st.sampled_from([b"a", b"\x1b", b"\x1be", b"\r", b"\n"])).map(b"".join), st.integers(4, 20))
def test_gsm_is_not_cut_inside_an_escape(body: bytes, octets_max: int) -> None:
    """No part ends in an escape unless escapes fill it, nor between CR and LF."""
    parts = split_body(body, GSM, octets_max)
    for part in parts[:-1]:
        if not part.endswith(b"\x1b"):
            continue
        assert len(part) >= octets_max - 1
        assert part.strip(b"\x1b") == b""
        assert len(part) % 2 == 0
    for part, following in pairwise(parts):
        assert not (part.endswith(b"\r") and following.startswith(b"\n")) or part[:-1].strip(b"\x1b") == b""


@given(TEXTS, st.integers(4, 60))
def test_ucs2_is_cut_between_clusters(text: str, octets_max: int) -> None:
    """Every cut is a boundary of grapheme clusters, unless a cluster is longer than a part."""
    body = text.encode("utf-16-be", "surrogatepass")
    clusters = regex.findall(r"\X", text)
    ends = set()
    octets = 0
    for cluster in clusters:
        octets += len(cluster.encode("utf-16-be", "surrogatepass"))
        ends.add(octets)
    longest = max((len(cluster.encode("utf-16-be", "surrogatepass")) for cluster in clusters), default=0)
    parts = split_body(body, UCS2, octets_max)
    octets = 0
    for part in parts:
        octets += len(part)
        part.decode("utf-16-be", "surrogatepass")
        assert octets in ends or not octets or longest > octets_max & ~1


@given(TEXTS, st.integers(4, 60))
def test_ucs2_is_never_cut_inside_a_pair(text: str, octets_max: int) -> None:
    """Not even inside a cluster that is longer than a part."""
    body = "".join(letter for letter in text if not "\ud800" <= letter <= "\udfff").encode("utf-16-be")
    for part in split_body(body, UCS2, octets_max):
        part.decode("utf-16-be")


def test_parts_are_filled() -> None:
    """Plain text fills its parts."""
    assert [len(part) for part in split_body(b"a" * 400, GSM, 153)] == [153, 153, 94]
    assert [len(part) for part in split_body("字".encode("utf-16-be") * 140, UCS2, 134)] == [134, 134, 12]
    assert [len(part) for part in split_body(b"\xff" * 300, BINARY, 134)] == [134, 134, 32]


def test_an_escape_at_the_end_of_a_part_moves_on() -> None:
    """The euro sign is whole in the second part."""
    assert split_body(b"a" * 152 + b"\x1be" + b"b", GSM, 153) == [b"a" * 152, b"\x1beb"]


def test_a_family_at_the_end_of_a_part_moves_on() -> None:
    """An emoji of four people and three joiners is one character."""
    body = ("x" * 60 + FAMILY + "y").encode("utf-16-be")
    assert split_body(body, UCS2, 134) == [b"\0x" * 60, (FAMILY + "y").encode("utf-16-be")]


def test_a_cluster_longer_than_a_part_is_cut() -> None:
    """A letter with a hundred accents does not fit; what follows begins anew."""
    body = ("e" + "\u0301" * 100 + "x").encode("utf-16-be")
    assert [len(part) for part in split_body(body, UCS2, 134)] == [134, 70]


def test_odd_octet_of_ucs2_goes_along() -> None:
    """A body of an odd length loses nothing."""
    assert split_body(b"\0a" * 67 + b"\0", UCS2, 134) == [b"\0a" * 67, b"\0"]


@pytest.mark.parametrize(("data_coding", "octets_max"), [(GSM, 0), (BINARY, 0), (UCS2, 3), (LATIN1, -1)])
def test_parts_too_small(data_coding: int, octets_max: int) -> None:
    """Parts that cannot hold one character are refused."""
    with pytest.raises(ValueError, match="fits parts of"):
        split_body(b"", data_coding, octets_max)


@pytest.mark.parametrize(
    ("data_coding", "lengths"),
    [
        (GSM, (160, 153, 152)),
        (ASCII, (160, 153, 152)),
        (LATIN1, (140, 134, 133)),
        (BINARY, (140, 134, 133)),
        (UCS2, (140, 134, 132)),
    ],
)
def test_part_octets(data_coding: int, lengths: tuple[int, int, int]) -> None:
    """The lengths that everyone knows: alone, with a reference of 8 bits, and of 16."""
    assert tuple(part_octets(data_coding, udh) for udh in (0, 6, 7)) == lengths


def test_a_header_that_fills_the_message_leaves_nothing() -> None:
    """Lengths are never negative."""
    assert part_octets(GSM, 140) == part_octets(UCS2, 200) == 0


def test_simple_characters_are_clusters_of_their_own() -> None:
    """The short way round the segmentation takes none that could extend a cluster."""
    for letter in map(chr, range(0x10000)):
        if _SIMPLE.match(letter):
            assert regex.findall(r"\X", f"a{letter}字{letter}{letter}a") == ["a", letter, "字", letter, letter, "a"]


@pytest.mark.parametrize(
    ("data_coding", "alphabet"),
    [
        (0x00, Alphabet.GSM), (0x01, Alphabet.ASCII), (0x02, Alphabet.BINARY), (0x03, Alphabet.LATIN1),
        (0x04, Alphabet.BINARY), (0x08, Alphabet.UCS2), (0x0B, Alphabet.GSM), (0x10, Alphabet.GSM),
        (0x15, Alphabet.BINARY), (0x18, Alphabet.UCS2), (0x1C, Alphabet.GSM), (0x20, Alphabet.BINARY),
        (0x44, Alphabet.BINARY), (0x48, Alphabet.UCS2), (0x80, Alphabet.GSM), (0xC8, Alphabet.GSM),
        (0xD0, Alphabet.GSM), (0xE0, Alphabet.UCS2), (0xF0, Alphabet.GSM), (0xF4, Alphabet.BINARY),
        (0xF5, Alphabet.BINARY), (0xFB, Alphabet.GSM), (0xFF, Alphabet.BINARY),
    ],
)  # fmt: skip
def test_alphabets(data_coding: int, alphabet: Alphabet) -> None:
    """SMPP's own values and the groups of 3GPP TS 23.038."""
    assert alphabet_of(data_coding) is alphabet
