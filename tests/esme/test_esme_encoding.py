"""Smart encoding of submitted texts: what is stored, and what is left octet for octet."""

import pytest
import trio.testing
from esme_bench import account, front_door

from smsagg.smpp.pdu import DataSm, DeliverSm
from smsagg.smpp.tlv import Tag, tlv_value

Clock = trio.testing.MockClock
PAYLOAD, SAR = int(Tag.MESSAGE_PAYLOAD), int(Tag.SAR_MSG_REF_NUM)
QUOTED = "“It’s” đẹp".encode("utf-16-be")


async def test_bodies_are_left_as_they_are(autojump_clock: Clock) -> None:
    """Unless the configuration says otherwise, nobody's octets change."""
    async with front_door() as bench:
        client = await bench.bound()
        await client.submit_ok(short_message=QUOTED, data_coding=8)
        assert (bench.stored[0].body, bench.stored[0].data_coding) == (QUOTED, 8)


async def test_a_smart_account_pays_less(autojump_clock: Clock) -> None:
    """UCS-2 that GSM 03.38 can say is stored, and goes on, as GSM 03.38; another account's is not."""
    accounts = {"acme": account("acme", encoding="smart"), "other": account("other")}
    async with front_door(accounts=accounts) as bench:
        client, other = await bench.bound(), await bench.bound(system_id="other")
        await client.submit_ok(short_message=QUOTED, data_coding=8)
        await client.submit_ok(tlvs=((PAYLOAD, QUOTED * 40),), short_message=b"", data_coding=0x18)
        await other.submit_ok(short_message=QUOTED, data_coding=8)
        plain = b'"It\'s" dep'
        assert [(m.body, m.data_coding, m.in_payload) for m in bench.stored] == [
            (plain, 0, False),
            (plain * 40, 0x10, True),
            (QUOTED, 8, False),
        ]


async def test_what_cannot_be_improved_stays(autojump_clock: Clock) -> None:
    """Emoji, parts by header and by TLV, binary."""
    header = bytes.fromhex("050003010201") + "a".encode("utf-16-be")
    emoji = "ok 😀".encode("utf-16-be")
    async with front_door(accounts={"acme": account("acme", encoding="smart")}) as bench:
        client = await bench.bound()
        await client.submit_ok(short_message=emoji, data_coding=8)
        await client.submit_ok(short_message=header, data_coding=8, esm_class=0x40)
        await client.submit_ok(short_message=b"\0a", data_coding=4)
        stored = [(m.body, m.data_coding, m.esm_class) for m in bench.stored]
        assert stored == [(emoji, 8, 0), (header, 8, 0x40), (b"\0a", 4, 0)]


async def test_parts_by_tlv_keep_the_alphabet_of_their_message(autojump_clock: Clock) -> None:
    """A part is not judged alone."""
    part = "a".encode("utf-16-be")
    tlvs = ((SAR, b"\0\1"), (int(Tag.SAR_TOTAL_SEGMENTS), b"\2"), (int(Tag.SAR_SEGMENT_SEQNUM), b"\1"))
    async with front_door(accounts={"acme": account("acme", encoding="smart")}) as bench:
        client = await bench.bound()
        await client.submit_ok(short_message=part, data_coding=8, tlvs=tlvs)
        assert (bench.stored[0].body, bench.stored[0].data_coding) == (part, 8)


async def test_national_tables_are_named_in_a_header(autojump_clock: Clock) -> None:
    """Two segments become one; esm_class says that a header is there."""
    smart = account("acme", encoding="smart", transliterate="none", national_languages=("turkish",))
    async with front_door(accounts={"acme": smart}) as bench:
        client = await bench.bound()
        await client.submit_ok(short_message=("Şş" * 40).encode("utf-16-be"), data_coding=8)
        message = bench.stored[0]
        assert (message.data_coding, message.esm_class) == (0, 0x40)
        assert message.body == bytes.fromhex("03250101") + b"\x1c\x1d" * 40


async def test_a_payload_of_64_kib_is_left_as_it_is(autojump_clock: Clock) -> None:
    """One huge text never keeps the loop from the others: it is stored octet for octet, and the session answers."""
    body = ("e" + "\u0316\u0301" * 400).encode("utf-16-be") * 40
    async with front_door(accounts={"acme": account("acme", encoding="smart", transliterate="all")}) as bench:
        client = await bench.bound()
        await client.submit_ok(tlvs=((PAYLOAD, body[:64_000]),), short_message=b"", data_coding=8)
        assert (bench.stored[0].body, bench.stored[0].data_coding) == (body[:64_000], 8)
        assert await client.is_alive()


async def test_an_account_that_means_latin1(autojump_clock: Clock) -> None:
    """Its texts go on as what they are, and handsets' texts come to it as it reads them; other data_codings stay."""
    accounts = {"acme": account("acme", data_coding_0="latin1", mo_numbers=("*",))}
    async with front_door(accounts=accounts) as bench:
        client = await bench.bound()
        await client.submit_ok(short_message=b"\xe9@")
        await client.submit_ok(short_message=b"\0a", data_coding=8)
        assert [(m.body, m.data_coding) for m in bench.stored] == [(b"\xe9@", 3), (b"\0a", 8)]
        bench.carrier.mo("777", b"\x05\0")
        mo = await client.receive(DeliverSm)
        assert (mo.short_message, mo.data_coding) == (b"\xe9@", 0)
        await client.acknowledge(mo)
        bench.carrier.mo("777", b"\x1be")
        mo = await client.receive(DeliverSm)
        assert (mo.short_message, mo.data_coding) == ("€".encode("utf-16-be"), 8)


@pytest.mark.parametrize(("deliver_with", "interface_version"), [("data_sm", 0x34), ("deliver_sm", 0x33)])
async def test_texts_for_latin1_come_so_in_every_form(
    autojump_clock: Clock, deliver_with: str, interface_version: int
) -> None:
    """By data_sm, and to a peer that is sent no TLVs."""
    accounts = {"acme": account("acme", data_coding_0="latin1", deliver_with=deliver_with, mo_numbers=("*",))}
    async with front_door(accounts=accounts) as bench:
        client = await bench.bound(interface_version=interface_version)
        bench.carrier.mo("777", b"\x05\0")
        mo = await client.receive(DataSm if deliver_with == "data_sm" else DeliverSm)
        text = mo.short_message if isinstance(mo, DeliverSm) else tlv_value(mo.tlvs, Tag.MESSAGE_PAYLOAD)
        assert text == b"\xe9@"


async def test_smart_encoding_of_latin1(autojump_clock: Clock) -> None:
    """What an account means by data_coding 0 is known before its text is encoded anew; receipts stay as they are."""
    accounts = {"acme": account("acme", data_coding_0="latin1", encoding="smart")}
    async with front_door(accounts=accounts) as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(short_message=b"caf\xe9 @")
        assert (bench.stored[0].body, bench.stored[0].data_coding) == (b"caf\x05 \0", 0)
        bench.carrier.receipt(*bench.carrier.accept())
        receipt = await client.receive(DeliverSm)
        assert receipt.short_message.startswith(f"id:{message_id} ".encode())
