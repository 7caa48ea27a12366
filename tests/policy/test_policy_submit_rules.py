"""What a submit_sm may say, field by field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.schema import Duration, MessageClassSettings
from smsagg.policy.submit_rules import Lifetime, Refusal, check_body, check_flags, choose_body, lifetime, lifetime_after
from smsagg.smpp.status import (
    ESME_RINVDFTMSGID,
    ESME_RINVESMCLASS,
    ESME_RINVEXPIRY,
    ESME_RINVMSGLEN,
    ESME_RINVPRTFLG,
    ESME_RINVREGDLVFLG,
    ESME_RINVREPFLAG,
    ESME_RINVSCHED,
    ESME_ROK,
)

NOW = 1_700_000_000_000
SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000
CLASS = MessageClassSettings(ttl=Duration(3600.0), ttl_max=Duration(7200.0), schedule_max=Duration(86400.0))
UDHI = 0x40


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
@pytest.mark.parametrize("features", [0x00, 0x40, 0x80, 0xC0])
@pytest.mark.parametrize("message_type", range(0, 0x40, 4))
def test_esm_class(mode: int, features: int, message_type: int) -> None:
    """Messages and acknowledgements by the user are submitted; receipts and reserved types are not."""
    status = check_flags(mode | features | message_type, 0, 0)
    assert status == (ESME_ROK if message_type in (0x00, 0x08, 0x10) else ESME_RINVESMCLASS)


@pytest.mark.parametrize(("priority_flag", "status"), [(0, 0), (3, 0), (4, ESME_RINVPRTFLG), (255, ESME_RINVPRTFLG)])
def test_priority_flag(priority_flag: int, status: int) -> None:
    """Four priorities."""
    assert check_flags(0, priority_flag, 0) == status


@pytest.mark.parametrize("registered_delivery", range(256))
def test_registered_delivery(registered_delivery: int) -> None:
    """All that the specification defines is taken, reserved bits are not."""
    status = ESME_ROK if registered_delivery < 0x20 else ESME_RINVREGDLVFLG
    assert check_flags(0, 0, registered_delivery) == status


def test_what_is_not_served() -> None:
    """Reserved flags and canned messages are refused, so that nobody takes them for done."""
    assert check_flags(0, 0, 0, replace_if_present_flag=1) == ESME_ROK
    assert check_flags(0, 0, 0, replace_if_present_flag=2) == ESME_RINVREPFLAG
    assert check_flags(0, 0, 0, sm_default_msg_id=1) == ESME_RINVDFTMSGID


def test_the_payload_supersedes_the_short_message() -> None:
    """Never both, and an empty payload is none."""
    assert choose_body(b"short", None) == (b"short", False)
    assert choose_body(b"short", b"payload") == (b"payload", True)
    assert choose_body(b"", b"payload") == (b"payload", True)
    assert choose_body(b"short", b"") == (b"short", False)
    assert choose_body(b"", b"") == (b"", False)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", ESME_RINVMSGLEN),
        (b"\x00", ESME_ROK),
        (b"\x00text", ESME_ROK),
        (b"\x05\x00\x03\x01\x02\x01", ESME_ROK),
        (b"\x05\x00\x03\x01\x02\x01text", ESME_ROK),
        (b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x01\x02\x01text", ESME_ROK),
        (b"\x01\x00", ESME_RINVESMCLASS),
        (b"\x05\x00\x03\x01\x02", ESME_RINVESMCLASS),
        (b"\xff\x00\x03\x01\x02\x01text", ESME_RINVESMCLASS),
        (b"\x05\x00\x04\x01\x02\x01text", ESME_RINVESMCLASS),
        (b"\x06\x00\x03\x01\x02\x01\x00text", ESME_RINVESMCLASS),
    ],
)
def test_a_user_data_header_lies_within_its_body(body: bytes, status: int) -> None:
    """Its length and its elements' lengths; without the indicator the same octets are text."""
    assert check_body(UDHI, body) == status
    assert check_body(0, body) == ESME_ROK


