"""Keys that are made at run time, over HTTPS, through ``kill -9``; and new certificates."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from integration_processes import PATIENCE_S, Server, make_config, serving

from smsagg.config.units import HostPort, split_host_port
from smsagg.directory.secrets import digest_of
from smsagg.testing.certificates import Authority, is_possible

pytestmark = pytest.mark.skipif(not is_possible(), reason="the openssl command makes the certificates")
OPERATOR_KEY = "sk_operator"
HOST = "gateway.example"
Ask = Callable[..., tuple[int, Any]]


def test_keys_made_over_https_survive_a_kill_and_revoked_ones_stay_revoked(tmp_path: Path) -> None:
    """What was answered is kept, with its audit record, and no secret is logged."""
    authority = Authority(tmp_path)
    certificate = authority.issue(HOST)
    https = (
        f'https = {{ listen = "127.0.0.1:0", certificate_file = "{certificate.certificate_file}", '
        f'key_file = "{certificate.key_file}" }}'
    )
    config = tmp_path / "smsagg.toml"
    text = make_config(tmp_path, server=https)
    config.write_text(text + f'\n[operators.ann]\nhash = "{digest_of(OPERATOR_KEY)}"\n')
    context = ssl.create_default_context(cafile=authority.certificate_file)
    context.check_hostname = False

    def start() -> tuple[Server, Ask]:
        server = Server(config, tmp_path / "serve.log")
        host, port = split_host_port(HostPort(server.process.wait_for_line(r"HTTPS +https://(\S+)")))

        def ask(method: str, path: str, key: str, body: object = None) -> tuple[int, Any]:
            connection = http.client.HTTPSConnection(host, port, timeout=10, context=context)
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            said = answer.read()
            connection.close()
            return answer.status, json.loads(said) if said else None

        return server, ask

    server, ask = start()
    try:
        keys = "/v1/admin/keys?account=demo"
        made = [ask("POST", keys, OPERATOR_KEY, {"name": name})[1]["secret"] for name in ("kept", "revoked")]
        assert [ask("GET", "/v1/me", key)[0] for key in made] == [200, 200]
        assert [ask("GET", path, "")[0] for path in ("/metrics", "/readyz")] == [401, 401]
        assert ask("DELETE", keys.replace("keys", "keys/revoked"), OPERATOR_KEY)[0] == 204
        server.process.close()  # kill -9
        server, ask = start()
        assert [ask("GET", "/v1/me", key)[0] for key in made] == [200, 401]
        _, trail = ask("GET", "/v1/admin/audit?account=demo", OPERATOR_KEY)
        assert [one["action"] for one in trail["records"]] == ["key.revoke", "key.create", "key.create"]
        assert server.process.terminate() == 0
    finally:
        server.process.close()
    assert not [key for key in made if key.encode() in (tmp_path / "serve.log").read_bytes()]


def test_the_https_port_takes_renewed_files_by_sighup_and_drops_no_connection(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = authority.issue(HOST)
    https = (
        f'https = {{ listen = "127.0.0.1:0", certificate_file = "{certificate.certificate_file}", '
        f'key_file = "{certificate.key_file}" }}'
    )
    context = ssl.create_default_context(cafile=authority.certificate_file)
    with serving(tmp_path, server=https) as server:
        address = split_host_port(HostPort(server.process.wait_for_line(r"HTTPS +https://(\S+)")))

        def connect() -> ssl.SSLSocket:
            return context.wrap_socket(socket.create_connection(address, timeout=10), server_hostname=HOST)

        def status(connection: ssl.SSLSocket) -> bytes:
            connection.sendall(b"GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n")
            return connection.recv(65_536)[9:12]

        with connect() as first:
            assert status(first) == b"401"
            authority.issue(HOST)
            server.process.signal_reload()
            deadline = time.monotonic() + PATIENCE_S
            while b"tls_files_loaded" not in server.log.read_bytes():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            with connect() as second:
                assert second.getpeercert() != first.getpeercert()
            assert status(first) == b"401"
