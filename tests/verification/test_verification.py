"""Codes, their states and their limits."""

import string
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.units import MessageLimit
from smsagg.protection import Cipher, Key
from smsagg.text import GSM_DEFAULT
from smsagg.verification import CodeLimits, Verification, VerificationState, code_text, digest_of, new_code, place_of
from smsagg.verification.codes import ALPHABETS, LENGTH_MAX, LENGTH_MIN, as_typed
from smsagg.verification.texts import TEXTS
from smsagg.verification.verification import TRANSITIONS, Happening

CIPHER = Cipher([Key(b"k" * 32)], Random(1).randbytes)
OTHER = Cipher([Key(b"o" * 32)], Random(1).randbytes)
NOW = 1_800_000_000_000
TTL_MS = 600_000


def pending(*codes: str, attempts_max: int = 3) -> Verification:
    return Verification(
        verification_id="ver_1",
        account="acme",
        recipient="447700900123",
        country="GB",
        state=VerificationState.PENDING,
        digests=b"".join(digest_of(CIPHER, "ver_1", code) for code in codes),
        attempts=0,
        attempts_max=attempts_max,
        message_ids=" ".join(f"m{place}" for place in range(len(codes))),
        last_sent_at=NOW,
        wording="{}",
        reference="",
        created_at=NOW,
        expires_at=NOW + TTL_MS,
    )


def checked(verification: Verification, code: str, now: int = NOW) -> Verification:
    is_right = place_of(CIPHER, "ver_1", code, verification.digests) is not None
    return verification.checked(is_right, now)


@given(st.sampled_from(sorted(ALPHABETS)), st.integers(LENGTH_MIN, LENGTH_MAX), st.integers())
def test_codes_are_of_their_alphabet_and_length(alphabet: str, length: int, seed: int) -> None:
    """Always, whatever the entropy."""
    code = new_code(alphabet, length, Random(seed).randbytes)
    assert len(code) == length
    assert set(code) <= set(ALPHABETS[alphabet])


def test_every_digit_is_as_likely() -> None:
    """Of 60,000 digits each comes 6,000 times, within five standard deviations."""
    rng = Random(7)
    counts = Counter("".join(new_code("numeric", 6, rng.randbytes) for _ in range(10_000)))
    assert all(abs(counts[digit] - 6_000) < 5 * 74 for digit in string.digits)


def test_no_alphanumeric_code_can_be_misread() -> None:
    """At most one of those that look alike is in the alphabet."""
    for alike in ("0ODQ", "1IL", "2Z", "5S", "8B", "UVW", "AEIOU4"):
        assert len(set(alike) & set(ALPHABETS["alphanumeric"])) <= 1


@pytest.mark.parametrize("typed", ["123 456", "123-456", " 123456\n", "１２３４５６", "١٢٣٤٥٦"])
def test_a_code_counts_however_it_is_typed(typed: str) -> None:
    """Spaces, hyphens and the digits of another script."""
    assert checked(pending("123456"), typed).state is VerificationState.APPROVED


def test_letters_count_in_either_case() -> None:
    """``cfg-347`` is ``CFG347``."""
    assert as_typed("cfg-347") == "CFG347"


def test_digests_depend_on_the_key_and_the_verification() -> None:
    """Equal codes have nothing in common elsewhere."""
    found = {digest_of(key, name, "123456") for key in (CIPHER, OTHER) for name in ("ver_1", "ver_2")}
    assert len(found) == 4


def test_a_code_under_a_key_that_is_gone_counts_no_more() -> None:
    """And is no error either."""
    assert place_of(OTHER, "ver_1", "123456", pending("123456").digests) is None


def test_which_code_was_typed_is_known() -> None:
    """By the order of the messages."""
    digests = pending("111111", "222222").digests
    assert [place_of(CIPHER, "ver_1", code, digests) for code in ("111111", "222222", "333333")] == [0, 1, None]


def test_every_code_of_a_verification_counts() -> None:
    """Whichever message came is typed."""
    for code in ("111111", "222222"):
        assert checked(pending("111111", "222222"), code).state is VerificationState.APPROVED


