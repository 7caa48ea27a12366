"""The SMPP carrier on real sockets: a port that is closed, a reset, and TLS with certificates good and bad."""

import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
import trio.testing
from carrier_recorder import RecordingEvents, make_message
from smpp_carrier_bench import Smsc

from smsagg.carriers.smpp.carrier import SmppCarrier
from smsagg.carriers.smpp.dial import dial
from smsagg.carriers.smpp.settings import SmppSettings, TlsSettings
from smsagg.clock import SystemClock
from smsagg.errors import CarrierError
from smsagg.model import Accepted, InDoubt, NotSent
from smsagg.smpp.pdu import SubmitSm, Unbind, UnbindResp
from smsagg.testing.certificates import Authority, Certificate, is_possible, lock, self_signed

HOST = "smsc.example"
needs_openssl = pytest.mark.skipif(not is_possible(), reason="the openssl command makes the certificates")


@pytest.fixture
def events() -> RecordingEvents:
    return RecordingEvents()


@asynccontextmanager
async def carrier_to(address: str, events: RecordingEvents, **settings: Any) -> AsyncIterator[SmppCarrier]:
    values: dict[str, Any] = {
        "address": address,
        "system_id": "acme",
        "password": "s3cret",
        "window": 20,
        "reconnect_first": 0.01,
        "reconnect_max": 0.05,
    }
    carrier = SmppCarrier("acme", SmppSettings(**(values | settings)), events, SystemClock(), Random(1))
    async with trio.open_nursery() as nursery:
        await nursery.start(carrier.run)
        with trio.fail_after(20):
            yield carrier
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[str, trio.SocketListener]]:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        host, port = listener.socket.getsockname()
        yield f"{host}:{port}", listener


