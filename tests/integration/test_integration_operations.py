"""The rarer operations against a real process: a real disk beneath, a restart in between, a socket that waits."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from integration_processes import PASSWORD, PATIENCE_S, Esme, RawEsme, Server, make_config, serving

from smsagg.smpp import pdu as p
from smsagg.smpp.pdu import Pdu
from smsagg.smpp.tlv import Tag

GB, VN, UZ = "447700900123", "84901234567", "998901234567"
LATER = "000000010000000R"
P = TypeVar("P", bound=Pdu)


class Client(RawEsme):
    """Bound as a transmitter, so that only its answers come."""

    def __init__(self, server: Server, version: int = 0x34) -> None:
        super().__init__(socket.create_connection(server.smpp))
        self._number = 0
        self.request(p.BindTransmitter("demo", PASSWORD, interface_version=version), p.BindTransmitterResp)

    def request(self, pdu: Pdu, kind: type[P]) -> P:
        """Ask; the answer, which says ESME_ROK."""
        self._number += 1
        pdu.sequence_number = self._number
        answer = self.ask(pdu)
        assert isinstance(answer, kind), answer
        assert not getattr(answer, "command_status", 0), answer
        return answer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("operations")) as server:
        yield server


def submit_sm(text: bytes = b"hello", destination: str = GB, **fields: object) -> p.SubmitSm:
    values: dict[str, object] = {"source_addr": "ACME", "destination_addr": destination, "short_message": text}
    return p.SubmitSm(**(values | {"registered_delivery": 1} | fields))  # type: ignore[arg-type]


def texts_of(esme: Esme) -> dict[str, str]:
    """What each receipt says about its destination."""
    return {r.source_addr.decode(): r.short_message.decode() for r in esme.receipts}


def test_one_text_to_three_countries(server: Server) -> None:
    """One id, three receipts under it; what cannot go is named."""
    with Esme(server.smpp, "receiver") as esme, contextlib.closing(Client(server)) as client:
        addresses = tuple(p.SmeAddress(1, 1, number) for number in (GB, VN, UZ, "4912345678"))
        pdu = p.SubmitMulti("", 5, 0, "ACME", addresses, registered_delivery=1, short_message=b"hi")
        response = client.request(pdu, p.SubmitMultiResp)
        assert [sme.destination_addr for sme in response.unsuccess_smes] == ["4912345678"]
        esme.read_until(lambda: len(esme.receipts) == 3)
        assert set(texts_of(esme)) == {GB, VN, UZ}
        assert all(text.startswith(f"id:{response.message_id} ") for text in texts_of(esme).values())
        told = client.request(p.QuerySm(response.message_id, source_addr="ACME"), p.QuerySmResp)
        assert (told.message_id, told.message_state) == (response.message_id, 2)


def test_a_data_sm_is_delivered(server: Server) -> None:
    """Its payload is the text that the receipt quotes."""
    with Esme(server.smpp, "receiver") as esme, contextlib.closing(Client(server)) as client:
        pdu = p.DataSm("", 5, 0, "ACME", 1, 1, VN, 0, 1, 0, tlvs=((int(Tag.MESSAGE_PAYLOAD), b"by data"),))
        message_id = client.request(pdu, p.DataSmResp).message_id
        esme.read_until(lambda: len(esme.receipts) == 1)
        assert texts_of(esme)[VN].startswith(f"id:{message_id} ")
        assert texts_of(esme)[VN].endswith("text:by data")


def test_an_old_peer_is_told_by_a_short_id(server: Server) -> None:
    """The id of its response is that of the receipt, and good for a query."""
    with Esme(server.smpp, "receiver") as esme, contextlib.closing(Client(server, 0x33)) as client:
        message_id = client.request(submit_sm(), p.SubmitSmResp).message_id
        assert len(message_id) == 8
        esme.read_until(lambda: len(esme.receipts) == 1)
        assert texts_of(esme)[GB].startswith(f"id:{message_id} ")
        assert client.request(p.QuerySm(message_id), p.QuerySmResp).message_state == 2


def test_what_was_changed_survives_a_restart(tmp_path: Path) -> None:
    """Replaced, replaced by a submit, cancelled by addresses; the next life sends what is left, with its last text."""
    with serving(tmp_path) as server, contextlib.closing(Client(server)) as client:
        soon = {"schedule_delivery_time": "000000000004000R"}
        replaced = client.request(submit_sm(b"old", GB, **soon), p.SubmitSmResp).message_id
        client.request(
            p.ReplaceSm(replaced, 5, 0, "ACME", registered_delivery=1, short_message=b"new"), p.ReplaceSmResp
        )
        client.request(submit_sm(b"one", VN, **soon), p.SubmitSmResp)
        last = submit_sm(b"two", VN, replace_if_present_flag=1, **soon)
        last_id = client.request(last, p.SubmitSmResp).message_id
        for _ in range(3):
            client.request(submit_sm(b"never", UZ, **soon), p.SubmitSmResp)
        client.request(p.CancelSm(source_addr="ACME", destination_addr=UZ), p.CancelSmResp)
        server.process.close()  # kill -9
    with serving(tmp_path) as server, Esme(server.smpp, "receiver") as esme:
        esme.read_until(lambda: len(esme.receipts) == 1 + 3 + 2)
        told = sorted(receipt.short_message.decode() for receipt in esme.receipts)
        assert sum(" stat:DELETED " in text for text in told) == 4
        delivered = [text for text in told if " stat:DELIVRD " in text]
        assert any(text.startswith(f"id:{replaced} ") and text.endswith("text:new") for text in delivered)
        assert any(text.startswith(f"id:{last_id} ") and text.endswith("text:two") for text in delivered)


def test_a_waiting_esme_is_called(tmp_path: Path) -> None:
    """It hears outbind on the socket where it waits, binds there, and gets the receipt that nobody took."""
    with socket.create_server(("127.0.0.1", 0)) as waiting:
        waiting.settimeout(PATIENCE_S)
        address = "{}:{}".format(*waiting.getsockname())
        outbind = f'[accounts.demo.outbind]\naddress = "{address}"\npassword = "called"\n'
        simulated = make_config(tmp_path).partition("[carriers.albion]")
        with serving(tmp_path, carriers=outbind + simulated[1] + simulated[2]) as server:
            with contextlib.closing(Client(server)) as client:
                message_id = client.request(submit_sm(), p.SubmitSmResp).message_id
            connection, _ = waiting.accept()
            called = RawEsme(connection)
            outbound = called.ask(p.EnquireLink(sequence_number=1))
            assert isinstance(outbound, p.Outbind)
            assert (outbound.system_id, outbound.password) == ("smsagg", "called")
            assert isinstance(called.ask(p.BindReceiver("demo", PASSWORD, sequence_number=2)), p.EnquireLinkResp)
            assert isinstance(called.ask(p.EnquireLink(sequence_number=3)), p.BindReceiverResp)
            while not isinstance(receipt := called.ask(p.EnquireLink(sequence_number=4)), p.DeliverSm):
                pass
            assert receipt.short_message.startswith(f"id:{message_id} ".encode())
            called.close()
