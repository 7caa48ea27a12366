"""Finds acknowledged commits in a WAL that SQLite could not read.

After a crash SQLite takes the WAL up to the first frame whose checksum is wrong, and silently drops the rest: after a
power loss that is the one commit that was being written. But each commit is synced before the next begins, so where
one whole commit is followed by another behind the frame at which SQLite stopped, that frame was damaged later, and
the former commit had been acknowledged. A flip in the very last commit cannot be told from a torn write.

"Followed" is proved by the checksums, each of which goes on from the one of the frame before: what failed commits
left behind is a row of separate pieces, of at most one commit each.

Layout: https://www.sqlite.org/fileformat2.html#walformat (header of 32 octets, then frames of 24 octets and a page;
integers big-endian; frames of the current generation carry the header's salts; a commit's last frame is marked).
"""

import struct

from smsagg.errors import StoreFailed

HEADER = struct.Struct(">8I")
FRAME_HEADER = struct.Struct(">6I")
WORDS = {0x377F0682: "<", 0x377F0683: ">"}
"""Byte order of the checksums by the header's magic number."""


def refuse_unread_commits(path: str, frames_read: int) -> None:
    """Raise :class:`StoreFailed` when the WAL at ``path`` holds acknowledged commits after its first ``frames_read``.

    ``frames_read`` is how many frames SQLite's recovery took.
    """
    with open(path, "rb") as wal:
        header = wal.read(HEADER.size)
        if not wal.read(1):
            return
        magic, _, page_octets, _, *salts, one, two = HEADER.unpack(header)
        if magic not in WORDS or _checksum(WORDS[magic], header[:24], (0, 0)) != (one, two):
            raise StoreFailed(f"the header of {path} is damaged: restore a backup")
        frame_octets = FRAME_HEADER.size + page_octets
        wal.seek(HEADER.size + frames_read * frame_octets)
        commits, before = 0, None
        while len(frame := wal.read(frame_octets)) == frame_octets:
            _, pages_after_commit, *frame_salts, one, two = FRAME_HEADER.unpack_from(frame)
            if frame_salts != salts:
                commits, before = 0, None
                continue
            if before is None or _checksum(WORDS[magic], frame[:8] + frame[24:], before) != (one, two):
                commits = 0
            commits += pages_after_commit > 0
            before = (one, two)
            if commits > 1:
                raise StoreFailed(
                    f"{path} is damaged after frame {frames_read}, and commits that follow cannot be read: restore a "
                    "backup, or, to go on without them, open the database once with the sqlite3 shell"
                )


def _checksum(order: str, octets: bytes, before: tuple[int, int]) -> tuple[int, int]:
    """SQLite's running checksum of ``octets``, going on from ``before``."""
    one, two = before
    words = struct.unpack(f"{order}{len(octets) // 4}I", octets)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & 0xFFFFFFFF
        two = (two + odd + one) & 0xFFFFFFFF
    return one, two