async def test_why_there_is_no_connection_is_told() -> None:
    """In the system's words, with the address."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(CarrierError) as caught:
            await dial(SmppSettings(address=address, system_id="acme"))
    assert str(caught.value) == f"connect: {address}: Connection refused"


async def test_a_closed_port_is_tried_until_it_opens(events: RecordingEvents) -> None:
    """Refused connections are nothing but a pause; the first that is taken is bound."""
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    sock.close()
    async with carrier_to(f"127.0.0.1:{port}", events) as carrier:
        assert carrier.links[0].capacity(trio.current_time()) == 0
        (listener,) = await trio.open_tcp_listeners(port, host="127.0.0.1")
        async with listener:
            smsc = Smsc(await listener.accept())
            await smsc.take_bind()
            await events.wait_until(lambda: carrier.links[0].is_bound)


async def test_a_reset_with_a_full_window(events: RecordingEvents) -> None:
    """Every attempt that was written is in doubt, each once; the next connection starts with an empty window."""
    async with listening() as (address, listener), carrier_to(address, events) as carrier:
        link = carrier.links[0]
        stream = await listener.accept()
        smsc = Smsc(stream)
        await smsc.take_bind()
        await events.wait_until(lambda: link.is_bound)
        messages = [make_message(seq) for seq in range(1, 26)]
        link.send(messages)
        await smsc.receive_many(SubmitSm, 20)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await trio.aclose_forcefully(stream)
        await events.wait_until(lambda: len(events.outcomes) == 25)
        by_kind = {kind: [o.message for o in events.outcomes if type(o) is kind] for kind in (NotSent, InDoubt)}
        assert by_kind == {NotSent: messages[20:], InDoubt: messages[:20]}
        again = Smsc(await listener.accept())
        await again.take_bind()
        await events.wait_until(lambda: link.capacity(trio.current_time()) == 20)


class TlsSmsc:
    """Takes connections as a TLS server with ``certificate``."""

    def __init__(self, listener: trio.SocketListener, certificate: Certificate, client_authority: str = "") -> None:
        self._listener = listener
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        if client_authority:
            self._context.load_verify_locations(client_authority)
            self._context.verify_mode = ssl.CERT_REQUIRED

    def allow_only(self, version: ssl.TLSVersion) -> None:
        self._context.set_ciphers("ALL:@SECLEVEL=0")
        self._context.minimum_version = self._context.maximum_version = version

    async def accept(self) -> Smsc:
        return Smsc(trio.SSLStream(await self._listener.accept(), self._context, server_side=True))

    async def octets_before_the_end(self) -> bytes:
        """Everything that a client sends on one connection that it refuses to use."""
        smsc = await self.accept()
        octets = b""
        try:
            while received := await smsc.stream.receive_some():
                octets += received
        except trio.BrokenResourceError:
            pass
        await trio.aclose_forcefully(smsc.stream)
        return octets


@needs_openssl
async def test_tls_carries_the_whole_conversation(events: RecordingEvents, tmp_path: Path) -> None:
    """Bind, submit, drain: with a certificate of the configured authority for the configured name."""
    authority = Authority(tmp_path)
    tls = TlsSettings(ca_file=authority.certificate_file, server_name=HOST)
    async with listening() as (address, listener), carrier_to(address, events, tls=tls) as carrier:
        smsc = await TlsSmsc(listener, authority.issue(HOST)).accept()
        assert (await smsc.take_bind()).password == "s3cret"
        await events.wait_until(lambda: carrier.links[0].is_bound)
        message = make_message(1)
        carrier.links[0].send([message])
        await smsc.accept(await smsc.receive(SubmitSm), "id-1")
        await events.wait_until(lambda: bool(events.outcomes))
        assert events.outcomes == [Accepted(message, "id-1")]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(carrier.drain)
            unbind = await smsc.receive(Unbind)
            await smsc.send(UnbindResp(sequence_number=unbind.sequence_number))
        assert smsc.stream.version() in ("TLSv1.2", "TLSv1.3")


@needs_openssl
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    "fault", ["expired", "another host", "unknown authority", "self-signed", "the system's authorities", "TLS 1.1"]
)
async def test_a_bad_certificate_never_sees_the_password(events: RecordingEvents, tmp_path: Path, fault: str) -> None:
    """The handshake fails, not one octet of the bind is sent, and it is tried again later."""
    authority = Authority(tmp_path)
    issuer = Authority(tmp_path, "stranger") if fault == "unknown authority" else authority
    certificate = issuer.issue(
        "other.example" if fault == "another host" else HOST, days=-1 if fault == "expired" else 2
    )
    if fault == "self-signed":
        certificate = self_signed(tmp_path, HOST)
    ca_file = "" if fault == "the system's authorities" else authority.certificate_file
    tls = TlsSettings(ca_file=ca_file, server_name=HOST)
    async with listening() as (address, listener), carrier_to(address, events, tls=tls) as carrier:
        smsc = TlsSmsc(listener, certificate)
        if fault == "TLS 1.1":
            smsc.allow_only(ssl.TLSVersion.TLSv1_1)
        for _ in range(3):
            assert await smsc.octets_before_the_end() == b""
        assert not carrier.links[0].is_bound
        assert events.outcomes == []


@needs_openssl
async def test_a_plain_server_never_sees_the_password(events: RecordingEvents, tmp_path: Path) -> None:
    """With TLS configured there is no falling back."""
    tls = TlsSettings(ca_file=Authority(tmp_path).certificate_file, server_name=HOST)
    async with listening() as (address, listener), carrier_to(address, events, tls=tls, connect_timeout=0.2):
        stream = await listener.accept()
        octets = b""
        while received := await stream.receive_some():
            octets += received
        assert octets.startswith(b"\x16\x03")
        assert b"s3cret" not in octets


@needs_openssl
async def test_our_own_certificate_is_shown(events: RecordingEvents, tmp_path: Path) -> None:
    """To a carrier that asks for one."""
    authority, ours = Authority(tmp_path), Authority(tmp_path, "ours")
    own = ours.issue("gateway.example")
    tls = TlsSettings(authority.certificate_file, own.certificate_file, own.key_file, HOST)
    async with listening() as (address, listener), carrier_to(address, events, tls=tls) as carrier:
        smsc = await TlsSmsc(listener, authority.issue(HOST), ours.certificate_file).accept()
        await smsc.take_bind()
        await events.wait_until(lambda: carrier.links[0].is_bound)


async def test_an_authority_that_cannot_be_read_is_no_crash(events: RecordingEvents, tmp_path: Path) -> None:
    """A file that went missing is a failed connection, tried again."""
    tls = TlsSettings(ca_file=str(tmp_path / "missing.pem"))
    async with listening() as (address, listener), carrier_to(address, events, tls=tls):
        for _ in range(3):
            stream = await listener.accept()
            assert await stream.receive_some() == b""


@needs_openssl
async def test_renewed_files_are_read_at_the_next_connection(events: RecordingEvents, tmp_path: Path) -> None:
    """Our certificate and the carrier's authority both; nobody restarts for them."""
    authority, ours = Authority(tmp_path), Authority(tmp_path, "ours")
    own = ours.issue("gateway.example")
    tls = TlsSettings(authority.certificate_file, own.certificate_file, own.key_file, HOST)
    async with listening() as (address, listener), carrier_to(address, events, tls=tls):
        first = await TlsSmsc(listener, authority.issue(HOST), ours.certificate_file).accept()
        await first.take_bind()
        before = first.stream.getpeercert()["serialNumber"]
        assert ours.issue("gateway.example") == own
        renewed = Authority(tmp_path)
        assert renewed.certificate_file == authority.certificate_file
        await trio.aclose_forcefully(first.stream)
        second = await TlsSmsc(listener, renewed.issue(HOST), ours.certificate_file).accept()
        await second.take_bind()
        assert second.stream.getpeercert()["serialNumber"] != before


@needs_openssl
async def test_a_key_that_asks_for_a_password_stops_nothing(events: RecordingEvents, tmp_path: Path) -> None:
    """Nobody is at the terminal: it is a failed connection, tried again."""
    authority, ours = Authority(tmp_path), Authority(tmp_path, "ours")
    own = ours.issue("gateway.example")
    lock(own.key_file)
    tls = TlsSettings(authority.certificate_file, own.certificate_file, own.key_file, HOST)
    async with listening() as (address, listener), carrier_to(address, events, tls=tls):
        for _ in range(3):
            stream = await listener.accept()
            assert await stream.receive_some() == b""
