"""Values with units as the configuration file writes them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config import units

ANY_TOML = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("1.5s", 1.5), ("5m", 300), ("2h", 7_200), ("3d", 259_200)]
)
def test_a_duration_is_a_number_with_its_unit(text: str, seconds: float) -> None:
    """Each unit gives the seconds that it stands for."""
    assert units.parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("wrong", ["", "30", "30 s", "-1s", "1e3s", "s", "30S", "30s ", "٣s", 30, 30.0, True, None, []])
def test_a_duration_without_its_unit_is_refused(wrong: object) -> None:
    """Nothing is guessed: no bare number, no sign, no blank, no foreign digit."""
    with pytest.raises(ValueError, match="must be a duration with its unit"):
        units.parse_duration(wrong)


@pytest.mark.parametrize(("text", "per_s"), [("100/s", 100), ("600/m", 10), ("1000/h", 1000 / 3600), ("0.5/s", 0.5)])
def test_a_rate_is_a_number_per_unit_of_time(text: str, per_s: float) -> None:
    """A rate comes out as events per second."""
    assert units.parse_rate(text) == pytest.approx(per_s)


@pytest.mark.parametrize("wrong", ["100", "100/d", "/s", "0/s", "-5/s", 100, True, "100 /s"])
def test_a_rate_is_above_zero_and_has_its_unit(wrong: object) -> None:
    """What is no rate, or lets nothing through, is refused."""
    with pytest.raises(ValueError, match="must be a rate"):
        units.parse_rate(wrong)


@pytest.mark.parametrize(("value", "octets"), [(65536, 65536), ("64KiB", 65536), ("1MiB", 1 << 20), ("0B", 0), (0, 0)])
def test_octets_are_a_whole_number_or_carry_a_binary_unit(value: object, octets: int) -> None:
    """Sizes come out as octets."""
    assert units.parse_octets(value) == octets


@pytest.mark.parametrize("wrong", [True, -1, 1.0, "64KB", "64k", "64 KiB", "1.5MiB", ""])
def test_octets_refuse_what_is_ambiguous(wrong: object) -> None:
    """A boolean is no number, and kB is no unit that we know."""
    with pytest.raises(ValueError, match="must be a size in octets"):
        units.parse_octets(wrong)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:2775", "127.0.0.1", 2775),
        ("[::1]:0", "::1", 0),
        ("smsc.example.com:65535", "smsc.example.com", 65535),
    ],
)
def test_an_address_splits_into_host_and_port(text: str, host: str, port: int) -> None:
    """The brackets of IPv6 belong to the file, not to the host."""
    assert units.split_host_port(units.parse_host_port(text)) == (host, port)


@pytest.mark.parametrize("wrong", ["localhost", ":80", "::1:80", "host:65536", "host:-1", "ho st:80", 2775, "host:"])
def test_an_address_without_host_or_port_is_refused(wrong: object) -> None:
    """Both halves must be there, and the port must be one."""
    with pytest.raises(ValueError, match="must"):
        units.parse_host_port(wrong)


def test_a_status_is_a_number_or_a_name_of_the_specification() -> None:
    """ESME_RTHROTTLED and 0x58 are the same, and so is "0x58", since a TOML key is always a string."""
    assert {units.parse_status_code(value) for value in ("ESME_RTHROTTLED", 0x58, "0x58")} == {0x58}


@pytest.mark.parametrize("wrong", [0, "ESME_ROK", "ESME_RNOSUCH", True, -1, 1 << 32, "58", "0x0", "0x123456789"])
def test_a_status_that_is_no_error_is_refused(wrong: object) -> None:
    """ESME_ROK cannot be classified as an error."""
    with pytest.raises(ValueError, match="must be a command_status"):
        units.parse_status_code(wrong)


@given(ANY_TOML)
def test_whatever_stands_there_is_parsed_or_refused(value: object) -> None:
    """No parser raises anything but ValueError, and none returns nonsense."""
    parsers = (
        units.parse_duration,
        units.parse_rate,
        units.parse_octets,
        units.parse_host_port,
        units.parse_status_code,
    )
    for parse in parsers:
        with suppress(ValueError):
            parse(value)


@given(st.integers(0, 10**9))
def test_a_formatted_duration_reads_back(milliseconds: int) -> None:
    """The spelling is exact to the millisecond."""
    assert units.parse_duration(units.format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)
