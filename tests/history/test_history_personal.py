"""All that is held about a number, and nothing about another one."""

from pathlib import Path
from typing import Any

import orjson

from smsagg.config.protection_settings import EncryptionSettings
from smsagg.config.schema import Config, StoreSettings
from smsagg.history.personal import lines_about
from smsagg.model import Delivery, DeliveryKind, Event, MessageState
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.protection.subject import DataSubject
from smsagg.store.base import Changes, EntityUpdate, FinishedMessage
from smsagg.store.sqlite import open_sqlite_store
from smsagg.testing.gateway import make_config, make_message

DIGITS, NOW = "447700900123", 1_700_000_000_000


def records_about(config: Config, account: str) -> list[dict[str, Any]]:
    lines = b"".join(lines_about(config, DataSubject(DIGITS, account)))
    return [orjson.loads(line) for line in lines.splitlines()]


async def test_everything_that_names_the_number(tmp_path: Path) -> None:
    """Of a sealed store, too; an account is told of its own only."""
    store_settings = StoreSettings(
        path=str(tmp_path / "smsagg.db"), free_octets_min=0, encryption=EncryptionSettings(enabled=True)
    )
    config = make_config(store=store_settings)
    documents = [{"from": f"+{DIGITS}", "text": "hello"}, {"from": "447700900124", "text": f"call {DIGITS}"}]
    uses = [["acme", "1", NOW, NOW, 3], ["bank", "2", NOW, NOW, 1]]
    suppression = ConsentRecord(ConsentKind.SUPPRESSION, "acme", DIGITS, "", NOW, "keyword", "STOP")
    owed = Delivery(
        1, "acme", DeliveryKind.MO, "", 1, 1, DIGITS, 0, 1, "ACME", 0, 0, 0, b"STOP", b"", "", 0, 0, NOW, NOW + 9
    )
    async with open_sqlite_store(store_settings) as store:
        messages = [
            make_message(NOW, seq=1, message_id="m1", destination_addr=DIGITS, body=b"over"),
            make_message(NOW, seq=2, message_id="m2", destination_addr=f"+{DIGITS}", body=b"live"),
            make_message(NOW, seq=3, message_id="m3", destination_addr="447700900124"),
            make_message(NOW, seq=4, message_id="m4", destination_addr=DIGITS, account="bank"),
        ]
        store.write(Changes(new_messages=messages))
        store.write(
            Changes(
                finished=[FinishedMessage(1, MessageState.DELIVERED, 1, "alpha", "c1", 0, NOW)],
                new_deliveries=[owed],
                events=[
                    Event(number, "acme", "message.inbound", NOW, "", orjson.dumps(document))
                    for number, document in enumerate(documents, 1)
                ],
                entities=[EntityUpdate("conversation", DIGITS, orjson.dumps(uses))],
                consents=[ConsentUpdate(suppression)],
            )
        )
        await store.flush()
        found = records_about(config, "acme")
        kinds = [record["kind"] for record in found]
        assert kinds == ["message", "message", "delivery", "event", "suppression", "conversation", "end"]
        assert [record.get("text") for record in found[:3]] == ["over", "live", "STOP"]
        assert found[0]["destination_addr"] == DIGITS
        assert found[-1]["records"] == 6
        of_nobody = list(lines_about(config, DataSubject("447700900999", "")))
        assert of_nobody[:-1] == [b""] * 7
        assert orjson.loads(of_nobody[-1]) == {"kind": "end", "records": 0}
        everything = [record["kind"] for record in records_about(config, "")]
        assert everything.count("message") == 3
        assert everything.count("conversation") == 2
