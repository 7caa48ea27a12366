"""Whether a bind request is let in: credentials and where they come from, then the account's number of binds."""

from smsagg.engine.accounts import Account
from smsagg.esme.authenticator import BindRefusal
from smsagg.esme.door import FrontDoor
from smsagg.esme.peer import Peer
from smsagg.esme.sessions import BoundSession
from smsagg.smpp.pdu import Bind, BindReceiver, BindTransceiver, BindTransmitter
from smsagg.smpp.status import ESME_RBINDFAIL, name_of

BIND_TYPES: dict[type[Bind], str] = {BindTransmitter: "tx", BindReceiver: "rx", BindTransceiver: "trx"}


async def authenticate(door: FrontDoor, pdu: Bind, peer: Peer) -> Account | BindRefusal:
    """The account that these credentials belong to, from that peer, or why it is not let in."""
    return await door.authenticator.authenticate(pdu.system_id, pdu.password, peer)


def register(
    door: FrontDoor, pdu: Bind, found: Account | BindRefusal, peer: Peer, session: BoundSession
) -> Account | None:
    """The account that ``session`` now counts as a bind of; ``None``, logged and counted, when it is not let in."""
    bind_type = BIND_TYPES[type(pdu)]
    refusal = found
    if isinstance(found, Account):
        if door.sessions.bind(found.name, bind_type, session, found.settings.binds_max):
            door.engine.guard.bound(found.name, peer.address)
            return found
        refusal = BindRefusal.BINDS_MAX
    assert isinstance(refusal, BindRefusal)
    door.log.warning(
        "bind_refused",
        # A ban has had its line when it began; what it refuses is one line for all, however many system_ids are tried.
        key="" if refusal is BindRefusal.BANNED else f"{peer.address} {pdu.system_id}",
        peer=peer.address,
        system_id=pdu.system_id,
        bind_type=bind_type,
        reason=refusal.value,
    )
    door.metrics.smpp_binds_refused[name_of(ESME_RBINDFAIL)].n += 1
    door.metrics.smpp_bind_failures[refusal.value].n += 1
    return None
