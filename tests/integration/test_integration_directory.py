"""Keys that are made at run time, over HTTPS, and ``kill -9``."""

import http.client
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from integration_processes import Server, make_config

from smsagg.config.units import HostPort, split_host_port
from smsagg.directory.secrets import digest_of
from smsagg.testing.certificates import Authority, is_possible

pytestmark = pytest.mark.skipif(not is_possible(), reason="the openssl command makes the certificates")
OPERATOR_KEY = "sk_operator"
Ask = Callable[..., tuple[int, Any]]


def test_keys_made_over_https_survive_a_kill_and_revoked_ones_stay_revoked(tmp_path: Path) -> None:
    """What was answered is kept, with its audit record, and no secret is logged."""
    authority = Authority(tmp_path)
    certificate = authority.issue("gateway.example")
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
