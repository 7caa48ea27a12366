"""The HTTPS port over a real loopback socket: versions, clients' certificates, keys and accounts bound to them."""

import http.client
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from v1_bench import KEY, api, api_config

from smsagg.api import tls_stream
from smsagg.api.http import serve_http
from smsagg.config.schema import AccountHttpSettings, ApiKeySettings, Config, HttpsListenSettings
from smsagg.config.units import HostPort, split_host_port
from smsagg.directory.secrets import digest_of
from smsagg.session.tls import ServerTls
from smsagg.testing.certificates import Authority, Certificate, is_possible

pytestmark = pytest.mark.skipif(not is_possible(), reason="the openssl command makes the certificates")
HOST = "gateway.example"


class Site:
    """A server's certificate, the authority of its clients, and what they trust."""

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory, "servers")
        self.clients = Authority(directory, "clients")
        own = self.authority.issue(HOST)
        settings = HttpsListenSettings(own.certificate_file, own.key_file, client_ca_file=self.clients.certificate_file)
        self.tls = ServerTls(settings, "server.https")

    def context(self, own: Certificate | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.authority.certificate_file)
        context.check_hostname = False
        if own is not None:
            context.load_cert_chain(own.certificate_file, own.key_file)
        return context


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def config_with(key: dict[str, Any] | None = None, **account: Any) -> Config:
    """The usual accounts; what differs of acme's one key and of its ``[accounts.acme.http]``."""
    config = api_config()
    keys = {"app": ApiKeySettings(**({"hash": digest_of(KEY)} | (key or {})))}
    config.accounts["acme"] = evolve(config.accounts["acme"], api_keys=keys, http=AccountHttpSettings(**account))
    return config


def fingerprint_of(certificate: Certificate) -> str:
    der = ssl.PEM_cert_to_DER_cert(Path(certificate.certificate_file).read_text())
    return f"sha256:{sha256(der).hexdigest()}"


@asynccontextmanager
async def serving(site: Site, config: Config | None = None) -> AsyncIterator[HostPort]:
    with trio.fail_after(30):
        async with api(config) as client, trio.open_nursery() as nursery:
            address: HostPort = await nursery.start(serve_http, HostPort("127.0.0.1:0"), client.app, site.tls)
            yield address
            nursery.cancel_scope.cancel()


async def status(address: HostPort, context: ssl.SSLContext, key: str = KEY) -> int:
    """Of a look at a message that is not there: 404 who is let in."""

    def ask() -> int:
        connection = http.client.HTTPSConnection(address, timeout=10, context=context)
        try:
            connection.request("GET", "/v1/messages/none", headers={"Authorization": f"Bearer {key}"} if key else {})
            return connection.getresponse().status
        finally:
            connection.close()

    return await trio.to_thread.run_sync(ask)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_api_is_served_over_tls_1_2_and_1_3(site: Site, version: ssl.TLSVersion) -> None:
    context = site.context()
    context.minimum_version = context.maximum_version = version
    async with serving(site) as address:
        assert await status(address, context) == 404
        assert await status(address, context, "sk_nobody") == 401


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_tls_1_0_and_1_1_are_refused_over_http_too(site: Site, version: ssl.TLSVersion) -> None:
    context = site.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    async with serving(site) as address:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await status(address, context)


async def test_a_key_without_its_certificate_is_as_unknown(site: Site) -> None:
    acme, others = site.clients.issue("acme.example"), site.clients.issue("others.example")
    async with serving(site, config_with({"certificate": "ACME.example"})) as address:
        assert await status(address, site.context(acme)) == 404
        assert await status(address, site.context(others)) == 401
        assert await status(address, site.context()) == 401


async def test_a_certificate_can_stand_for_a_key(site: Site) -> None:
    acme, others = site.clients.issue("acme.example"), site.clients.issue("others.example")
    async with serving(site, config_with({"hash": "", "certificate": "acme.example"})) as address:
        assert await status(address, site.context(acme), "") == 404
        assert await status(address, site.context(others), "") == 401
        assert await status(address, site.context(acme), "sk_nobody") == 401


async def test_a_key_can_be_bound_to_one_certificate_by_its_fingerprint(site: Site) -> None:
    first, second = site.clients.issue("acme.example"), site.clients.issue("acme.example", days=3)
    async with serving(site, config_with({"certificate": fingerprint_of(first)})) as address:
        assert await status(address, site.context(first)) == 404
        assert await status(address, site.context(second)) == 401


async def test_no_certificate_passes_for_another_by_being_named_like_its_fingerprint(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = site.clients.issue("acme.example"), site.clients.issue("others.example")
    monkeypatch.setattr(tls_stream, "certificate_names", lambda _stream: frozenset({fingerprint_of(first)}))
    async with serving(site, config_with({"certificate": fingerprint_of(first)})) as address:
        assert await status(address, site.context(first)) == 404
        assert await status(address, site.context(second)) == 401


async def test_an_account_can_demand_a_certificate_for_all_of_its_keys(site: Site) -> None:
    async with serving(site, config_with(require_certificate=True)) as address:
        assert await status(address, site.context(site.clients.issue("any.example"))) == 404
        assert await status(address, site.context()) == 401


async def test_a_strangers_certificate_ends_in_the_handshake(site: Site, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger").issue("acme.example")
    async with serving(site, config_with({"certificate": "acme.example"})) as address:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await status(address, site.context(stranger))


async def test_who_speaks_no_tls_or_nothing_is_cut_and_disturbs_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_stream, "HANDSHAKE_S", 0.2)
    async with serving(site) as address:
        for said in (b"GET / HTTP/1.1\r\n\r\n", b""):
            stream = await trio.open_tcp_stream(*split_host_port(address))
            await stream.send_all(said)
            try:
                while await stream.receive_some():
                    pass
            except trio.BrokenResourceError:
                pass
        assert await status(address, site.context()) == 404


async def test_a_connection_is_kept_and_its_end_is_said(site: Site) -> None:
    """A client that closes is told so by close_notify, as truncation would be an attack."""
    async with serving(site) as address:
        plain = await trio.open_tcp_stream(*split_host_port(address))
        stream = trio.SSLStream(plain, site.context(), server_hostname=HOST)
        request = f"GET /v1/messages/none HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
        await stream.send_all((request + "\r\n").encode())
        assert b" 404 " in await stream.receive_some()
        await stream.send_all((request + "Connection: close\r\n\r\n").encode())
        assert b" 404 " in await stream.receive_some()
        assert await stream.receive_some() == b""
        await stream.aclose()
