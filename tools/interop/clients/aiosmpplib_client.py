"""aiosmpplib as an ESME, as its own documentation uses it; the plan is the first argument (see ``plan.py``)."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from aiosmpplib import (
    ESME,
    TON,
    AbstractHook,
    BindMode,
    DeliverSm,
    EnquireLinkResp,
    OptionalParam,
    PhoneNumber,
    SubmitSm,
)
from aiosmpplib.state import (
    NPI,
    RECEIPTED_MESSAGE_ID,
    SAR_MSG_REF_NUM,
    SAR_SEGMENT_SEQNUM,
    SAR_TOTAL_SEGMENTS,
    SmppSessionState,
)

MODES = {
    "bind_transmitter": BindMode.TRANSMITTER,
    "bind_receiver": BindMode.RECEIVER,
    "bind_transceiver": BindMode.TRANSCEIVER,
}


class Hook(AbstractHook):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.received_messages: list[Any] = []
        self.octets: list[bytes] = []
        self.errors: list[Exception] = []

    async def sending(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        """Of no interest."""

    async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        self.received_messages.append(smpp_message)
        self.octets.append(pdu)

    async def send_error(self, smpp_message: Any, error: Exception, client_id: str) -> None:
        self.errors.append(error)

    def of(self, kind: type) -> list[Any]:
        return [message for message in self.received_messages if isinstance(message, kind)]

    def octets_of_submit_sm_resp(self) -> list[bytes]:
        """Those for parts, too, for which the hook is given no message."""
        return [octets for octets in self.octets if octets[4:8] == b"\x80\x00\x00\x04"]


class Client:
    """An ESME that runs, and what it heard."""

    def __init__(self, plan: dict[str, Any], mode: BindMode, password: str | None = None) -> None:
        self.plan = plan
        self.hook = Hook()
        self.esme = ESME(
            plan["host"],
            plan["port"],
            plan["system_id"],
            password or plan["password"],
            bind_mode=mode,
            enquire_link_interval=0.5,
            hook=self.hook,
            log_level="CRITICAL",
        )
        self._bound_state = mode.session_state
        self._task: asyncio.Task[None] | None = None

    async def bind(self) -> None:
        self._task = asyncio.create_task(self.esme.start())
        await self.until(lambda: self.esme.session_state == self._bound_state, "bind_resp")

    async def unbind(self) -> None:
        """The package sends its unbind and does not wait for the answer; how the session ended, the server knows."""
        await self.esme.stop()
        assert self._task is not None
        await asyncio.wait_for(self._task, self.plan["patience_s"])

    async def until(self, condition: Callable[[], object], what: str) -> None:
        async with asyncio.timeout(self.plan["patience_s"]):
            try:
                while not condition():  # noqa: ASYNC110  (its hook calls us from tasks of its own)
                    await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                raise TimeoutError(f"no {what} in time; {self.hook.errors}") from None

    async def submit(self, number: str, text: str, responses: int = 1, **fields: Any) -> str:
        """The last response's message_id."""
        have = len(self.hook.octets_of_submit_sm_resp())
        await self.esme.broker.enqueue(
            SubmitSm(
                short_message=text,
                source=PhoneNumber("ACME", TON.ALPHANUMERIC),
                destination=PhoneNumber(number, TON.INTERNATIONAL, NPI.ISDN),
                log_id=f"{number}-{have}",
                **fields,
            )
        )
        await self.until(lambda: len(self.hook.octets_of_submit_sm_resp()) >= have + responses, "submit_sm_resp")
        octets = self.hook.octets_of_submit_sm_resp()[-1]
        assert octets[8:12] == bytes(4), f"0x{octets[8:12].hex()}"
        return octets[16:-1].decode()

    async def send(self, number: str, text: str, **fields: Any) -> str:
        """Submit, and wait for the receipt."""
        message_id = await self.submit(number, text, **fields)
        await self.until(lambda: self.receipt_of(message_id), "receipt")
        return message_id

    def receipt_of(self, message_id: str) -> Any:
        for message in self.hook.of(DeliverSm):
            if message.is_receipt() and message.parse_receipt().get("id") == message_id:
                return message
        return None


