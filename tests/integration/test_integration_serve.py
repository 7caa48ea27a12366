"""``smsagg serve`` as its users meet it: a real process, a client that nobody here wrote, real sockets, a real disk."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
from integration_processes import (
    PASSWORD,
    PATIENCE_S,
    Esme,
    RawEsme,
    Server,
    journal_of,
    serving,
    simulating,
    smpp_carriers,
)

from smsagg.smpp.pdu import (
    BindTransceiver,
    BindTransceiverResp,
    CancelSm,
    CancelSmResp,
    EnquireLink,
    EnquireLinkResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from smsagg.testing.certificates import Authority, is_possible

GB, VN, UZ = "447700900123", "84901234567", "998901234567"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that leave it as they found it."""
    with serving(tmp_path_factory.mktemp("serve")) as server:
        yield server


def text_of(receipt: object) -> str:
    return receipt.short_message.decode("latin-1")  # type: ignore[attr-defined,no-any-return]


def test_three_countries_three_receipts(server: Server) -> None:
    """Submits to +44, +84 and +998 are accepted, and three receipts name the same ids as delivered."""
    with Esme(server.smpp) as esme:
        numbers = [esme.submit(destination) for destination in (GB, VN, UZ)]
        esme.read_until(lambda: len(esme.receipts) >= 3)
        assert sorted(esme.accepted) == numbers
        ids = set(esme.accepted.values())
        assert len(ids) == 3
        assert {receipt.receipted_message_id.decode() for receipt in esme.receipts} == ids
        assert {receipt.message_state for receipt in esme.receipts} == {smpplib.consts.SMPP_MESSAGE_STATE_DELIVERED}
        assert {receipt.source_addr.decode() for receipt in esme.receipts} == {GB, VN, UZ}
        for receipt in esme.receipts:
            assert text_of(receipt).startswith(f"id:{receipt.receipted_message_id.decode()} sub:001 dlvrd:001 ")
            assert " stat:DELIVRD err:000 text:hello" in text_of(receipt)
        esme.unbind()


def test_a_transmitter_and_a_receiver(server: Server) -> None:
    """What the one submits, the other gets the receipt of."""
    with Esme(server.smpp, "transmitter") as transmitter, Esme(server.smpp, "receiver") as receiver:
        transmitter.submit(GB)
        transmitter.read_until(lambda: len(transmitter.accepted) == 1)
        receiver.read_until(lambda: len(receiver.receipts) == 1)
        (message_id,) = transmitter.accepted.values()
        assert receiver.receipts[0].receipted_message_id.decode() == message_id
        assert transmitter.receipts == []


def test_ucs2_in_parts_and_a_payload(server: Server) -> None:
    """A long text in UCS-2 as smpplib cuts it, and one as message_payload: each submit has its receipt."""
    with Esme(server.smpp) as esme:
        parts, data_coding, esm_class = smpplib.gsm.make_parts("Xin chào các bạn, đây là tin nhắn dài. " * 5)
        assert len(parts) > 1
        for part in parts:
            esme.submit(VN, part, data_coding=data_coding, esm_class=esm_class)
        esme.submit(GB, b"", message_payload=b"p" * 1_000)
        count = len(parts) + 1
        esme.read_until(lambda: len(esme.receipts) == count)
        ids = {receipt.receipted_message_id.decode() for receipt in esme.receipts}
        assert ids == set(esme.accepted.values())


