"""Parts of long messages, in whatever order and number they come."""

from collections.abc import Sequence

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from smsagg.mo.joining import WHOLE_OCTETS_MAX, concatenation_of, join
from smsagg.mo.reassembly import RECENT_MAX, Reassembly, Taken
from smsagg.model import CarrierMo, MoPart
from smsagg.smpp.concatenation import Concatenation, sar_tlvs, write_user_data
from smsagg.smpp.tlv import encode_tlvs

TIMEOUT = 1_000
PORTS = b"\x05\x04\x0b\x84\x00\x00"
FIRST = CarrierMo(1, 1, "447700900999", 0, 1, "53849", "", 0, 0, 0, b"", b"")


def part(
    number: int, total: int = 2, body: bytes = b"", at: int = 0, reference: int = 7, source: str = "1", part_id: int = 0
) -> MoPart:
    mo = evolve(FIRST, source_addr=source, body=body or b"%d" % number)
    return MoPart(part_id or number, "alpha", reference, False, total, number, at, mo)


def make(parts_max: int = 100, octets_max: int = 10_000) -> Reassembly:
    return Reassembly(parts_max, octets_max, TIMEOUT)


def numbers(parts: Sequence[MoPart] | None) -> list[int]:
    return [one.number for one in parts or ()]


def test_the_last_part_brings_all_in_order() -> None:
    """Whichever comes last."""
    parts = make()
    assert [parts.add(part(number, 3)).waits for number in (3, 1)] == [True, True]
    assert len(parts) == 2
    assert numbers(parts.add(part(2, 3)).whole) == [1, 2, 3]
    assert len(parts) == 0


def test_equal_references_of_others_do_not_meet() -> None:
    """Sender, recipient, carrier, width and number of parts are part of the key."""
    parts = make()
    first = part(1)
    others = [
        part(2, source="2"),
        evolve(part(2), mo=evolve(FIRST, source_addr="1", destination_addr="53850", body=b"x")),
        evolve(part(2), carrier="beta"),
        evolve(part(2), is_wide=True),
        part(2, total=3),
        part(2, reference=8),
    ]
    assert all(parts.add(one).waits for one in [first, *others])


def test_a_part_that_comes_twice() -> None:
    """Is known while the others are awaited and after they were handed out."""
    parts = make()
    parts.add(part(1))
    assert parts.add(part(1)) == Taken(is_repeated=True)
    assert parts.add(part(2)).whole
    assert parts.add(part(2, at=TIMEOUT - 1)) == Taken(is_repeated=True)
    assert parts.add(part(2, at=TIMEOUT)).waits


def test_a_reference_that_is_used_again() -> None:
    """Another text under a number that is there is another message; what came of the first is handed out."""
    parts = make()
    parts.add(part(1))
    taken = parts.add(part(1, body=b"new"))
    assert taken.waits
    assert [numbers(group) for group in taken.given_up] == [[1]]
    whole = parts.add(part(2)).whole
    assert whole is not None
    assert [one.mo.body for one in whole] == [b"new", b"2"]
    assert parts.add(part(1, body=b"third")).waits


def test_what_waited_long_enough_is_given_up() -> None:
    """In the order in which it came; a part that comes after that waits for nobody."""
    parts = make()
    parts.add(part(1, 3, at=0))
    parts.add(part(3, 3, at=500))
    parts.add(part(1, 2, source="2", at=600))
    assert parts.give_up(TIMEOUT - 1) == []
    assert [numbers(group) for group in parts.give_up(TIMEOUT)] == [[1, 3]]
    late = parts.add(part(2, 3, at=TIMEOUT + 1))
    assert late.late_for is not None
    assert late.late_for.number == 1
    assert parts.add(part(2, 3, at=TIMEOUT + 2)) == Taken(is_repeated=True)
    assert len(parts) == 1


def test_a_clock_set_back_keeps_nothing_for_ever() -> None:
    """Parts from the future have waited long enough."""
    parts = make()
    parts.add(part(1, at=1_000_000))
    assert [numbers(group) for group in parts.give_up(5)] == [[1]]


def test_bounds() -> None:
    """At either bound what waits longest is handed out as it is, be it what has just come."""
    parts = make(parts_max=2)
    parts.add(part(1, 3, source="1"))
    parts.add(part(1, 3, source="2"))
    taken = parts.add(part(1, 3, source="3"))
    assert taken.waits
    assert [group[0].mo.source_addr for group in taken.given_up] == ["1"]
    taken = make(octets_max=5).add(part(1, body=b"123456"))
    assert not taken.waits
    assert [numbers(group) for group in taken.given_up] == [[1]]


