"""How many connections the system's limit of open files leaves to the front door.

Each connection is an open file. The limit (``RLIMIT_NOFILE``) is raised as far as needed and possible, and of what it
then is a part is kept for the rest: the store, the carriers' connections, HTTP. So of clients that come back at once
some may be refused, and never does one keep a carrier from reconnecting or the store from opening a file.
"""

import resource
from typing import NamedTuple

import structlog

RESERVED = 128
"""Files for the store, HTTP, operators, and what the interpreter opens."""
FILES_A_LINK = 2
"""A carrier's link may be a pair of connections."""


class FileLimit(NamedTuple):
    """What the system allows: now, and at most. ``-1``: no limit."""

    soft: int
    hard: int


def sessions_within(sessions_max: int, links: int, limit: FileLimit) -> tuple[int, int]:
    """The connections that may be open at a time, at most ``sessions_max`` and at least one, and the soft limit to set
    for that. ``links`` is how many links there are to carriers."""
    kept = RESERVED + FILES_A_LINK * links
    wanted = sessions_max + kept
    if limit.soft == resource.RLIM_INFINITY or limit.soft >= wanted:
        return sessions_max, limit.soft
    soft = wanted if limit.hard == resource.RLIM_INFINITY else min(wanted, limit.hard)
    return max(min(sessions_max, soft - kept), 1), soft


def claim_files(sessions_max: int, links: int) -> int:
    """Raise the process's limit as far as needed and possible; how many connections may be open at a time."""
    limit = FileLimit(*resource.getrlimit(resource.RLIMIT_NOFILE))
    allowed, soft = sessions_within(sessions_max, links, limit)
    if soft != limit.soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, limit.hard))
    if allowed < sessions_max:
        structlog.get_logger().warning(
            "fewer_sessions_than_configured", sessions_max=sessions_max, allowed=allowed, open_files=soft
        )
    return allowed
