"""``smsagg personal-data`` against a running server: an erasure begins, and says how far it is."""

import os
from typing import Any

import pytest

from smsagg.control.personal_data import PersonalDataService
from smsagg.control.server import Caller
from smsagg.directory.audit import AuditSought
from smsagg.errors import ControlError
from smsagg.testing.gateway import make_config, run_gateway


async def test_an_erasure_begins_and_says_how_far_it_is() -> None:
    """Whoever asked is noted, and about whom is not."""
    async with run_gateway(make_config()) as gateway:
        service, told = PersonalDataService(gateway.engine), []

        async def send(record: Any) -> None:
            told.append(record)

        async def ask(**arguments: str) -> None:
            await service.serve(arguments, send, Caller(os.getpid(), os.getuid()))

        await ask(do="erase", number="+44 7700 900123")
        await ask(do="status", id=told[0]["id"])
        assert told[1]["pseudonym"].startswith("erased-")
        with pytest.raises(ControlError, match="no such erasure"):
            await ask(do="status", id=told[0]["id"], account="acme")
        with pytest.raises(ControlError, match="no international number"):
            await ask(do="erase", number="12")
        with pytest.raises(ControlError, match="no account nobody"):
            await ask(do="erase", number="+447700900123", account="nobody")
        with pytest.raises(ControlError, match="does not know"):
            await ask(do="sing")
        records, _ = await gateway.store.find_audit(AuditSought(0, "", "", ""), 0, 9)
        assert [record.entry.action for record in records] == ["personal-data.erase"]
        assert records[0].entry.actor.startswith("unix:")
        assert "7700900123" not in str(records)
