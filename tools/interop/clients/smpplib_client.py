"""smpplib as an ESME, as its own documentation uses it; the plan is the first argument (see ``plan.py``)."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
import smpplib.smpp

UCS2 = smpplib.consts.SMPP_ENCODING_ISO10646
FROM = {"source_addr_ton": 5, "source_addr_npi": 0, "source_addr": "ACME"}


class Client:
    """A bound client, and what it heard."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.answers: dict[int, Any] = {}
        self.receipts: dict[str, Any] = {}
        self.mos: list[Any] = []
        self._client = smpplib.client.Client(plan["host"], plan["port"], timeout=0.2, allow_unknown_opt_params=True)
        self._client.set_message_received_handler(self._received)
        for setter in (self._client.set_message_sent_handler, self._client.set_query_resp_handler):
            setter(lambda pdu: self.answers.__setitem__(pdu.sequence, pdu))
        self._client.set_error_pdu_handler(lambda pdu: self.answers.__setitem__(pdu.sequence, pdu))

    def bind(self, kind: str, password: str | None = None) -> None:
        self._client.connect()
        self._client._socket.settimeout(self.plan["patience_s"])
        bind = getattr(self._client, f"bind_{kind}")
        bind(system_id=self.plan["system_id"], password=password or self.plan["password"])
        self._client._socket.settimeout(0.2)

    def unbind(self) -> None:
        self._client._socket.settimeout(self.plan["patience_s"])
        self._client.unbind()
        self._client.disconnect()

    def _received(self, pdu: Any) -> None:
        if pdu.esm_class & 0x3C:
            self.receipts[pdu.receipted_message_id.rstrip(b"\0").decode()] = pdu
        else:
            self.mos.append(pdu)

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + self.plan["patience_s"]
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {what} in time")
            try:
                self._client.read_once(auto_send_enquire_link=False)
            except TimeoutError:
                continue

    def submit(self, destination_addr: str, short_message: bytes, **fields: Any) -> str:
        values = FROM | {"dest_addr_ton": 1, "dest_addr_npi": 1, "registered_delivery": 1} | fields
        sent = self._client.send_message(destination_addr=destination_addr, short_message=short_message, **values)
        self.until(lambda: sent.sequence in self.answers, "submit_sm_resp")
        answer = self.answers[sent.sequence]
        assert not answer.is_error(), f"0x{answer.status:x}"
        return answer.message_id.decode()  # type: ignore[no-any-return]

    def send(self, destination_addr: str, short_message: bytes, **fields: Any) -> str:
        """Submit, and wait for the receipt."""
        message_id = self.submit(destination_addr, short_message, **fields)
        self.until(lambda: message_id in self.receipts, "receipt")
        return message_id

    def ask(self, command: str, **fields: Any) -> Any:
        pdu = smpplib.smpp.make_pdu(command, client=self._client, **fields)
        self._client.send_pdu(pdu)
        self.until(lambda: pdu.sequence in self.answers, f"{command}_resp")
        return self.answers[pdu.sequence]

    def enquire_link(self) -> None:
        pdu = smpplib.smpp.make_pdu("enquire_link", client=self._client)
        self._client.send_pdu(pdu)
        self._client._socket.settimeout(self.plan["patience_s"])
        answer = self._client.read_pdu()
        self._client._socket.settimeout(0.2)
        assert answer.command == "enquire_link_resp", answer.command
        assert answer.sequence == pdu.sequence


def bind_and_unbind(plan: dict[str, Any], kind: str) -> None:
    client = Client(plan)
    client.bind(kind)
    client.unbind()


def wrong_password(plan: dict[str, Any]) -> str:
    client = Client(plan)
    try:
        client.bind("transceiver", "wrong")
    except smpplib.exceptions.PDUError as error:
        return str(error)
    raise AssertionError("bound")


def long_udh(client: Client) -> int:
    parts, coding, esm_class = smpplib.gsm.make_parts(client.plan["texts"]["long"], encoding=UCS2)
    for part in parts:
        client.submit(client.plan["to"]["long_udh"], part, data_coding=coding, esm_class=esm_class)
    return len(parts)


def long_sar(client: Client) -> int:
    octets = client.plan["texts"]["long"].encode("utf-16-be")
    parts = [octets[at : at + 134] for at in range(0, len(octets), 134)]
    for number, part in enumerate(parts, 1):
        client.submit(
            client.plan["to"]["long_sar"],
            part,
            data_coding=UCS2,
            sar_msg_ref_num=78,
            sar_total_segments=len(parts),
            sar_segment_seqnum=number,
        )
    return len(parts)


def long_payload(client: Client) -> str:
    octets = client.plan["texts"]["long"].encode("utf-16-be")
    return client.send(client.plan["to"]["long_payload"], b"", data_coding=UCS2, message_payload=octets)


def receipt(client: Client) -> str:
    message_id = client.send(client.plan["to"]["receipt"], client.plan["texts"]["plain"].encode())
    pdu = client.receipts[message_id]
    text = pdu.short_message.decode()
    assert text.startswith(f"id:{message_id} "), text
    assert "stat:DELIVRD" in text, text
    assert pdu.message_state == 2
    return message_id


def mo(client: Client) -> None:
    plan = client.plan
    client.submit(plan["to"]["mo"], f"MO {plan['short_code']}".encode())
    client.until(lambda: client.mos, "MO")
    pdu = client.mos[0]
    assert pdu.source_addr.decode() == plan["to"]["mo"], pdu.source_addr
    assert pdu.short_message.decode("utf-16-be") == plan["texts"]["mo"]


def query(client: Client, message_id: str) -> None:
    answer = client.ask("query_sm", message_id=message_id, **FROM)
    assert answer.message_state == 2, answer.message_state


def main(plan: dict[str, Any]) -> None:
    def check(name: str, work: Callable[[], object]) -> Any:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  (whatever a client makes of our answers is the check's result)
            print(json.dumps({"check": name, "ok": False, "detail": f"{type(error).__name__} {error}"}), flush=True)
            return None
        print(json.dumps({"check": name, "ok": True, "detail": str(result or "")}), flush=True)
        return result

    for kind in ("transmitter", "receiver", "transceiver"):
        check(f"bind_{kind}", lambda kind=kind: bind_and_unbind(plan, kind))  # type: ignore[misc]
    check("wrong_password", lambda: wrong_password(plan))
    client = Client(plan)
    client.bind("transceiver")
    to, texts = plan["to"], plan["texts"]
    check("enquire_link", client.enquire_link)
    check("plain", lambda: client.send(to["plain"], texts["plain"].encode()))
    for kind in ("vietnamese", "chinese", "emoji"):
        octets = texts[kind].encode("utf-16-be")
        check(kind, lambda kind=kind, octets=octets: client.send(to[kind], octets, data_coding=UCS2))  # type: ignore[misc]
    check("long_udh", lambda: long_udh(client))
    check("long_sar", lambda: long_sar(client))
    check("long_payload", lambda: long_payload(client))
    message_id = check("receipt", lambda: receipt(client))
    check("query", lambda: query(client, message_id or ""))
    for name in ("data_sm", "submit_multi", "cancel", "replace"):
        print(json.dumps({"check": name, "ok": None, "detail": "smpplib's client has no call for it"}), flush=True)
    if plan["short_code"]:
        check("mo", lambda: mo(client))
    else:
        print(json.dumps({"check": "mo", "ok": None, "detail": "this carrier has no handsets"}), flush=True)
    check("unbind", client.unbind)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
