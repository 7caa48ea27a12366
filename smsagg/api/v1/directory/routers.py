"""The endpoints of the directory: of accounts on their own, and of the operator on any."""

from fastapi import APIRouter

from smsagg.api.v1.directory.accounts import Accounts
from smsagg.api.v1.directory.keys import Keys
from smsagg.api.v1.directory.me import Me
from smsagg.api.v1.directory.sides import Side
from smsagg.api.v1.directory.users import Users
from smsagg.api.v1.resources.changing import Desk
from smsagg.engine import Engine
from smsagg.engine.directory.directory import Directory


def directory_routers(engine: Engine, directory: Directory, desk: Desk) -> list[APIRouter]:
    """All of them, over one directory."""
    clock = engine.core.clock
    routers = [Me(directory, lambda: engine.core.config).router, Accounts(engine, desk).router]
    for side in (Side(engine, is_operators=False), Side(engine, is_operators=True)):
        keyrings = (directory.keys, directory.clients)
        routers += [Keys(directory, keyring, side, clock).router for keyring in keyrings]
        routers.append(Users(directory, side, clock).router)
    return routers
