"""The ``command_status`` values (SMPP 3.4 §5.1.3, SMPP 5.0 §4.7.6) and their texts."""

from smpplib.consts import DESCRIPTIONS

ESME_ROK = 0x00000000
ESME_RINVMSGLEN = 0x00000001
ESME_RINVCMDLEN = 0x00000002
ESME_RINVCMDID = 0x00000003
ESME_RINVBNDSTS = 0x00000004
ESME_RALYBND = 0x00000005
ESME_RINVPRTFLG = 0x00000006
ESME_RINVREGDLVFLG = 0x00000007
ESME_RSYSERR = 0x00000008
ESME_RINVSRCADR = 0x0000000A
ESME_RINVDSTADR = 0x0000000B
ESME_RINVMSGID = 0x0000000C
ESME_RBINDFAIL = 0x0000000D
ESME_RINVPASWD = 0x0000000E
ESME_RINVSYSID = 0x0000000F
ESME_RCANCELFAIL = 0x00000011
ESME_RREPLACEFAIL = 0x00000013
ESME_RMSGQFUL = 0x00000014
ESME_RINVSERTYP = 0x00000015
ESME_RINVNUMDESTS = 0x00000033
ESME_RINVDLNAME = 0x00000034
ESME_RINVDESTFLAG = 0x00000040
ESME_RINVSUBREP = 0x00000042
ESME_RINVESMCLASS = 0x00000043
ESME_RCNTSUBDL = 0x00000044
ESME_RSUBMITFAIL = 0x00000045
ESME_RINVSRCTON = 0x00000048
ESME_RINVSRCNPI = 0x00000049
ESME_RINVDSTTON = 0x00000050
ESME_RINVDSTNPI = 0x00000051
ESME_RINVSYSTYP = 0x00000053
ESME_RINVREPFLAG = 0x00000054
ESME_RINVNUMMSGS = 0x00000055
ESME_RTHROTTLED = 0x00000058
ESME_RINVSCHED = 0x00000061
ESME_RINVEXPIRY = 0x00000062
ESME_RINVDFTMSGID = 0x00000063
ESME_RX_T_APPN = 0x00000064
ESME_RX_P_APPN = 0x00000065
ESME_RX_R_APPN = 0x00000066
ESME_RQUERYFAIL = 0x00000067
ESME_RINVOPTPARSTREAM = 0x000000C0
ESME_ROPTPARNOTALLWD = 0x000000C1
ESME_RINVPARLEN = 0x000000C2
ESME_RMISSINGOPTPARAM = 0x000000C3
ESME_RINVOPTPARAMVAL = 0x000000C4
ESME_RDELIVERYFAILURE = 0x000000FE
ESME_RUNKNOWNERR = 0x000000FF

# SMPP 5.0 only; never sent to a peer of an earlier version.
ESME_RSERTYPUNAUTH = 0x00000100
ESME_RPROHIBITED = 0x00000101
ESME_RSERTYPUNAVAIL = 0x00000102
ESME_RSERTYPDENIED = 0x00000103
ESME_RINVDCS = 0x00000104
ESME_RINVSRCADDRSUBUNIT = 0x00000105
ESME_RINVDSTADDRSUBUNIT = 0x00000106
ESME_RINVBCASTFREQINT = 0x00000107
ESME_RINVBCASTALIAS_NAME = 0x00000108
ESME_RINVBCASTAREAFMT = 0x00000109
ESME_RINVNUMBCAST_AREAS = 0x0000010A
ESME_RINVBCASTCNTTYPE = 0x0000010B
ESME_RINVBCASTMSGCLASS = 0x0000010C
ESME_RBCASTFAIL = 0x0000010D
ESME_RBCASTQUERYFAIL = 0x0000010E
ESME_RBCASTCANCELFAIL = 0x0000010F
ESME_RINVBCAST_REP = 0x00000110
ESME_RINVBCASTSRVGRP = 0x00000111
ESME_RINVBCASTCHANIND = 0x00000112

SMPP_5_0 = 0x50
"""The ``interface_version`` from which on a peer knows those."""

_OF_EARLIER_VERSIONS = {
    ESME_RSERTYPUNAUTH: ESME_RINVSERTYP,
    ESME_RPROHIBITED: ESME_RSUBMITFAIL,
    ESME_RSERTYPUNAVAIL: ESME_RINVSERTYP,
    ESME_RSERTYPDENIED: ESME_RINVSERTYP,
    ESME_RINVDCS: ESME_RSUBMITFAIL,
    ESME_RINVSRCADDRSUBUNIT: ESME_RINVSRCADR,
    ESME_RINVDSTADDRSUBUNIT: ESME_RINVDSTADR,
}

VENDOR_FIRST = 0x00000400
VENDOR_LAST = 0x000004FF
"""Vendor specific errors: ``VENDOR_FIRST`` to ``VENDOR_LAST``."""

NAMES: dict[int, str] = {
    value: name for name, value in list(globals().items()) if name.startswith("ESME_") and isinstance(value, int)
}
"""Every status that the specifications name."""


def status_for_version(command_status: int, interface_version: int) -> int:
    """``command_status`` in the words of a peer of this version: what only SMPP 5.0 names becomes its nearest older
    one."""
    if command_status < ESME_RSERTYPUNAUTH or interface_version >= SMPP_5_0 or is_vendor_specific(command_status):
        return command_status
    return _OF_EARLIER_VERSIONS.get(command_status, ESME_RSUBMITFAIL)


def is_vendor_specific(command_status: int) -> bool:
    return VENDOR_FIRST <= command_status <= VENDOR_LAST


def name_of(command_status: int) -> str:
    """``"ESME_RTHROTTLED"``, or the number in hexadecimal for one that the specifications do not name."""
    return NAMES.get(command_status) or f"0x{command_status:08X}"


def bounded_name_of(command_status: int) -> str:
    """The same from a closed set, whatever a peer sends: ``"other"`` for what neither the specifications name nor
    vendors may."""
    is_known = command_status in NAMES or is_vendor_specific(command_status)
    return name_of(command_status) if is_known else "other"


def describe(command_status: int) -> str:
    """Name and meaning for people, e.g. ``"ESME_RINVBNDSTS (Incorrect BIND Status for given command)"``."""
    if is_vendor_specific(command_status):
        return f"0x{command_status:08X} (vendor specific)"
    if command_status == ESME_RINVREGDLVFLG:  # smpplib has no text for this one
        return "ESME_RINVREGDLVFLG (Invalid Registered Delivery Flag)"
    text = DESCRIPTIONS.get(command_status)
    return f"{name_of(command_status)} ({text})" if text else name_of(command_status)
