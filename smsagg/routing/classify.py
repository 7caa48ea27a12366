"""What a carrier's ``command_status`` means for the message it refused.

Three verdicts. TEMPORARY: try again later, on another carrier first; it counts as an attempt. THROTTLED: the carrier
asks to slow down; the link slows, the message goes back and no attempt is spent. PERMANENT: no carrier state explains
it, the message itself is refused for good.

A status that the table does not list (reserved values, the vendors' 0x400 to 0x4FF) is TEMPORARY: what an unknown
code means nobody can tell, another carrier may well take the message, and attempts and ttl bound the retries, while
a wrong PERMANENT ends a message that could have been delivered. Carriers whose codes are known say so in
``[carriers.NAME]`` ``temporary``, ``throttled`` and ``permanent``, which go before the table (in that order, when one
status stands in several).

Sources: SMPP 3.4 §5.1.3, SMPP 5.0 §4.7.6.
"""

from collections.abc import Iterable
from enum import Enum

from smsagg.smpp import status


class Verdict(Enum):
    TEMPORARY = "temporary"
    THROTTLED = "throttled"
    PERMANENT = "permanent"


_TEMPORARY = (
    status.ESME_RINVBNDSTS,  # the session is not what we thought; another is
    status.ESME_RALYBND,
    status.ESME_RSYSERR,
    status.ESME_RBINDFAIL,
    status.ESME_RINVPASWD,  # as the three around it, about the session and not about the message
    status.ESME_RINVSYSID,
    status.ESME_RSUBMITFAIL,  # "submit failed", which says nothing about the next time
    status.ESME_RX_T_APPN,
    status.ESME_RDELIVERYFAILURE,
    status.ESME_RUNKNOWNERR,
    status.ESME_RSERTYPUNAVAIL,
)

_THROTTLED = (
    status.ESME_RMSGQFUL,  # a resource or queue limit of the carrier
    status.ESME_RTHROTTLED,  # a rate limit
)

_PERMANENT = (
    status.ESME_RINVMSGLEN,
    status.ESME_RINVCMDLEN,
    status.ESME_RINVCMDID,
    status.ESME_RINVPRTFLG,
    status.ESME_RINVREGDLVFLG,
    status.ESME_RINVSRCADR,
    status.ESME_RINVDSTADR,
    status.ESME_RINVMSGID,
    status.ESME_RCANCELFAIL,
    status.ESME_RREPLACEFAIL,
    status.ESME_RINVSERTYP,
    status.ESME_RINVNUMDESTS,
    status.ESME_RINVDLNAME,
    status.ESME_RINVDESTFLAG,
    status.ESME_RINVSUBREP,
    status.ESME_RINVESMCLASS,
    status.ESME_RCNTSUBDL,
    status.ESME_RINVSRCTON,
    status.ESME_RINVSRCNPI,
    status.ESME_RINVDSTTON,
    status.ESME_RINVDSTNPI,
    status.ESME_RINVSYSTYP,
    status.ESME_RINVREPFLAG,
    status.ESME_RINVNUMMSGS,
    status.ESME_RINVSCHED,
    status.ESME_RINVEXPIRY,
    status.ESME_RINVDFTMSGID,
    status.ESME_RX_P_APPN,
    status.ESME_RX_R_APPN,
    status.ESME_RQUERYFAIL,
    status.ESME_RINVOPTPARSTREAM,
    status.ESME_ROPTPARNOTALLWD,
    status.ESME_RINVPARLEN,
    status.ESME_RMISSINGOPTPARAM,
    status.ESME_RINVOPTPARAMVAL,
    status.ESME_RSERTYPUNAUTH,
    status.ESME_RPROHIBITED,
    status.ESME_RSERTYPDENIED,
    status.ESME_RINVDCS,
    status.ESME_RINVSRCADDRSUBUNIT,
    status.ESME_RINVDSTADDRSUBUNIT,
)

UNLISTED = Verdict.TEMPORARY
"""The verdict on a status that no table lists."""

BUILT_IN: dict[int, Verdict] = {
    **dict.fromkeys(_TEMPORARY, Verdict.TEMPORARY),
    **dict.fromkeys(_THROTTLED, Verdict.THROTTLED),
    **dict.fromkeys(_PERMANENT, Verdict.PERMANENT),
}


class StatusClassifier:
    """One carrier's reading of ``command_status``."""

    __slots__ = ("_verdicts",)

    def __init__(
        self, temporary: Iterable[int] = (), throttled: Iterable[int] = (), permanent: Iterable[int] = ()
    ) -> None:
        """The arguments are the overrides of ``[carriers.NAME]``."""
        self._verdicts = {
            **BUILT_IN,
            **dict.fromkeys(permanent, Verdict.PERMANENT),
            **dict.fromkeys(throttled, Verdict.THROTTLED),
            **dict.fromkeys(temporary, Verdict.TEMPORARY),
        }

    def classify(self, command_status: int) -> Verdict:
        """The verdict on any status but ESME_ROK, which refuses nothing."""
        assert command_status != status.ESME_ROK, "ESME_ROK is no refusal"
        return self._verdicts.get(command_status, UNLISTED)
