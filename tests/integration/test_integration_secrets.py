"""A secret that is made at run time is shown once, and a code goes to its phone: neither is anywhere else, ever."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from canary_world import KEY, NUMBER, OPERATORS_KEY, OWNERS_KEY, World, spellings, until, world
from click.testing import CliRunner

from smsagg.cli import main

SECRET_MEMBERS = ("secret", "access_token", "uri")
NAMES = ("crm", "erp", "hooks", "ann", "canary", NUMBER)
CODE = re.compile(r"\b[0-9A-Z]{10}\b")
Secrets = dict[str, str]


@pytest.mark.slow
def test_what_is_made_is_shown_once(tmp_path: Path) -> None:
    """Keys, clients' secrets, tokens, webhooks' secrets, seeds of second factors, codes: nowhere in an answer that
    comes later, an event, a webhook, the audit trail, a metric, a command, the log, or the store's own file."""
    with world(tmp_path, "json") as the:
        made = make_all(the)
        codes, verification = verify(the)
        read_all(the, verification)
        for line in (
            "audit list --json",
            "audit verify",
            "key list",
            "check-config",
            "config show 1",
            "config history",
        ):
            done = CliRunner().invoke(main, [*line.split(), "--config", str(the.config)])
            the.keep(f"smsagg {line}", done.stdout + done.stderr)
        the.server.process.signal_end()
        the.server.process.wait()
        the.keep("webhooks", b"".join(the.hooks.heard))
        the.keep("log", the.server.log.read_bytes())
        the.keep("store", b"".join(path.read_bytes() for path in tmp_path.glob("smsagg.db*") if path.suffix != ".key"))
        assert b"key.create" in the.outputs["smsagg audit list --json"]
        assert len(made) == 13
        assert len(codes) == 2
        found = [
            f"{name}: {what} ({how})"
            for name, octets in the.outputs.items()
            for what, secret in {**made, **codes}.items()
            for how, spelling in spellings(secret).items()
            if spelling in octets
        ]
        assert not found, "\n".join(found)


def make_all(the: World) -> Secrets:
    """One of everything that has a secret, and another secret for each; each used well and badly."""
    made: Secrets = {}

    def make(what: str, target: str, body: Any, key: str = OWNERS_KEY, **headers: str) -> str:
        answer = the.call("POST", f"/v1/{target}", body, key, is_kept=False, **headers)
        [secret] = [answer[member] for member in SECRET_MEMBERS if member in answer] or [""]
        assert secret, (what, answer)
        made[what] = re.sub(r".*secret=(\w+).*", r"\1", secret).removeprefix("whsec_")
        the.call("POST", f"/v1/{target}", body if isinstance(body, bytes) else {**body, "name": secret}, key)
        return str(secret)

    for side, key in (("", OWNERS_KEY), ("admin/", OPERATORS_KEY)):
        one = make(f"{side} key", f"{side}keys", {"name": "crm"}, key)
        the.call("GET", "/v1/me", key=one)
        the.call("GET", "/v1/me", key=f"{one}x")
        other = make(f"{side} key, rotated", f"{side}keys/crm/rotate", {"overlap_s": 60}, key)
        the.call("GET", "/v1/messages", key=other)
        make(f"{side} client", f"{side}clients", {"name": "erp"}, key)
    client = make("client, rotated", "clients/erp/rotate", {"overlap_s": 60})
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": _basic("canary/erp", client)}
    token = make("token", "oauth/token", b"grant_type=client_credentials", **form)
    the.call("GET", "/v1/me", key=token)
    the.call(
        "POST", "/v1/oauth/token", b"grant_type=x", **{**form, "Authorization": _basic("canary/erp", f"{client}x")}
    )
    make("webhook", "webhooks", {"name": "hooks", "url": the.hooks.url})
    make("webhook, rotated", "webhooks/hooks/rotate-secret", {})
    make("callbacks", "callback-secret", {})
    the.call("PUT", "/v1/users/ann", {"role": "owner", "full_name": "Ann"}, OWNERS_KEY)
    anns = make("a person's key", "keys", {"name": "anns", "user": "ann"})
    make("second factor", "users/me/totp", {}, anns)
    the.call("POST", "/v1/users/me/totp/confirm", {"code": "000000"}, anns)
    return made


def verify(the: World) -> tuple[Secrets, str]:
    """Codes as their phone got them, typed in wrongly and well; and the verification."""
    asked = {"to": f"+{NUMBER}", "from": "ACME", "brand": "CNRY", "alphabet": "alphanumeric", "code_length": 10}
    started = the.call("POST", "/v1/verifications", asked, OWNERS_KEY)
    name = f"/v1/verifications/{started['id']}"
    until(lambda: len(codes_at(the)) == 1)
    until(lambda: the.call("POST", f"{name}/resend", {}, OWNERS_KEY).get("status") == "pending")
    until(lambda: len(codes_at(the)) == 2)
    first, second = codes_at(the)
    for code in (first[::-1], second[:-1], f"{second}0", first, second, second):
        the.call("POST", f"{name}/check", {"code": code}, OWNERS_KEY)
    the.call("POST", "/v1/verifications", {**asked, "reference": "again"}, KEY)
    until(lambda: len(codes_at(the)) == 3)
    for message_id in started["messages"]:
        done = CliRunner().invoke(main, ["message", message_id, "--bodies", "--config", str(the.config)])
        the.keep("smsagg message --bodies", done.output)
    return {"a code": first, "another code": second}, started["id"]


def codes_at(the: World) -> list[str]:
    return [found[0] for text in the.carrier.texts if (found := CODE.search(text))]


def read_all(the: World, verification: str) -> None:
    """Every page that the description has, of everything that there is."""
    paths = the.call("GET", "/v1/openapi.json")["paths"]
    messages = [one["id"] for one in the.call("GET", "/v1/messages")["messages"]]
    assert messages
    for path, methods in paths.items():
        key = OPERATORS_KEY if "/admin/" in path else OWNERS_KEY
        if "get" not in methods or path.endswith("/stream"):
            continue
        for name in (*NAMES, verification, *messages) if "{" in path else ("",):
            the.call("GET", re.sub(r"\{\w+\}", name, path), key=key)
    the.call("GET", "/metrics")


def _basic(name: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"
