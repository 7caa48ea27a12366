"""Parts of a longer message: user data headers and sar_* TLVs, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.policy import check_body
from smsagg.smpp.concatenation import (
    UDHI,
    Concatenation,
    UserData,
    read_sar,
    read_user_data,
    sar_tlvs,
    without_sar,
    write_user_data,
)


@st.composite
def concatenations(draw: st.DrawFn) -> Concatenation:
    is_wide = draw(st.booleans())
    total = draw(st.integers(1, 255))
    reference = draw(st.integers(0, 0xFFFF if is_wide else 0xFF))
    return Concatenation(reference, total, draw(st.integers(1, total)), is_wide)


OTHER_ELEMENT = st.builds(
    lambda iei, value: bytes((iei, len(value))) + value,
    st.integers(0, 255).filter(lambda iei: iei not in (0x00, 0x08)),
    st.binary(max_size=20),
)
OTHER_ELEMENTS = st.lists(OTHER_ELEMENT, max_size=4).map(b"".join)


@given(st.none() | concatenations(), OTHER_ELEMENTS, st.binary(max_size=160))
def test_user_data_survives_a_round_trip(said: Concatenation | None, elements: bytes, text: bytes) -> None:
    """What was written is read back; without any element there is no header to read."""
    body = write_user_data(said, elements, text)
    if said is None and not elements:
        assert body == text
    else:
        assert read_user_data(body) == UserData(said, elements, text)


@given(st.binary(max_size=80))
def test_a_header_is_broken_exactly_when_a_submit_with_it_is_refused(body: bytes) -> None:
    """Whoever reads it and whoever checks it agree on every body, and nothing is raised."""
    assert (read_user_data(body) is None) == (check_body(UDHI, body) != 0)


@given(st.binary(min_size=1, max_size=80))
def test_no_octet_is_lost_in_reading(body: bytes) -> None:
    """The elements, the text and what was said account for every octet."""
    data = read_user_data(body)
    if data is not None and data.concatenation is None:
        assert bytes((body[0],)) + data.elements + data.text == body
    elif data is not None:
        assert len(data.elements) + 5 <= body[0]
        assert body.endswith(data.text)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\5\0\3\x2a\2\1hi", Concatenation(0x2A, 2, 1)),
        (b"\6\x08\4\x12\x34\3\3hi", Concatenation(0x1234, 3, 3, True)),
        (b"\x0a\0\3\1\2\1\0\3\7\3\2hi", Concatenation(7, 3, 2)),
        (b"\x0b\0\3\1\2\1\x08\4\0\7\3\2hi", Concatenation(7, 3, 2, True)),
    ],
)
def test_the_last_element_that_says_it_counts(body: bytes, said: Concatenation) -> None:
    """8 and 16 bits alike, as TS 23.040 wants it of elements that exclude each other."""
    assert read_user_data(body) == UserData(said, b"", b"hi")


@pytest.mark.parametrize("element", [b"\0\3\1\0\0", b"\0\3\1\2\0", b"\0\3\1\2\3", b"\0\2\1\2", b"\x08\3\1\2\1"])
def test_an_element_that_makes_no_sense_says_nothing(element: bytes) -> None:
    """A total or number of zero, a number above the total, a wrong length: kept like any other element."""
    assert read_user_data(bytes((len(element),)) + element + b"hi") == UserData(None, element, b"hi")


@given(concatenations(), st.lists(st.tuples(st.integers(0x1400, 0x1500), st.binary(max_size=9)), max_size=3))
def test_sar_survives_a_round_trip_between_other_tlvs(said: Concatenation, others: list[tuple[int, bytes]]) -> None:
    """And the other TLVs are what is left when it is taken away."""
    tlvs = (*others, *sar_tlvs(said), *others)
    assert read_sar(tlvs) == said._replace(is_wide=True)
    assert without_sar(tlvs) == (*others, *others)
    assert read_sar(others) is None


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_sar_needs_all_three_tlvs(missing: int) -> None:
    """Two of them say nothing."""
    tlvs = list(sar_tlvs(Concatenation(7, 3, 2)))
    del tlvs[missing]
    assert read_sar(tlvs) is None


@pytest.mark.parametrize(
    ("total", "number"), [(b"\0", b"\0"), (b"\2", b"\3"), (b"\2", b"\0"), (b"\0\2", b"\1"), (b"", b"\1")]
)
def test_sar_that_makes_no_sense_says_nothing(total: bytes, number: bytes) -> None:
    """Zero, a number above the total, a value of another length."""
    assert read_sar(((0x020C, b"\0\1"), (0x020E, total), (0x020F, number))) is None