def test_what_is_remembered_is_bounded() -> None:
    """A flood of whole messages leaves nothing but the latest keys."""
    parts = make()
    for source in range(RECENT_MAX + 1):
        parts.add(part(1, source=str(source)))
        parts.add(part(2, source=str(source)))
    assert parts.add(part(2, source="0")).waits
    assert parts.add(part(2, source="5")).is_repeated


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.sampled_from([b"x", b"y"])), max_size=30),
    st.integers(1, 5),
)
def test_everything_comes_out_once(came: list[tuple[str, int, bytes]], parts_max: int) -> None:
    """Whatever comes in which order: each part is handed out once or was a repetition, and the bound holds."""
    parts = make(parts_max=parts_max)
    out: list[int] = []
    repeated = 0
    for at, (source, number, body) in enumerate(came):
        one = part(number, 3, body, at, source=source, part_id=at + 1)
        taken = parts.add(one)
        out += [p.part_id for group in taken.given_up for p in group]
        out += [p.part_id for p in taken.whole or ()]
        if taken.late_for is not None:
            out.append(one.part_id)
        repeated += taken.is_repeated
        assert len(parts) <= parts_max
    out += [p.part_id for group in parts.give_up(10 * TIMEOUT) for p in group]
    assert len(parts) == 0
    assert len(out) == len(set(out)) == len(came) - repeated


def with_header(number: int, text: bytes, elements: bytes = b"", **changes: object) -> CarrierMo:
    body = write_user_data(Concatenation(7, 2, number, False), elements, text)
    return evolve(FIRST, body=body, esm_class=0x40, **changes)


def test_headers_and_tlvs_say_what_is_a_part() -> None:
    """The header before the TLVs; one of one is whole, and so is what a broken header says."""
    sar = encode_tlvs(sar_tlvs(Concatenation(300, 3, 2, True)))
    assert concatenation_of(with_header(1, b"x")) == Concatenation(7, 2, 1, False)
    assert concatenation_of(with_header(1, b"x", tlvs=sar)) == Concatenation(7, 2, 1, False)
    assert concatenation_of(evolve(FIRST, tlvs=sar)) == Concatenation(300, 3, 2, True)
    assert concatenation_of(evolve(FIRST, body=PORTS[:2] + b"x")) is None
    assert concatenation_of(evolve(FIRST, esm_class=0x40, body=b"\xff")) is None
    one_of_one = encode_tlvs(sar_tlvs(Concatenation(300, 1, 1, True)))
    assert concatenation_of(evolve(FIRST, tlvs=one_of_one)) is None


def test_joining_texts() -> None:
    """The header goes, and with it the bit; ports that all parts name stay."""
    whole = join([with_header(1, b"he"), with_header(2, b"llo")])
    assert whole is not None
    assert (whole.body, whole.esm_class) == (b"hello", 0)
    whole = join([with_header(1, b"he", PORTS), with_header(2, b"llo", PORTS)])
    assert whole is not None
    assert (whole.body, whole.esm_class) == (b"\x06" + PORTS + b"hello", 0x40)


def test_joining_by_tlvs() -> None:
    """The sar TLVs go, what else the first part says stays."""
    parts = [
        evolve(FIRST, body=text, tlvs=encode_tlvs((*sar_tlvs(Concatenation(1, 2, n, True)), (0x1400, b"v%d" % n))))
        for n, text in enumerate((b"\xd8\x3d", b"\xde\x00"), 1)
    ]
    whole = join([evolve(part, data_coding=8) for part in parts])
    assert whole is not None
    assert whole.body.decode("utf-16-be") == "😀"
    assert whole.tlvs == encode_tlvs(((0x1400, b"v1"),))


def test_what_cannot_be_one_text_stays_in_parts() -> None:
    """Two alphabets, two port numbers, or more than a message may hold."""
    assert join([with_header(1, b"a"), with_header(2, b"b", data_coding=8)]) is None
    assert join([with_header(1, b"a", PORTS), with_header(2, b"b")]) is None
    assert join([with_header(n, b"x" * (WHOLE_OCTETS_MAX // 2 + 1)) for n in (1, 2)]) is None


def test_other_limits_hold_from_the_next_part_on() -> None:
    """What waits longest leaves first; the time to wait is the new one."""
    parts = make()
    for number in range(4):
        parts.add(part(1, 3, reference=number, part_id=number + 1))
    parts.set_limits(2, 10_000, 5_000)
    taken = parts.add(part(1, 3, reference=9, part_id=9))
    assert [given_up[0].part_id for given_up in taken.given_up] == [1, 2, 3]
    assert parts.give_up(TIMEOUT) == []
    assert len(parts.give_up(5_000)) == 2