async def bind_and_unbind(plan: dict[str, Any], mode: BindMode) -> None:
    client = Client(plan, mode)
    await client.bind()
    await client.unbind()


async def wrong_password(plan: dict[str, Any]) -> str:
    client = Client(plan, BindMode.TRANSCEIVER, "wrong")
    task = asyncio.create_task(client.esme.start())
    await client.until(lambda: client.hook.octets, "bind_transceiver_resp")
    task.cancel()
    await asyncio.wait([task])
    status = client.hook.octets[0][8:12].hex()
    assert int(status, 16), "bound"
    assert client.esme.session_state == SmppSessionState.CLOSED
    return f"0x{status}"


async def long_sar(client: Client) -> int:
    text = client.plan["texts"]["long"]
    parts = [text[at : at + 60] for at in range(0, len(text), 60)]
    for number, part in enumerate(parts, 1):
        tlvs = [
            OptionalParam(SAR_MSG_REF_NUM, 78),
            OptionalParam(SAR_TOTAL_SEGMENTS, len(parts)),
            OptionalParam(SAR_SEGMENT_SEQNUM, number),
        ]
        await client.submit(client.plan["to"]["long_sar"], part, encoding="ucs2", optional_params=tlvs)
    return len(parts)


async def receipt(client: Client) -> str:
    message_id = await client.send(client.plan["to"]["receipt"], client.plan["texts"]["plain"])
    message = client.receipt_of(message_id)
    assert message.parse_receipt()["stat"] == "DELIVRD", message.parse_receipt()
    tlvs = {tlv.tag: tlv.value for tlv in message.optional_params}
    assert tlvs[RECEIPTED_MESSAGE_ID] == message_id, tlvs
    return message_id


async def mo(client: Client) -> None:
    plan = client.plan
    await client.submit(plan["to"]["mo"], f"MO {plan['short_code']}")
    await client.until(lambda: [m for m in client.hook.of(DeliverSm) if not m.is_receipt()], "MO")
    message = next(m for m in client.hook.of(DeliverSm) if not m.is_receipt())
    assert message.source.number == plan["to"]["mo"], message.source
    assert message.short_message == plan["texts"]["mo"], message.short_message


async def main(plan: dict[str, Any]) -> None:
    async def check(name: str, work: Callable[[], Awaitable[object]]) -> None:
        try:
            result = await work()
        except Exception as error:  # noqa: BLE001  (whatever a client makes of our answers is the check's result)
            print(json.dumps({"check": name, "ok": False, "detail": f"{type(error).__name__} {error}"}), flush=True)
            return
        print(json.dumps({"check": name, "ok": True, "detail": str(result or "")}), flush=True)

    for name, mode in MODES.items():
        await check(name, lambda mode=mode: bind_and_unbind(plan, mode))  # type: ignore[misc]
    await check("wrong_password", lambda: wrong_password(plan))
    client = Client(plan, BindMode.TRANSCEIVER)
    await client.bind()
    to, texts = plan["to"], plan["texts"]
    await check("enquire_link", lambda: client.until(lambda: client.hook.of(EnquireLinkResp), "enquire_link_resp"))
    for kind in ("plain", "vietnamese", "chinese", "emoji"):
        await check(kind, lambda kind=kind: client.send(to[kind], texts[kind]))  # type: ignore[misc]
    await check(
        "long_udh",
        lambda: client.submit(to["long_udh"], texts["long"], responses=6, esm_class=0x40, auto_message_payload=False),
    )
    await check("long_sar", lambda: long_sar(client))
    await check("long_payload", lambda: client.send(to["long_payload"], texts["long"]))
    await check("receipt", lambda: receipt(client))
    for name in ("data_sm", "submit_multi", "query", "cancel", "replace"):
        print(json.dumps({"check": name, "ok": None, "detail": "aiosmpplib has no command for it"}), flush=True)
    if plan["short_code"]:
        await check("mo", lambda: mo(client))
    else:
        print(json.dumps({"check": "mo", "ok": None, "detail": "this carrier has no handsets"}), flush=True)
    await check("unbind", client.unbind)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
