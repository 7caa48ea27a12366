"""What a command_status means for the message."""

import pytest

from smsagg.routing.classify import BUILT_IN, UNLISTED, StatusClassifier, Verdict
from smsagg.smpp import status


@pytest.mark.parametrize(
    ("command_status", "verdict"),
    [
        (status.ESME_RTHROTTLED, Verdict.THROTTLED),
        (status.ESME_RMSGQFUL, Verdict.THROTTLED),
        (status.ESME_RSYSERR, Verdict.TEMPORARY),
        (status.ESME_RINVBNDSTS, Verdict.TEMPORARY),
        (status.ESME_RX_T_APPN, Verdict.TEMPORARY),
        (status.ESME_RINVSRCADR, Verdict.PERMANENT),
        (status.ESME_RINVDSTADR, Verdict.PERMANENT),
        (status.ESME_RINVMSGLEN, Verdict.PERMANENT),
    ],
)
def test_the_statuses_that_decide_most_messages(command_status: int, verdict: Verdict) -> None:
    """Carriers answer these every day."""
    assert StatusClassifier().classify(command_status) is verdict


def test_every_status_of_submit_sm_is_listed() -> None:
    """All that the specifications name is decided on purpose, but for those of broadcasts, which we never send."""
    broadcast = range(status.ESME_RINVBCASTFREQINT, status.ESME_RINVBCASTCHANIND + 1)
    assert set(status.NAMES) - set(broadcast) - {status.ESME_ROK} == set(BUILT_IN)


def test_it_is_total() -> None:
    """Reserved and vendor values have a verdict as well."""
    classifier = StatusClassifier()
    for command_status in (*range(1, 0x600), 0x7FFFFFFF, 0xFFFFFFFF):
        expected = BUILT_IN.get(command_status, UNLISTED)
        assert classifier.classify(command_status) is expected


def test_success_is_no_refusal() -> None:
    """Asking is our own bug."""
    with pytest.raises(AssertionError):
        StatusClassifier().classify(status.ESME_ROK)


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("command_status", [status.ESME_RSYSERR, status.ESME_RTHROTTLED, status.ESME_RINVDSTADR, 0x401])
def test_a_carrier_may_say_otherwise(verdict: Verdict, command_status: int) -> None:
    """Its own lists go before the table, and touch nothing else."""
    classifier = StatusClassifier(**{verdict.value: (command_status,)})
    assert classifier.classify(command_status) is verdict
    assert classifier.classify(status.ESME_RINVMSGLEN) is Verdict.PERMANENT


def test_temporary_wins_over_the_other_lists() -> None:
    """A status in several lists is treated in the way that loses nothing."""
    assert StatusClassifier((0x401,), (0x401,), (0x401,)).classify(0x401) is Verdict.TEMPORARY
    assert StatusClassifier((), (0x401,), (0x401,)).classify(0x401) is Verdict.THROTTLED
