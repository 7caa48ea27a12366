"""The same text to the same recipient again."""

from random import Random

from abuse_bench import NOW, Bench, message
from hypothesis import given
from hypothesis import strategies as st

from smsagg.abuse.duplicates import Duplicates, digest_of
from smsagg.config.abuse import AbuseSettings
from smsagg.smpp.concatenation import Concatenation, write_user_data
from smsagg.smpp.status import ESME_ROK, ESME_RSUBMITFAIL, ESME_RTHROTTLED


def part(text: bytes, reference: int = 7, number: int = 1, total: int = 2) -> dict[str, object]:
    return {"text": write_user_data(Concatenation(reference, total, number), b"", text), "esm_class": 0x40}


def test_a_duplicate_is_refused_within_the_period() -> None:
    """ESME_RSUBMITFAIL, whatever its sender; after the period it is a message like any."""
    bench = Bench(duplicates="refuse", duplicates_period=60.0)
    assert bench.send() is None
    answer = bench.send(at_s=59, source_addr="OTHER")
    assert answer is not None
    assert (answer.command_status, answer.reason) == (ESME_RSUBMITFAIL, "duplicate")
    assert bench.send(at_s=60) is None


def test_another_recipient_text_or_coding_is_no_duplicate() -> None:
    """All three must be the same; spellings of one number are."""
    bench = Bench(duplicates="refuse")
    assert bench.send() is None
    assert bench.send("447700900124") is None
    assert bench.send(text=b"hello!") is None
    assert bench.send(data_coding=8) is None
    assert bench.send(destination_addr="+447700900123") is not None
    assert bench.send(destination_addr="00447700900123") is not None


def test_a_dropped_duplicate_has_the_id_of_the_first() -> None:
    """ESME_ROK with that id, once it is committed; until then it is to come again."""
    bench = Bench(duplicates="drop")
    first = message()
    duplicates = bench.checks.duplicates
    assert duplicates is not None
    assert bench.checks.check(first, "447700900123", NOW) is None
    duplicates.take(bench.checks.digest_of(first), first, NOW)
    pending = bench.checks.check(message(), "447700900123", NOW)
    assert pending is not None
    assert pending.command_status == ESME_RTHROTTLED
    first.message_id = "id-1"
    duplicates.committed(first)
    dropped = bench.checks.check(message(), "447700900123", NOW)
    assert dropped is not None
    assert (dropped.command_status, dropped.message_id) == (ESME_ROK, "id-1")


def test_what_was_not_taken_in_after_all_is_no_duplicate() -> None:
    """A commit that failed must not cost the customer the next try."""
    duplicates = Duplicates(60.0, 1_000)
    first = message()
    duplicates.take(digest_of(first), first, NOW)
    duplicates.released(first)
    assert duplicates.find(digest_of(first), NOW) is None
    assert len(duplicates) == 0


def test_parts_are_told_apart_by_reference_and_number() -> None:
    """The same PDU again is a duplicate; the beginning of another message is not, though it reads the same."""
    bench = Bench(duplicates="refuse")
    assert bench.send(**part(b"Dear customer, ")) is None
    assert bench.send(**part(b"Dear customer, ", number=2)) is None
    assert bench.send(**part(b"Dear customer, ", reference=8)) is None
    assert bench.send(**part(b"Dear customer, ", total=3)) is None
    assert bench.send(**part(b"Dear customer, ")) is not None


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    """A full table forgets what it has known longest."""
    duplicates = Duplicates(600.0, 1_000)
    made = [message(f"44770{n:07d}") for n in range(3_000)]
    for n, each in enumerate(made):
        duplicates.take(digest_of(each), each, NOW + n)
        duplicates.committed(each)
        assert len(duplicates) <= 1_000
    assert duplicates.find(digest_of(made[-1]), NOW + 3_000) is not None
    assert duplicates.find(digest_of(made[0]), NOW + 3_000) is None
    assert duplicates.forgotten == 2_000


def test_what_is_restored_is_known() -> None:
    """Messages of the last run are duplicates of none but are found as firsts."""
    duplicates = Duplicates(60.0, 1_000)
    duplicates.restore(digest_of(message()), message(message_id="id-0"), NOW)
    assert duplicates.find(digest_of(message()), NOW + 1) == "id-0"
    assert duplicates.find(digest_of(message()), NOW + 60_000) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40_000)), max_size=60))
def test_duplicates_are_exactly_the_messages_of_the_period(submits: list[tuple[int, int]]) -> None:
    """Against a list of all that was taken in."""
    bench = Bench(AbuseSettings(duplicates_max=1_000), duplicates="refuse", duplicates_period=60.0)
    taken: list[tuple[int, float]] = []
    at = 0.0
    for which, pause in submits:
        at += pause / 1000
        is_duplicate = any(w == which and round(at * 1000) - round(t * 1000) < 60_000 for w, t in taken)
        answer = bench.send(f"44770090012{which}", at_s=round(at, 3))
        assert (answer is not None) == is_duplicate
        if answer is None:
            taken.append((which, at))


def test_random_messages_are_never_duplicates() -> None:
    """Digests of different messages differ."""
    rng = Random(1)
    digests = {digest_of(message(str(n), text=rng.randbytes(20))) for n in range(5_000)}
    assert len(digests) == 5_000
