"""TLS at the front door: versions, clients' certificates, and files that are renewed while sessions live."""

import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
import trio
from esme_bench import Client
from esme_port import Door, listening, until
from esme_tls_files import HOST, Files, client_context

from smsagg.config.schema import SessionSettings
from smsagg.errors import ConfigError
from smsagg.esme.peer import Peer
from smsagg.testing.certificates import Authority, is_possible, lock

pytestmark = pytest.mark.skipif(not is_possible(), reason="the openssl command makes the certificates")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def tls_client(door: Door, context: ssl.SSLContext) -> Client:
    stream = trio.SSLStream(await door.open_socket(), context, server_hostname=HOST)
    try:
        await stream.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return Client(stream)


def serial_number(client: Client) -> str:
    """Of the server's certificate that this client saw."""
    return str(client.stream.getpeercert()["serialNumber"])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_1_2_and_1_3_are_spoken(files: Files, version: ssl.TLSVersion) -> None:
    """Bind and submit with either."""
    async with listening(files.settings()) as door:
        context = client_context(files.authority)
        context.minimum_version = context.maximum_version = version
        client = await tls_client(door, context)
        assert client.stream.version() == version.name.replace("_", ".")
        await (await client.bind()).submit_ok()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_tls_1_0_and_1_1_are_refused(files: Files, version: ssl.TLSVersion) -> None:
    """However weak the client is ready to be; it is the listener that refuses, since one that asks less would not."""
    tls = files.settings()
    async with listening(tls) as door:
        context = client_context(files.authority)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        with pytest.raises(trio.BrokenResourceError):
            await tls_client(door, context)
        await until(lambda: door.bench.reasons() == {"tls_failed": 1})
        tls.context.set_ciphers("ALL:@SECLEVEL=0")
        tls.context.minimum_version = ssl.TLSVersion.TLSv1
        assert (await tls_client(door, context)).stream.version() == version.name.replace("_", ".").removesuffix(".0")


async def test_plain_smpp_on_the_tls_port_is_closed(files: Files) -> None:
    """A PDU is no client hello; the password in it is not looked at."""
    async with listening(files.settings()) as door:
        client = await door.connect()
        with pytest.raises((EOFError, trio.BrokenResourceError)):
            await client.try_bind()
        await until(lambda: door.bench.reasons() == {"tls_failed": 1})
        assert door.bench.door.sessions.connections == 0


async def test_a_probe_that_says_nothing_is_no_failure(files: Files) -> None:
    """Somebody looked whether the port is open."""
    async with listening(files.settings()) as door:
        await (await door.open_socket()).aclose()
        await until(lambda: door.bench.reasons() == {"peer_closed": 1})


async def test_a_client_that_says_nothing_is_cut_by_session_init(files: Files) -> None:
    """As on the plain port."""
    settings = SessionSettings(session_init_timeout=0.05)  # type: ignore[arg-type]
    async with listening(files.settings(), session=settings) as door:
        silent = await door.connect()
        await until(lambda: door.bench.reasons() == {"session_init": 1})
        await silent.close()


async def test_a_handshake_that_trickles_in_is_cut_by_session_init(files: Files) -> None:
    """Octets one by one hold a connection no longer than silence does."""
    settings = SessionSettings(session_init_timeout=0.1)  # type: ignore[arg-type]
    async with listening(files.settings(), session=settings) as door:
        stream = await door.open_socket()
        hello = b"\x16\x03\x01\x02\x00\x01" + bytes(1_000)
        for octet in hello:
            try:
                await stream.send_all(bytes((octet,)))
            except trio.BrokenResourceError:
                break
            await trio.sleep(0.01)
        await until(lambda: door.bench.reasons() == {"session_init": 1})
        assert door.bench.door.sessions.connections == 0
        await stream.aclose()


async def test_a_client_certificate_is_required_and_verified(files: Files, tmp_path: Path) -> None:
    """None, and one of a stranger's authority, end in the handshake; the right one binds."""
    clients = Authority(tmp_path, "clients")
    stranger = Authority(tmp_path, "stranger").issue("acme.example")
    async with listening(files.settings(clients)) as door:
        for own in (None, stranger):
            with pytest.raises((trio.BrokenResourceError, EOFError)):
                await (await tls_client(door, client_context(files.authority, own))).try_bind()
        await until(lambda: door.bench.reasons() == {"tls_failed": 2})
        good = await tls_client(door, client_context(files.authority, clients.issue("acme.example")))
        await (await good.bind()).submit_ok()
        assert door.bench.authenticator.peers[-1] == Peer("127.0.0.1", True, frozenset({"acme.example"}))