@given(st.integers(0, 255), st.binary(max_size=200))
def test_no_body_breaks_the_check(esm_class: int, body: bytes) -> None:
    """Any octets have an answer."""
    assert check_body(esm_class, body) in (ESME_ROK, ESME_RINVMSGLEN, ESME_RINVESMCLASS)


@pytest.mark.parametrize(
    ("schedule_at", "expires_at", "expected"),
    [
        (None, None, Lifetime(NOW, NOW + HOUR)),
        (None, NOW + SECOND, Lifetime(NOW, NOW + SECOND)),
        (None, NOW + 9 * DAY, Lifetime(NOW, NOW + 2 * HOUR)),
        (None, NOW, Refusal(ESME_RINVEXPIRY)),
        (None, NOW - DAY, Refusal(ESME_RINVEXPIRY)),
        (NOW + HOUR, None, Lifetime(NOW + HOUR, NOW + 2 * HOUR)),
        (NOW + HOUR, NOW + 9 * DAY, Lifetime(NOW + HOUR, NOW + 3 * HOUR)),
        (NOW + HOUR, NOW + HOUR, Refusal(ESME_RINVEXPIRY)),
        (NOW + HOUR, NOW + SECOND, Refusal(ESME_RINVEXPIRY)),
        (NOW + DAY, None, Lifetime(NOW + DAY, NOW + DAY + HOUR)),
        (NOW + DAY + SECOND, None, Refusal(ESME_RINVSCHED)),
        (NOW - DAY, None, Lifetime(NOW, NOW + HOUR)),
    ],
)
def test_lifetimes(schedule_at: int | None, expires_at: int | None, expected: Lifetime | Refusal) -> None:
    """Defaults, cuts and refusals, with and without a schedule."""
    assert lifetime(NOW, schedule_at, expires_at, CLASS) == expected


def test_the_default_life_is_no_longer_than_the_longest() -> None:
    """``ttl`` above ``ttl_max`` is cut as a validity_period would be."""
    message_class = MessageClassSettings(ttl=Duration(7200.0), ttl_max=Duration(7200.0))
    assert lifetime(NOW, None, None, message_class) == Lifetime(NOW, NOW + 2 * HOUR)


INSTANTS = st.none() | st.integers(NOW - 10 * DAY, NOW + 10 * DAY)


@given(INSTANTS, INSTANTS)
def test_every_accepted_message_has_time_to_live(schedule_at: int | None, expires_at: int | None) -> None:
    """It begins no earlier than now, ends after it may begin, and within the longest life allowed."""
    life = lifetime(NOW, schedule_at, expires_at, CLASS)
    if isinstance(life, Lifetime):
        assert NOW <= life.not_before <= NOW + DAY
        assert life.not_before < life.expires_at <= life.not_before + 2 * HOUR
        assert expires_at is None or life.expires_at <= expires_at


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.none() | st.integers(0, 3 * 10**9),
    st.none() | st.integers(0, 3 * 10**9),
)
def test_a_replaced_message_has_a_life_within_its_bounds(
    accepted_at: int, waited: int, life: int, schedule_at: int | None, expires_at: int | None
) -> None:
    """What is not named stays; what is must lie ahead, and the bounds count from the acceptance."""
    settings = MessageClassSettings(schedule_max=1_000.0, ttl_max=2_000.0)  # type: ignore[arg-type]
    now = accepted_at + waited
    before = Lifetime(now, now + life + 1)
    after = lifetime_after(now, accepted_at, before, schedule_at, expires_at, settings)
    if schedule_at is None and expires_at is None:
        assert after == before
    elif isinstance(after, Lifetime):
        assert now <= after.not_before <= accepted_at + 1_000_000
        assert after.not_before < after.expires_at
        if expires_at is not None:
            assert after.expires_at <= min(expires_at, after.not_before + 2_000_000)
    else:
        assert after.command_status in (ESME_RINVSCHED, ESME_RINVEXPIRY)
