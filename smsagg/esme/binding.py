"""Whether a bind request is let in: credentials, then the account's number of binds."""

from smsagg.engine.accounts import Account
from smsagg.esme.door import FrontDoor
from smsagg.esme.peer import Peer
from smsagg.esme.sessions import BoundSession
from smsagg.smpp.pdu import Bind, BindReceiver, BindTransceiver, BindTransmitter
from smsagg.smpp.status import ESME_RBINDFAIL, name_of

BIND_TYPES: dict[type[Bind], str] = {BindTransmitter: "tx", BindReceiver: "rx", BindTransceiver: "trx"}


async def authenticate(door: FrontDoor, pdu: Bind, peer: Peer) -> Account | None:
    """The account that these credentials belong to, from that peer; ``None`` for nobody's."""
    return await door.authenticator.authenticate(pdu.system_id, pdu.password, peer)


def register(door: FrontDoor, pdu: Bind, account: Account | None, peer: Peer, session: BoundSession) -> bool:
    """Count ``session`` among the binds of ``account``; False, logged and counted, when it is not let in."""
    bind_type = BIND_TYPES[type(pdu)]
    if account is not None and door.sessions.bind(account.name, bind_type, session, account.settings.binds_max):
        return True
    door.log.warning(
        "bind_refused",
        key=f"{peer.address} {pdu.system_id}",
        peer=peer.address,
        system_id=pdu.system_id,
        bind_type=bind_type,
        credentials="right" if account is not None else "wrong",
    )
    door.metrics.smpp_binds_refused[name_of(ESME_RBINDFAIL)].n += 1
    return False
