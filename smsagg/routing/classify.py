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


class Verdict(Enum):
    TEMPORARY = "temporary"
    THROTTLED = "throttled"
    PERMANENT = "permanent"


_TEMPORARY = (
    0x04,  # ESME_RINVBNDSTS: the session is not what we thought; another is
    0x05,  # ESME_RALYBND
    0x08,  # ESME_RSYSERR
    0x0D,  # ESME_RBINDFAIL
    0x0E,  # ESME_RINVPASWD: as the three around it, about the session and not about the message
    0x0F,  # ESME_RINVSYSID
    0x45,  # ESME_RSUBMITFAIL: "submit failed", which says nothing about the next time
    0x64,  # ESME_RX_T_APPN
    0xFE,  # ESME_RDELIVERYFAILURE
    0xFF,  # ESME_RUNKNOWNERR
    0x102,  # ESME_RSERTYPUNAVAIL (5.0)
)

_THROTTLED = (
    0x14,  # ESME_RMSGQFUL: a resource or queue limit of the carrier
    0x58,  # ESME_RTHROTTLED: a rate limit
)

_PERMANENT = (
    0x01,  # ESME_RINVMSGLEN
    0x02,  # ESME_RINVCMDLEN
    0x03,  # ESME_RINVCMDID
    0x06,  # ESME_RINVPRTFLG
    0x07,  # ESME_RINVREGDLVFLG
    0x0A,  # ESME_RINVSRCADR
    0x0B,  # ESME_RINVDSTADR
    0x0C,  # ESME_RINVMSGID
    0x11,  # ESME_RCANCELFAIL
    0x13,  # ESME_RREPLACEFAIL
    0x15,  # ESME_RINVSERTYP
    0x33,  # ESME_RINVNUMDESTS
    0x34,  # ESME_RINVDLNAME
    0x40,  # ESME_RINVDESTFLAG
    0x42,  # ESME_RINVSUBREP
    0x43,  # ESME_RINVESMCLASS
    0x44,  # ESME_RCNTSUBDL
    0x48,  # ESME_RINVSRCTON
    0x49,  # ESME_RINVSRCNPI
    0x50,  # ESME_RINVDSTTON
    0x51,  # ESME_RINVDSTNPI
    0x53,  # ESME_RINVSYSTYP
    0x54,  # ESME_RINVREPFLAG
    0x55,  # ESME_RINVNUMMSGS
    0x61,  # ESME_RINVSCHED
    0x62,  # ESME_RINVEXPIRY
    0x63,  # ESME_RINVDFTMSGID
    0x65,  # ESME_RX_P_APPN
    0x66,  # ESME_RX_R_APPN
    0x67,  # ESME_RQUERYFAIL
    0xC0,  # ESME_RINVOPTPARSTREAM
    0xC1,  # ESME_ROPTPARNOTALLWD
    0xC2,  # ESME_RINVPARLEN
    0xC3,  # ESME_RMISSINGOPTPARAM
    0xC4,  # ESME_RINVOPTPARAMVAL
    0x100,  # ESME_RSERTYPUNAUTH (5.0)
    0x101,  # ESME_RPROHIBITED (5.0)
    0x103,  # ESME_RSERTYPDENIED (5.0)
    0x104,  # ESME_RINVDCS (5.0)
    0x105,  # ESME_RINVSRCADDRSUBUNIT (5.0)
    0x106,  # ESME_RINVDSTADDRSUBUNIT (5.0)
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
        assert command_status != 0, "ESME_ROK is no refusal"
        return self._verdicts.get(command_status, UNLISTED)
