"""The operator's socket: who may open it, what it answers, and what it survives."""

import os
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from smsagg.control import Caller, ControlServer, ask
from smsagg.control import server as control_server
from smsagg.control.server import Send
from smsagg.errors import ConfigError, ControlError


async def echo(arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
    """Sends back what it got, and who asked."""
    await send({"arguments": dict(arguments), "uid": caller.uid, "pid": caller.pid})


async def stream(arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
    """Counts for ever."""
    number = 0
    while True:
        await send({"number": number})
        number += 1


async def refuse(arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
    """Says why not."""
    raise ControlError("not today")


async def crash(arguments: Mapping[str, Any], send: Send, caller: Caller) -> None:
    """Has a bug."""
    raise RuntimeError("a bug")


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[str]:
    server = ControlServer({"echo": echo, "stream": stream, "refuse": refuse, "crash": crash})
    async with trio.open_nursery() as nursery:
        await nursery.start(server.run, str(path))
        yield str(path)
        nursery.cancel_scope.cancel()


async def answers(
    path: str, count: int | None = None, body: bytes | None = None, **request: Any
) -> list[dict[str, Any]]:
    """What the server answers; the client leaves after ``count`` answers."""
    sender, receiver = trio.open_memory_channel[dict[str, Any]](0)
    seen: list[dict[str, Any]] = []
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, path, request, sender, body)
            async for answer in receiver:
                seen.append(answer)
                if len(seen) == count:
                    nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:  # not except*: before Python 3.11.4 what is raised there is in a group again
        if group.subgroup(ControlError) is None:
            raise
        raise group.exceptions[0] from None
    return seen


async def test_a_command_and_its_caller(tmp_path: Path) -> None:
    """Arguments arrive, and the kernel says who sent them."""
    async with serving(tmp_path / "control") as path:
        (answer,) = await answers(path, command="echo", number=7)
        assert answer["arguments"]["number"] == 7
        assert (answer["uid"], answer["pid"]) == (os.getuid(), os.getpid())


async def test_only_its_own_user_can_open_it(tmp_path: Path) -> None:
    """The socket's mode is 0600, and it is gone with the server."""
    async with serving(tmp_path / "control") as path:
        assert stat.S_IMODE((await trio.Path(path).stat()).st_mode) == 0o600
    assert not await trio.Path(path).exists()


async def test_a_stream_ends_with_its_client(tmp_path: Path) -> None:
    """And the server goes on to serve the next."""
    async with serving(tmp_path / "control") as path:
        for _ in range(3):
            assert [answer["number"] for answer in await answers(path, count=5, command="stream")] == [0, 1, 2, 3, 4]
        assert len(await answers(path, command="echo")) == 1


@pytest.mark.parametrize(
    ("request_", "text"),
    [({"command": "refuse"}, "not today"), ({"command": "nothing"}, "there are crash, echo"), ({}, "no such command")],
)
async def test_errors_are_told(tmp_path: Path, request_: dict[str, Any], text: str) -> None:
    """A refusal and an unknown command reach the client as its error."""
    async with serving(tmp_path / "control") as path:
        with pytest.raises(ControlError, match=text):
            await answers(path, **request_)


async def test_a_bug_in_a_command_ends_that_call_only(tmp_path: Path) -> None:
    """The connection ends without an answer; the next is served."""
    async with serving(tmp_path / "control") as path:
        assert await answers(path, command="crash") == []
        assert len(await answers(path, command="echo")) == 1


@pytest.mark.parametrize("octets", [b"\n", b"[]\n", b"\xff\xfe\n", b'{"command": 7}\n', b"x" * 70_000])
async def test_octets_that_are_no_request(tmp_path: Path, octets: bytes) -> None:
    """Answered or closed, never a crash."""
    async with serving(tmp_path / "control") as path:
        connection = await trio.open_unix_socket(path)
        try:
            await connection.send_all(octets)
            assert b"error" in await connection.receive_some() or len(octets) > 65_536
        except trio.BrokenResourceError:
            assert len(octets) > 65_536
        await trio.aclose_forcefully(connection)
        assert len(await answers(path, command="echo")) == 1


async def test_a_client_that_asks_nothing(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """Is let go at the deadline."""
    async with serving(tmp_path / "control") as path:
        connection = await trio.open_unix_socket(path)
        with trio.fail_after(control_server.REQUEST_DEADLINE_S + 1):
            assert await connection.receive_some() == b""
        await connection.aclose()


async def test_too_many_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one too many is closed at once."""
    monkeypatch.setattr(control_server, "CALLERS_MAX", 1)
    async with serving(tmp_path / "control") as path:
        first = await trio.open_unix_socket(path)
        second = await trio.open_unix_socket(path)
        assert await second.receive_some() == b""
        await first.aclose()
        await second.aclose()


async def test_a_socket_that_a_dead_server_left(tmp_path: Path) -> None:
    """Is replaced; a file that is no socket is not."""
    path = tmp_path / "control"
    with trio.socket.socket(trio.socket.AF_UNIX) as left:
        await left.bind(str(path))
    async with serving(path):
        assert len(await answers(str(path), command="echo")) == 1
    path.write_text("precious")
    with pytest.raises(ConfigError, match="not a socket"):
        await ControlServer({}).run(str(path))
    assert path.read_text() == "precious"


async def test_nobody_there(tmp_path: Path) -> None:
    """The client says where it looked, and why in words."""
    with pytest.raises(ControlError, match=f"no server answers at {tmp_path}/control: No such file or directory"):
        await answers(str(tmp_path / "control"), command="echo")


async def test_a_path_that_is_too_long(tmp_path: Path) -> None:
    """The kernel's limit, told as an error of the configuration."""
    with pytest.raises(ConfigError, match="longer than 107"):
        await ControlServer({}).run(str(tmp_path / ("x" * 110)))


@pytest.mark.parametrize("body", ["", "x", "größer\n" * 40_000])
async def test_a_body_comes_whole(tmp_path: Path, body: str) -> None:
    """However long it is, the command has it as one argument."""
    async with serving(tmp_path / "control") as path:
        (answer,) = await answers(path, command="echo", body=body.encode())
        assert answer["arguments"]["body"] == body


async def test_a_body_that_cannot_be_taken(tmp_path: Path) -> None:
    """One that is no UTF-8, one that is too long, and a second one at a time are refused with the reason."""
    async with serving(tmp_path / "control") as path:
        with pytest.raises(ControlError, match="is not UTF-8"):
            await answers(path, command="echo", body=b"\xff")
        with pytest.raises(ControlError, match="body_octets: must be"):
            await answers(path, command="echo", body_octets=1 << 40)
        first = await trio.open_unix_socket(path)
        await first.send_all(b'{"command": "echo", "body_octets": 3}\nab')
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ControlError, match="another file"):
            await answers(path, command="echo", body=b"x" * 1_000_000)
        await first.send_all(b"c")
        assert b'"body":"abc"' in await first.receive_some()
        await first.aclose()