def test_wrong_codes_use_up_the_attempts() -> None:
    """The last one ends it, and the right one is of no use any more."""
    one = pending("123456")
    for left in (2, 1):
        one = checked(one, "000000")
        assert (one.state, one.attempts_left) == (VerificationState.PENDING, left)
    one = checked(one, "000000", NOW + 5)
    assert (one.state, one.attempts_left, one.done_at, one.digests) == (VerificationState.FAILED, 0, NOW + 5, b"")
    with pytest.raises(KeyError):
        checked(one, "123456")


def test_time_ends_it_to_the_millisecond() -> None:
    """At the end of its life it is over, whoever looks."""
    one = pending("123456")
    assert one.as_of(one.expires_at - 1) is one
    over = one.as_of(one.expires_at + 9)
    assert (over.state, over.done_at) == (VerificationState.EXPIRED, one.expires_at)
    assert over.as_of(one.expires_at + 99) is over


@given(st.lists(st.sampled_from(["right", "wrong", "cancel", "wait", "resend"]), max_size=12), st.integers(1, 5))
def test_a_verification_goes_through_its_table(steps: list[str], attempts_max: int) -> None:
    """Whatever happens: attempts never exceed their limit, what is over stays, no digest outlives it."""
    one, now = pending("123456", attempts_max=attempts_max), NOW
    for step in steps:
        now += TTL_MS // 2 if step == "wait" else 1
        before, one = one, one.as_of(now)
        if one.state is not VerificationState.PENDING:
            assert before.state in (VerificationState.PENDING, one.state)
            continue
        if step in ("right", "wrong"):
            one = checked(one, "123456" if step == "right" else "000000", now)
        elif step == "cancel":
            one = one.cancelled(now)
        elif step == "resend":
            one = one.sent("m9", digest_of(CIPHER, "ver_1", "123456"), now)
        assert 0 <= one.attempts <= attempts_max
        assert (one.state is VerificationState.PENDING) == (one.done_at == 0) == bool(one.digests)
        assert (one.attempts_left > 0) == (one.state is VerificationState.PENDING)


def test_nothing_leaves_an_end() -> None:
    """The table holds steps from PENDING only, and all of them."""
    assert TRANSITIONS.keys() == {(VerificationState.PENDING, happening) for happening in Happening}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40_000)), max_size=80))
def test_no_window_ever_holds_more_than_its_limit(codes: list[tuple[int, int]]) -> None:
    """For each number and for its prefix, over any minute."""
    limits = CodeLimits(([MessageLimit(2, 60)], [MessageLimit(5, 60)], [], []), 7, 1_000)
    now, taken = NOW, list[tuple[int, str]]()
    for number, pause_ms in codes:
        now += pause_ms
        recipient = f"44770090012{number}"
        if limits.count(recipient, "GB", now) is None:
            taken.append((now, recipient))
    for at, recipient in taken:
        within = [other for then, other in taken if at <= then < at + 60_000]
        assert len(within) <= 5
        assert within.count(recipient) <= 2


@pytest.mark.parametrize("place", range(4))
def test_the_limit_that_is_exceeded_is_named(place: int) -> None:
    """By its scope, with when it is worth trying again; what is refused is not counted."""
    limits = CodeLimits([[MessageLimit(1, 600)] if place == scope else [] for scope in range(4)], 7, 1_000)
    assert limits.count("447700900123", "GB", NOW) is None
    exceeded = limits.count("447700900123", "GB", NOW)
    assert exceeded is not None
    assert (exceeded.scope, exceeded.retry_after_s) == (("recipient", "prefix", "country", "account")[place], 60)


def test_codes_are_told_in_the_language_that_is_asked_for() -> None:
    """Or in English; a brand that looks like a place is no place."""
    assert code_text("ACME", "123456", "de-AT") == "Ihr Code für ACME lautet 123456."
    assert code_text("ACME", "123456", "xx") == "Your ACME code is 123456."
    assert code_text("{code}", "123456", "en") == "Your {code} code is 123456."
    assert all(text.count("{code}") == text.count("{brand}") == 1 for text in TEXTS.values())
    assert not GSM_DEFAULT.missing(TEXTS["en"])
