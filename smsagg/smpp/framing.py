"""Cuts a stream of octets into PDUs.

Whatever the segments of the stream, the frames that come out are the same. Octets are kept only as they arrive: a
``command_length`` that promises much costs nothing until it is kept, and one that is unusable ends the stream before
any of its body is stored. At most one PDU's worth (``pdu_octets_max``) waits between calls.
"""

from struct import Struct

from smsagg.smpp.errors import FramingError
from smsagg.smpp.status import ESME_RINVCMDLEN

_LENGTH = Struct(">I").unpack_from
_HEADER_OCTETS = 16


class FrameBuffer:
    """The receiving end of one stream.

    ``partial_since`` is when (the ``now`` of :meth:`feed`) the PDU began that is not whole yet, ``None`` between PDUs.
    """

    __slots__ = ("_awaited", "_partial", "_pdu_octets_max", "_unusable", "partial_since")

    def __init__(self, pdu_octets_max: int) -> None:
        self._pdu_octets_max = pdu_octets_max
        self._partial = bytearray()
        self._awaited = 4  # octets that must be in _partial before looking at it is worth while
        self._unusable: int | None = None  # the command_length that ended the stream
        self.partial_since: float | None = None

    @property
    def buffered_octets(self) -> int:
        """Octets of the PDU that is not whole yet."""
        return len(self._partial)

    def partial(self) -> bytes:
        """What has come of the PDU that is not whole yet."""
        return bytes(self._partial)

    def feed(self, data: bytes, now: float = 0.0) -> list[bytes]:
        """The PDUs that are whole with ``data``, in order, each with its header.

        Raises :class:`FramingError`, which carries the whole PDUs before the unusable header, and raises it again
        (without them) on every later call.
        """
        if self._unusable is not None:
            raise FramingError(ESME_RINVCMDLEN, self._unusable, [])
        began_at = now
        if self._partial:
            self._partial += data
            if len(self._partial) < self._awaited:
                return []
            data = bytes(self._partial)
            self._partial.clear()
            assert self.partial_since is not None
            began_at = self.partial_since
        return self._cut(data, began_at, now)

    def _cut(self, data: bytes, began_at: float, now: float) -> list[bytes]:
        frames: list[bytes] = []
        start, end = 0, len(data)
        octets = 4
        octets_max = self._pdu_octets_max
        while end - start >= 4:
            (octets,) = _LENGTH(data, start)
            if octets < _HEADER_OCTETS or octets > octets_max:
                self.partial_since = None
                self._unusable = octets
                raise FramingError(ESME_RINVCMDLEN, octets, frames)
            stop = start + octets
            if stop > end:
                break
            frames.append(data[start:stop])
            start = stop
            octets = 4
        if start == end:
            self.partial_since = None
        else:
            self._partial += data[start:] if start else data
            self._awaited = octets
            self.partial_since = now if frames else began_at
        return frames
