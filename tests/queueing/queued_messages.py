"""Messages for the tests of queues: only what a queue looks at differs."""

from smsagg.model import Message


def message(seq: int, account: str = "acme", priority: int = 0, accepted_at: int = 0) -> Message:
    return Message(
        seq=seq,
        message_id=f"{seq:08x}0badcafe",
        account=account,
        message_class="default",
        service_type="",
        source_addr_ton=0,
        source_addr_npi=0,
        source_addr="",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="447400123456",
        esm_class=0,
        protocol_id=0,
        priority=priority,
        registered_delivery=0,
        data_coding=0,
        sm_default_msg_id=0,
        body=b"hello",
        in_payload=False,
        tlvs=b"",
        country="GB",
        pool="gb",
        accepted_at=accepted_at or seq,
        not_before=seq,
        expires_at=seq + 1000,
    )
