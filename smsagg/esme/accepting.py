"""The answer to a bind request that is let in, and as what version its session is treated.

==========================  =======================================================================================
interface_version           The session
==========================  =======================================================================================
0x00 to 0x33 (SMPP 3.3)     is sent no TLVs, and message ids of 8 octets (SMPP 5.0 §2.11.2). 0x00 means 0x34 where the
                            account overlooks that (``interface_version_0``)
0x34 to 0x4F (SMPP 3.4)     is sent TLVs, and never a status that only SMPP 5.0 names
0x50 and above (SMPP 5.0)   the same with those statuses, and congestion_state in responses
==========================  =======================================================================================

sc_interface_version in the response is the version that the session follows: the peer's, at most 0x50.
"""

from smsagg.config.schema import AccountSettings
from smsagg.smpp.connection import Connection
from smsagg.smpp.pdu import RESPONSES, Bind, BindResp
from smsagg.smpp.status import SMPP_5_0
from smsagg.smpp.tlv import Tag, tlv_of_int

SMPP_3_4 = 0x34


def accept(connection: Connection, pdu: Bind, settings: AccountSettings, system_id: str) -> None:
    """Answer ``pdu`` with ESME_ROK; ``connection`` treats the peer as its account wants from now on."""
    if "missing_nul" in settings.lenient:
        connection.forgive_missing_nuls()
    if pdu.interface_version == 0 and "interface_version_0" in settings.lenient:
        connection.take_version(SMPP_3_4)
    response = RESPONSES[pdu.command_id](sequence_number=pdu.sequence_number)
    assert isinstance(response, BindResp)
    response.system_id = system_id
    response.tlvs = (tlv_of_int(Tag.SC_INTERFACE_VERSION, min(connection.interface_version, SMPP_5_0)),)
    connection.respond(response)
