"""Behind a balancer that nobody here wrote: HAProxy with PROXY protocol 1 and 2, TLS passed through or ended there."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration_processes import PASSWORD, PATIENCE_S, RawEsme, Server, make_config

from smsagg.smpp.pdu import BindTransceiver, BindTransceiverResp
from smsagg.smpp.status import ESME_RBINDFAIL, ESME_ROK
from smsagg.testing.certificates import Authority, is_possible

pytestmark = [
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed"),
    pytest.mark.skipif(not is_possible(), reason="the openssl command makes the certificates"),
]
HOST = "gateway.example"
INSIDE, OUTSIDE = "127.0.0.9", "127.0.0.8"
"""Where the account ``other`` may bind from, and where not."""


class Balancer:
    """A running HAProxy whose ports all lead to one server."""

    def __init__(self, ports: dict[str, int], context: ssl.SSLContext) -> None:
        self._ports = ports
        self._context = context

    def bind(self, way: str, system_id: str, source: str = INSIDE, *, is_encrypted: bool = False) -> int:
        """The command_status of the answer to a bind that comes from ``source`` on this way."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                sock = socket.create_connection(("127.0.0.1", self._ports[way]), source_address=(source, 0))
                break
            except ConnectionRefusedError:  # it is starting
                assert time.monotonic() < deadline
                time.sleep(0.02)
        esme = RawEsme(self._context.wrap_socket(sock, server_hostname=HOST) if is_encrypted else sock)
        with contextlib.closing(esme):
            response = esme.ask(BindTransceiver(system_id, PASSWORD, sequence_number=1))
            assert isinstance(response, BindTransceiverResp)
            return response.command_status


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    """It says ``LOCAL`` to its server in health checks all the while."""
    directory = tmp_path_factory.mktemp("haproxy")
    authority, clients = Authority(directory), Authority(directory, "clients")
    certificate, own = authority.issue(HOST), clients.issue("acme.example")
    pair = Path(certificate.certificate_file).read_text() + Path(certificate.key_file).read_text()
    (directory / "pair.pem").write_text(pair)
    context = ssl.create_default_context(cafile=authority.certificate_file)
    context.load_cert_chain(own.certificate_file, own.key_file)
    config = directory / "smsagg.toml"
    config.write_text(
        make_config(
            directory,
            server=f"""
proxy_protocol_networks = ["127.0.0.1"]
tls.smpp_listen = "127.0.0.1:0"
tls.certificate_file = "{certificate.certificate_file}"
tls.key_file = "{certificate.key_file}"
""",
        )
        .replace("[accounts.demo]", '[accounts.demo]\nrequire_tls = true\ncertificate_names = ["acme.example"]')
        .replace("[accounts.other]", f'[accounts.other]\nnetworks = ["{INSIDE}"]')
    )
    server = Server(config, directory / "serve.log")
    assert server.smpp_tls is not None
    ports = {way: free_port() for way in ("v1", "v2", "ended", "passed")}
    smpp, smpp_tls = (f"{host}:{port}" for host, port in (server.smpp, server.smpp_tls))
    (directory / "haproxy.cfg").write_text(f"""
defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
listen v1
  bind 127.0.0.1:{ports["v1"]}
  server smsagg {smpp} send-proxy check inter 100ms
listen v2
  bind 127.0.0.1:{ports["v2"]}
  server smsagg {smpp} send-proxy-v2 proxy-v2-options crc32c,unique-id check inter 100ms
listen ended
  bind 127.0.0.1:{ports["ended"]} ssl crt {directory}/pair.pem ca-file {clients.certificate_file} verify required
  server smsagg {smpp} send-proxy-v2-ssl-cn proxy-v2-options crc32c check inter 100ms
listen passed
  bind 127.0.0.1:{ports["passed"]}
  server smsagg {smpp_tls} send-proxy-v2 check inter 100ms
""")
    command = ["haproxy", "-db", "-f", str(directory / "haproxy.cfg")]
    with (directory / "haproxy.log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield Balancer(ports, context)
            assert server.metrics("smsagg_smpp_sessions_closed_total", reason="unusable_header") == 0
            assert server.metrics("smsagg_smpp_sessions_closed_total", reason="proxy_header") == 0
        finally:
            process.terminate()
            server.process.close()


@pytest.mark.parametrize("way", ["v1", "v2"])
def test_networks_are_judged_by_the_clients_address(balancer: Balancer, way: str) -> None:
    """And not by the balancer's, which is the peer of every connection."""
    assert balancer.bind(way, "other", INSIDE) == ESME_ROK
    assert balancer.bind(way, "other", OUTSIDE) == ESME_RBINDFAIL


def test_tls_may_end_at_the_balancer(balancer: Balancer) -> None:
    """It says that the client speaks TLS, and the name in the certificate that it verified."""
    assert balancer.bind("ended", "demo", is_encrypted=True) == ESME_ROK
    assert balancer.bind("v2", "demo") == ESME_RBINDFAIL


def test_tls_may_pass_the_balancer(balancer: Balancer) -> None:
    """The header comes before the handshake."""
    assert balancer.bind("passed", "other", INSIDE, is_encrypted=True) == ESME_ROK
    assert balancer.bind("passed", "other", OUTSIDE, is_encrypted=True) == ESME_RBINDFAIL
