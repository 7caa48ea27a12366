"""Asks for something of the number inventory: the running server, or the store of a stopped one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import no_store
from smsagg.cli.ungrouped import ungrouped
from smsagg.clock import SystemClock
from smsagg.config.load import load_config
from smsagg.config.schema import Config
from smsagg.control import Caller, ask, socket_path
from smsagg.control.numbers import NumberService
from smsagg.engine.numbers.numbers import Numbers
from smsagg.errors import ControlError
from smsagg.observe.log import configure_logging
from smsagg.store.sqlite.store import open_sqlite_store

OnRecord = Callable[[dict[str, Any]], None]


def call(config_path: Path, request: dict[str, Any], on_record: OnRecord, body: bytes | None = None) -> None:
    """Perform one request of the command ``numbers``; ``on_record`` is given each record of the answer as it comes.

    Raises SmsaggError for what is wrong.
    """
    config = load_config(config_path, settings_class)
    path = socket_path(config)
    with ungrouped():
        if path and trio.run(_is_running, path):
            trio.run(_ask, path, {"command": "numbers", **request}, on_record, body)
        else:
            configure_logging("error")
            trio.run(_open_store, config, request, on_record, body)


def ask_for(config_path: Path, request: dict[str, Any]) -> list[dict[str, Any]]:
    """All records of the answer."""
    records: list[dict[str, Any]] = []
    call(config_path, request, records.append)
    return records


async def _is_running(path: str) -> bool:
    try:
        stream = await trio.open_unix_socket(path)
    except OSError:
        return False
    await stream.aclose()
    return True


async def _ask(path: str, request: dict[str, Any], on_record: OnRecord, body: bytes | None) -> None:
    sender, receiver = trio.open_memory_channel[dict[str, Any]](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, path, request, sender, body)
        async for record in receiver:
            on_record(record)


async def _open_store(config: Config, request: dict[str, Any], on_record: OnRecord, body: bytes | None) -> None:
    if not await trio.Path(config.store.path).exists():
        raise no_store(config.store.path)

    async def send(record: Any) -> None:
        on_record(dict(record))

    clock = SystemClock()
    async with open_sqlite_store(config.store) as store:
        numbers = Numbers(lambda: config, store, clock)
        await numbers.load()
        service = NumberService(numbers, store, clock, lambda: config.accounts)
        text = {} if body is None else {"body": _decoded(body)}
        await service.serve(request | text, send, Caller(os.getpid(), os.getuid()))


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise ControlError(f"the file is not UTF-8: {error.reason} at octet {error.start}") from error