def test_a_scheduled_message_is_queried_and_cancelled(server: Server) -> None:
    """ENROUTE until it is cancelled, then DELETED, with a receipt that says so; another account sees none of it."""
    with Esme(server.smpp) as esme, Esme(server.smpp, system_id="other") as stranger:
        number = esme.submit(GB, schedule_delivery_time="000000010000000R")
        esme.read_until(lambda: number in esme.accepted)
        message_id = esme.accepted[number]
        assert esme.query(message_id).message_state == smpplib.consts.SMPP_MESSAGE_STATE_ENROUTE
        with pytest.raises(smpplib.exceptions.PDUError) as refused:
            stranger.query(message_id)
        assert refused.value.args[1] == smpplib.consts.SMPP_ESME_RINVMSGID
        raw = RawEsme(socket.create_connection(server.smpp))
        bound = raw.ask(BindTransceiver("demo", PASSWORD, sequence_number=1))
        assert isinstance(bound, BindTransceiverResp)
        cancelled = raw.ask(CancelSm("", message_id, 5, 0, "ACME", 1, 1, GB, sequence_number=2))
        assert isinstance(cancelled, CancelSmResp)
        assert cancelled.command_status == 0
        raw.close()
        esme.read_until(lambda: len(esme.receipts) == 1)
        assert " stat:DELETED " in text_of(esme.receipts[0])
        assert esme.query(message_id).message_state == smpplib.consts.SMPP_MESSAGE_STATE_DELETED


@pytest.mark.parametrize(("system_id", "password"), [("demo", "wrong"), ("nobody", PASSWORD)])
def test_wrong_credentials(server: Server, system_id: str, password: str) -> None:
    """smpplib hears ESME_RBINDFAIL either way."""
    with pytest.raises(smpplib.exceptions.PDUError) as refused, Esme(server.smpp, "transceiver", system_id, password):
        pass
    assert refused.value.args[1] == smpplib.consts.SMPP_ESME_RBINDFAIL


def test_an_unknown_destination_is_refused(server: Server) -> None:
    """ESME_RINVDSTADR for a country that no pool serves; the session goes on."""
    with Esme(server.smpp) as esme:
        esme.submit("8613800138000")
        with pytest.raises(smpplib.exceptions.PDUError) as refused:
            esme.read_until(lambda: False)
        assert refused.value.args[1] == smpplib.consts.SMPP_ESME_RINVDSTADR
        number = esme.submit(GB)
        esme.read_until(lambda: number in esme.accepted)


def test_a_silent_client_is_asked_and_kept(server: Server) -> None:
    """smpplib answers our enquire_link, and may submit after several of them."""
    with Esme(server.smpp) as esme:
        before = server.metrics("smsagg_smpp_pdus_total", direction="in", command="enquire_link_resp")
        esme.read_until(
            lambda: server.metrics("smsagg_smpp_pdus_total", direction="in", command="enquire_link_resp") > before + 1
        )
        number = esme.submit(GB)
        esme.read_until(lambda: number in esme.accepted)


def test_health_and_readiness(server: Server) -> None:
    """Both say yes while it serves."""
    assert server.get("/healthz") == (200, "ok\n")
    status, body = server.get("/readyz")
    assert (status, body) == (200, '{"ready":true,"problems":[]}')
    assert server.get("/nothing")[0] == 404


def test_metrics_tell_what_happened(server: Server) -> None:
    """Sessions, PDUs, messages and receipts of a session are counted where an operator looks for them."""

    def count(name: str, **labels: str) -> float:
        return server.metrics(f"smsagg_{name}", **labels)

    watched = {
        "messages_accepted_total": {"account": "demo", "country": "GB"},
        "messages_finished_total": {"account": "demo", "state": "delivered"},
        "carrier_attempts_total": {"carrier": "albion", "outcome": "accepted"},
        "smpp_pdus_total": {"direction": "in", "command": "submit_sm"},
    }
    before = {name: count(name, **labels) for name, labels in watched.items()}
    bound = count("smpp_sessions", account="demo", bind_type="trx")
    with Esme(server.smpp) as esme:
        assert count("smpp_sessions", account="demo", bind_type="trx") == bound + 1
        for _ in range(3):
            esme.submit(GB)
        esme.read_until(lambda: len(esme.accepted) == 3)
        ids = set(esme.accepted.values())
        esme.read_until(lambda: ids <= {receipt.receipted_message_id.decode() for receipt in esme.receipts})
        assert all(count(name, **labels) >= before[name] + 3 for name, labels in watched.items())
        esme.unbind()
    assert count("smpp_sessions_closed_total", reason="peer_unbound") >= 1