async def test_an_optional_client_certificate_may_be_missing_but_not_wrong(files: Files, tmp_path: Path) -> None:
    """Clients without one go on as before."""
    clients = Authority(tmp_path, "clients")
    stranger = Authority(tmp_path, "stranger").issue("acme.example")
    async with listening(files.settings(clients, "optional")) as door:
        await (await tls_client(door, client_context(files.authority))).bind()
        with pytest.raises((trio.BrokenResourceError, EOFError)):
            await (await tls_client(door, client_context(files.authority, stranger))).try_bind()


async def test_renewed_files_are_used_and_no_session_is_dropped(files: Files) -> None:
    """The session of before goes on; the next connection sees the new certificate."""
    tls = files.settings()
    async with listening(tls) as door:
        door.bench.nursery.start_soon(tls.run, 0.01)
        old = await tls_client(door, client_context(files.authority))
        await old.bind()
        before = tls.context
        files.install(files.authority.issue(HOST, days=3))
        await until(lambda: tls.context is not before)
        new = await tls_client(door, client_context(files.authority))
        await (await new.bind()).submit_ok()
        assert serial_number(new) != serial_number(old)
        await old.submit_ok()


async def test_a_reload_that_was_asked_for_needs_no_change(files: Files) -> None:
    """As on SIGHUP: at once, long before the files would be looked at."""
    tls = files.settings()
    before = tls.context
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tls.run, 1e6)
        tls.reload_soon()
        await until(lambda: tls.context is not before)
        nursery.cancel_scope.cancel()


def cut_short(files: Files) -> None:
    files.certificate_file.write_text(files.certificate_file.read_text()[:100])


def anothers_key(files: Files) -> None:
    shutil.copy(files.authority.issue("other.example").key_file, files.key_file)


def missing(files: Files) -> None:
    files.key_file.unlink()


def locked(files: Files) -> None:
    """The key asks for a password, which nobody is there to type."""
    lock(str(files.key_file))


@pytest.mark.parametrize("spoil", [cut_short, anothers_key, missing, locked])
async def test_broken_files_are_refused_and_the_old_ones_stay(files: Files, spoil: Callable[[Files], None]) -> None:
    """One line in the log says so; when the files are whole again they are taken."""
    tls = files.settings()
    before = tls.context
    with structlog.testing.capture_logs() as lines:
        async with listening(tls) as door:
            door.bench.nursery.start_soon(tls.run, 0.01)
            spoil(files)
            await until(lambda: any(line["event"] == "tls_files_refused" for line in lines))
            assert tls.context is before
            await (await tls_client(door, client_context(files.authority))).bind()
            files.install(files.authority.issue(HOST, days=3))
            await until(lambda: tls.context is not before)
            await (await tls_client(door, client_context(files.authority))).bind()
    assert [line["log_level"] for line in lines if line["event"] == "tls_files_refused"] == ["error"]


@pytest.mark.parametrize("spoil", [cut_short, anothers_key, missing, locked])
def test_a_start_with_broken_files_is_a_config_error(files: Files, spoil: Callable[[Files], None]) -> None:
    """It names the keys."""
    spoil(files)
    with pytest.raises(ConfigError, match=r"server\.tls: certificate_file and key_file cannot be used"):
        files.settings()


async def test_a_new_client_authority_counts_from_the_next_handshake(files: Files, tmp_path: Path) -> None:
    """client_ca_file is watched, too."""
    clients, others = Authority(tmp_path, "clients"), Authority(tmp_path, "others")
    own = others.issue("acme.example")
    tls = files.settings(clients)
    before = tls.context
    async with listening(tls) as door:
        door.bench.nursery.start_soon(tls.run, 0.01)
        with pytest.raises((trio.BrokenResourceError, EOFError)):
            await (await tls_client(door, client_context(files.authority, own))).try_bind()
        shutil.copy(others.certificate_file, clients.certificate_file)
        await until(lambda: tls.context is not before)
        await (await tls_client(door, client_context(files.authority, own))).bind()
