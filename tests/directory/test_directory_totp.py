"""One-time passwords, against RFC 6238 and against themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.directory.totp import STEP_MS, code_of, matching_step, step_at, uri_of

SEED = b"12345678901234567890"


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"), (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"), (20_000_000_000, "65353130"),
    ],
)  # fmt: skip
def test_the_codes_of_rfc_6238_appendix_b(at_s: int, code: str) -> None:
    assert code_of(SEED, step_at(at_s * 1_000), digits=8) == code


@given(now=st.integers(10**12, 10**13), off=st.integers(-3, 3))
def test_a_code_is_good_one_step_before_and_behind_and_once(now: int, off: int) -> None:
    """Who used it, and anybody before it, is refused."""
    step = step_at(now) + off
    found = matching_step(SEED, code_of(SEED, step), now, after=0)
    if abs(off) <= 1:
        assert found is not None
        assert matching_step(SEED, code_of(SEED, step), now, after=found) is None
        assert matching_step(SEED, code_of(SEED, step), now + STEP_MS, after=found) is None
    elif found is not None:  # two steps may have one code
        assert code_of(SEED, found) == code_of(SEED, step)


@given(st.text(max_size=8))
def test_no_text_is_too_strange_to_be_refused(code: str) -> None:
    matching_step(SEED, code, 10**12, after=0)


def test_the_uri_is_one_that_apps_read() -> None:
    assert uri_of(SEED, "acme", "ann") == (
        "otpauth://totp/smsagg%3Aann%40acme?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=smsagg"
    )