def test_the_log_has_no_texts_numbers_or_passwords(server: Server) -> None:
    """Whatever the tests before this one sent."""
    lines = server.log.read_text()
    assert "session_bound" in lines
    for private in ("hello", "Xin ch", PASSWORD, GB, VN, UZ):
        assert private not in lines


def test_sigterm_is_an_orderly_end_and_the_next_start_goes_on(tmp_path: Path) -> None:
    """Clients are unbound, the exit status is 0; what was accepted is there after a restart, receipts too."""
    with simulating(tmp_path, "--receipt-delay", "5ms") as (smsc, _):
        carriers = smpp_carriers(smsc)
        with serving(tmp_path, carriers=carriers) as server:
            with Esme(server.smpp, "transmitter") as esme:
                later = esme.submit(GB, schedule_delivery_time="000000010000000R")
                for _ in range(50):
                    esme.submit(GB)
                esme.read_until(lambda: len(esme.accepted) == 51)
                server.process.signal_end()
                assert "unbind" in esme.read_to_the_end()
                scheduled = esme.accepted.pop(later)
                ids = set(esme.accepted.values())
            assert server.process.wait() == 0
            assert "Traceback" not in server.log.read_text()
        with serving(tmp_path, carriers=carriers) as server, Esme(server.smpp) as esme:
            esme.read_until(lambda: len(esme.receipts) >= 50)
            assert {receipt.receipted_message_id.decode() for receipt in esme.receipts} == ids
            assert esme.query(scheduled).message_state == smpplib.consts.SMPP_MESSAGE_STATE_ENROUTE
            server.process.signal_end()
            esme.read_to_the_end()
            assert server.process.wait() == 0


def test_a_client_that_does_not_answer_keeps_no_carrier_from_its_good_bye(tmp_path: Path) -> None:
    """The stop waits for it until the deadline; the carriers have their unbind long before."""
    session = 'response_timeout = "60s"'
    with simulating(tmp_path, "--receipt-delay", "5ms") as (smsc, _):
        config = {"carriers": smpp_carriers(smsc), "server": 'shutdown_deadline = "1s"', "session": session}
        with serving(tmp_path, **config) as server, Esme(server.smpp):
            assert server.process.terminate() == 0
            assert server.log.read_text().count('"reason":"stopped","event":"association_ended"') == 3


def test_sigterm_under_traffic_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    """Submits keep coming while it stops; every message_id that was given out is reported after the restart."""
    with simulating(tmp_path, "--receipt-delay", "5ms") as (smsc, _):
        carriers = smpp_carriers(smsc)
        with serving(tmp_path, carriers=carriers) as server:
            with Esme(server.smpp, "transmitter") as esme:
                for _ in range(200):
                    esme.submit(GB)
                server.process.signal_end()
                with contextlib.suppress(smpplib.exceptions.ConnectionError):
                    for _ in range(200):
                        esme.submit(GB)
                esme.read_to_the_end()
                ids = set(esme.accepted.values())
            assert server.process.wait() == 0
        assert ids
        with serving(tmp_path, carriers=carriers) as server, Esme(server.smpp) as esme:
            esme.read_until(lambda: ids <= {receipt.receipted_message_id.decode() for receipt in esme.receipts})


def test_a_real_smsc_behind_it(tmp_path: Path) -> None:
    """With carriers that are ``smsagg simulate``: bodies arrive octet by octet, and receipts come back."""
    with simulating(tmp_path, "--latency", "1ms", "--receipt-delay", "5ms", "--id-form", "uuid") as (smsc, journal):
        carriers = smpp_carriers(smsc, albion="links = 2\nwindow = 5", hanoi='bind = "pair"')
        with serving(tmp_path, carriers=carriers) as server, Esme(server.smpp) as esme:
            body = bytes(range(1, 255))
            for destination in (GB, VN, UZ) * 10:
                esme.submit(destination, body, data_coding=4)
            esme.read_until(lambda: len(esme.receipts) == 30)
            ids = {receipt.receipted_message_id.decode() for receipt in esme.receipts}
            assert ids == set(esme.accepted.values())
    submits = [event for event in journal_of(journal) if event["event"] == "submit"]
    carriers_of = {(event["destination"], event["system_id"]) for event in submits}
    assert carriers_of == {(GB, "albion"), (VN, "hanoi"), (UZ, "tashkent")}
    assert {event["text"] for event in submits} == {body.decode("latin-1")}
    assert len(submits) == 30


