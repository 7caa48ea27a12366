"""Where webhooks may go, whatever the URL looks like and whatever names resolve to."""

import socket
import threading
from typing import Any

import pytest
import trio
import trio.testing

from smsagg.webhooks.egress import Egress, Forbidden, GuardedBackend, on_behalf_of
from smsagg.webhooks.sender import REQUESTS_OF_ACCOUNT_MAX

PRIVATE = [
    "127.0.0.1", "127.1", "0.0.0.0", "0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "2130706433", "0x7f000001", "017700000001", "0177.1",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[ff02::1]", "[2001:db8::1]",
    "[fec0::1]", "[3fff::1]", "192.0.0.8",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    """In every way of writing them: octal, hexadecimal, one number, within IPv6."""
    with pytest.raises(Forbidden):
        Egress([]).check_url(f"https://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/",
        "https://user@example.com/", "https://user:password@example.com/", "https://example.com:25/",
        "https://example.com:99999/", "https:///x", "https://[::1", "javascript:alert(1)", "", "https://a b/",
        "https://example.com/\r\nHost: x", "https://" + "a" * 3_000, "https://" + "a" * 70 + ".example/",
        "https://a..b.example/", "https://.example/", "https://ex\u00e4mple.com/", "https://example.com/\u00e9",
    ],
)  # fmt: skip
def test_urls_that_are_no_place_for_webhooks_are_refused(url: str) -> None:
    """Other schemes, users in the URL, other protocols' ports, blanks, line ends, and what no resolver can read."""
    with pytest.raises(Forbidden):
        Egress([]).check_url(url)


@pytest.mark.parametrize("url", ["https://example.com/hook?a=b", "https://1.1.1.1/", "https://example.com:8443/"])
def test_public_places_are_allowed(url: str) -> None:
    """By name and by address."""
    Egress([]).check_url(url)


def test_allowed_networks_are_for_development() -> None:
    """They may be gone to, also without TLS; nothing else changes."""
    egress = Egress(["127.0.0.0/8"])
    egress.check_url("http://127.0.0.1:9000/")
    for url in ("http://1.1.1.1/", "https://10.0.0.1/", "https://[::1]/"):
        with pytest.raises(Forbidden):
            egress.check_url(url)


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Names resolve to what is told, each time to the next."""
    left = list(answers)

    def getaddrinfo(host: str, port: int, **_: Any) -> Any:
        return [(2, 1, 6, "", (address, port)) for address in left.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


async def test_a_name_is_judged_by_what_it_resolves_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """One private address among public ones is enough to refuse."""
    resolving(monkeypatch, ["1.1.1.1", "10.0.0.1"], ["1.1.1.1"])
    with pytest.raises(Forbidden):
        await Egress([]).resolve("rebind.example", 443, is_plain=False)
    assert list(await Egress([]).resolve("fine.example", 443, is_plain=False)) == ["1.1.1.1"]


async def test_names_that_resolve_slowly_hold_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the other threads of the process, whose number is bounded too, and not the names of other accounts, however
    often they are asked for and given up."""
    answers = threading.Event()

    def getaddrinfo(host: str, port: int, **_: Any) -> Any:
        if host == "slow.example":
            answers.wait(30)
        return [(2, 1, 6, "", ("1.1.1.1", port))]

    async def look_up(account: str, host: str) -> None:
        on_behalf_of.set(account)
        assert await egress.resolve(host, 443, is_plain=False) == ["1.1.1.1"]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    egress = Egress([])
    try:
        for _ in range(2):
            async with trio.open_nursery() as nursery:
                for _ in range(REQUESTS_OF_ACCOUNT_MAX):
                    nursery.start_soon(look_up, "acme", "slow.example")
                await trio.testing.wait_all_tasks_blocked(0.05)
                nursery.cancel_scope.cancel()
        with trio.fail_after(20):
            await trio.to_thread.run_sync(lambda: None)
            await look_up("other", "quick.example")
        answers.set()
        with trio.fail_after(20):
            await look_up("acme", "quick.example")
    finally:
        answers.set()


async def test_a_name_that_changes_its_mind_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was looked at; the name is not resolved again."""
    resolving(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    connected: list[str] = []
    backend = GuardedBackend(Egress([]), is_plain=False)

    async def connect_tcp(host: str, *args: Any) -> Any:
        connected.append(host)
        return object()

    monkeypatch.setattr(backend._inner, "connect_tcp", connect_tcp)
    await backend.connect_tcp("rebind.example", 443)
    with pytest.raises(Forbidden):
        await backend.connect_tcp("rebind.example", 443)
    assert connected == ["1.1.1.1"]
