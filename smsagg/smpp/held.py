"""PDUs that wait behind a bind request whose answer decides what they may do; in order and bounded."""


class HeldFrames:
    """At most ``octets_max`` octets of whole PDUs. ``len()`` is how many PDUs."""

    __slots__ = ("_frames", "_octets", "_octets_max")

    def __init__(self, octets_max: int) -> None:
        self._octets_max = octets_max
        self._octets = 0
        self._frames: list[bytes] = []

    def __len__(self) -> int:
        return len(self._frames)

    def hold(self, frames: list[bytes]) -> list[bytes]:
        """Keep ``frames``; those for which there is no room come back, and so do all after them."""
        for index, frame in enumerate(frames):
            if self._octets + len(frame) > self._octets_max:
                self._octets = self._octets_max  # nothing may overtake what was refused
                return frames[index:]
            self._frames.append(frame)
            self._octets += len(frame)
        return []

    def release(self) -> list[bytes]:
        """What was kept, in order; nothing is kept afterwards."""
        frames, self._frames, self._octets = self._frames, [], 0
        return frames