def test_without_a_carrier_it_is_not_ready(tmp_path: Path) -> None:
    """/readyz says why; what is submitted waits."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]
    carriers = smpp_carriers(f"127.0.0.1:{closed}")
    with serving(tmp_path, carriers=carriers) as server:
        status, body = server.get("/readyz")
        assert status == 503
        assert "no carrier is bound" in body
        with Esme(server.smpp) as esme:
            number = esme.submit(GB)
            esme.read_until(lambda: number in esme.accepted)
            assert server.metrics("smsagg_queue_account_messages", account="demo") == 1
        assert server.process.terminate() == 0


@pytest.mark.skipif(not is_possible(), reason="the openssl command makes the certificates")
def test_the_same_over_tls(tmp_path: Path) -> None:
    """The second port speaks TLS, to clients that check its certificate."""
    authority = Authority(tmp_path)
    certificate = authority.issue("gateway.example")
    tls = (
        f'tls = {{ smpp_listen = "127.0.0.1:0", certificate_file = "{certificate.certificate_file}", '
        f'key_file = "{certificate.key_file}" }}'
    )
    with serving(tmp_path, server=tls) as server:
        assert server.smpp_tls is not None
        context = ssl.create_default_context(cafile=authority.certificate_file)
        plain = socket.create_connection(server.smpp_tls)
        esme = RawEsme(context.wrap_socket(plain, server_hostname="gateway.example"))
        assert isinstance(esme.ask(BindTransceiver("demo", PASSWORD, sequence_number=1)), BindTransceiverResp)
        response = esme.ask(SubmitSm(destination_addr=GB, dest_addr_ton=1, short_message=b"x", sequence_number=2))
        assert isinstance(response, SubmitSmResp)
        assert response.command_status == 0
        assert isinstance(esme.ask(Unbind(sequence_number=3)), UnbindResp)
        esme.close()
        scanner = RawEsme(socket.create_connection(server.smpp_tls))
        with pytest.raises((EOFError, ConnectionError)):
            scanner.ask(BindTransceiver("demo", PASSWORD, sequence_number=1))
        scanner.close()
        assert server.get("/healthz")[0] == 200
        assert server.process.terminate() == 0


@pytest.mark.skipif(not is_possible(), reason="the openssl command makes the certificates")
def test_sighup_renews_the_certificate_and_ends_nothing(tmp_path: Path) -> None:
    """A session of before goes on; the next one sees the new certificate."""
    authority = Authority(tmp_path)
    certificate = authority.issue("gateway.example")
    tls = (
        f'tls = {{ smpp_listen = "127.0.0.1:0", certificate_file = "{certificate.certificate_file}", '
        f'key_file = "{certificate.key_file}" }}'
    )
    context = ssl.create_default_context(cafile=authority.certificate_file)

    def connect(server: Server) -> ssl.SSLSocket:
        assert server.smpp_tls is not None
        return context.wrap_socket(socket.create_connection(server.smpp_tls), server_hostname="gateway.example")

    with serving(tmp_path, server=tls) as server:
        first = connect(server)
        esme = RawEsme(first)
        assert isinstance(esme.ask(BindTransceiver("demo", PASSWORD, sequence_number=1)), BindTransceiverResp)
        renewed = authority.issue("gateway.example")
        assert renewed == certificate
        server.process.signal_reload()
        deadline = time.monotonic() + PATIENCE_S
        while b"tls_files_loaded" not in server.log.read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        second = connect(server)
        assert second.getpeercert() != first.getpeercert()
        second.close()
        assert isinstance(esme.ask(EnquireLink(sequence_number=2)), EnquireLinkResp)
        esme.close()
        assert server.process.terminate() == 0
