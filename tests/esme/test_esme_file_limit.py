"""The limit of open files: connections are refused before the store and the carriers go without (B16)."""

import errno
import resource

import pytest
from esme_port import listening
from hypothesis import given
from hypothesis import strategies as st

from smsagg.esme.file_limit import FILES_A_LINK, RESERVED, FileLimit, claim_files, sessions_within

LIMITS = st.one_of(st.just(resource.RLIM_INFINITY), st.integers(64, 1 << 20))


@given(st.integers(1, 100_000), st.integers(0, 500), LIMITS, LIMITS)
def test_what_is_open_at_most_is_within_the_limit(sessions_max: int, links: int, soft: int, hard: int) -> None:
    """Connections, links and the rest together; the limit is raised no further than needed or allowed."""
    allowed, raised = sessions_within(sessions_max, links, FileLimit(soft, hard))
    assert 1 <= allowed <= sessions_max
    if raised != resource.RLIM_INFINITY and allowed > 1:
        assert allowed + links * FILES_A_LINK + RESERVED <= raised
    if raised != soft:
        assert soft < raised <= sessions_max + links * FILES_A_LINK + RESERVED or raised <= hard
        assert hard == resource.RLIM_INFINITY or raised <= hard


def test_an_ordinary_number_of_sessions_fits_this_process() -> None:
    """And leaves the limit where it was."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert claim_files(10, 1) == 10
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
async def test_a_listener_without_files_goes_on_when_there_are_some(
    monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """Those who wait in the backlog are served a moment later; who is bound notices nothing."""
    async with listening() as port:
        bound = await port.bound()
        failures = [OSError(error, "no more")] * 2
        accept = type(port.socket.socket).accept

        async def failing(self):  # type: ignore[no-untyped-def]
            if failures:
                raise failures.pop()
            return await accept(self)

        monkeypatch.setattr(type(port.socket.socket), "accept", failing)
        first, second = await port.bound(), await port.bound()
        assert failures == []
        for client in (bound, first, second):
            await client.submit_ok()
