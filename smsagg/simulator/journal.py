"""A journal of what the simulated SMSC saw and did, one JSON object a line, for whoever checks that nothing was lost.

Events: ``submit`` (with from, to, text and the id it was given), ``response``, ``receipt`` (each sending), ``ack``
(each answer). All carry the id and wall time in milliseconds. ``text`` is the message, latin-1.
"""

from pathlib import Path
from typing import Any, BinaryIO

import orjson

from smsagg.clock import Clock
from smsagg.smpp.codec import decode
from smsagg.smpp.errors import PduError
from smsagg.smpp.pdu import SubmitSm
from smsagg.smpp.tlv import Tag, tlv_value


class Journal:
    """An open journal; lines reach the file at :meth:`flush`."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._file: BinaryIO = path.open("ab")
        self._clock = clock

    def submitted(self, system_id: str, frame: bytes, message_id: str, command_status: int) -> None:
        """A submit_sm and what was decided about it."""
        try:
            pdu = decode(frame)
        except PduError:
            return
        assert isinstance(pdu, SubmitSm)
        body = pdu.short_message or tlv_value(pdu.tlvs, Tag.MESSAGE_PAYLOAD) or b""
        self._write(
            "submit",
            message_id,
            system_id=system_id,
            status=command_status,
            source=pdu.source_addr,
            destination=pdu.destination_addr,
            text=body.decode("latin-1"),
        )

    def responded(self, message_id: str, command_status: int) -> None:
        self._write("response", message_id, status=command_status)

    def delivered(self, message_id: str, word: str) -> None:
        self._write("receipt", message_id, stat=word)

    def acknowledged(self, message_id: str, word: str, command_status: int) -> None:
        self._write("ack", message_id, stat=word, status=command_status)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _write(self, event: str, message_id: str, **fields: Any) -> None:
        line = {"at": self._clock.now_ms(), "event": event, "id": message_id, **fields}
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
