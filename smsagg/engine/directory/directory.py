"""Who may come in and what they may do, put together."""

import os
from collections.abc import Callable

import trio

from smsagg.clock import Clock
from smsagg.config.schema import Config
from smsagg.directory.audit import Actor
from smsagg.directory.key import Key
from smsagg.directory.secrets import CLIENT_PREFIX, KEY_PREFIX
from smsagg.directory.user import User
from smsagg.engine.directory import key_credentials, tokens
from smsagg.engine.directory.credentials import Credentials
from smsagg.engine.directory.key_credentials import KeyCredentials
from smsagg.engine.directory.keyring import Keyring
from smsagg.engine.directory.register import Register
from smsagg.engine.directory.second_factor import SecondFactor
from smsagg.engine.directory.tokens import Tokens
from smsagg.engine.directory.users import Users
from smsagg.protection import Cipher


class Directory:
    """One for the process."""

    def __init__(
        self,
        config: Config,
        register: Register,
        cipher: Cipher,
        clock: Clock,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.credentials = Credentials(config, clock)
        self.users = Users(register)
        self.keys = Keyring(key_credentials.KIND, KEY_PREFIX, register, clock, entropy)
        self.clients = Keyring(tokens.KIND, CLIENT_PREFIX, register, clock, entropy)
        self.tokens = Tokens(register, self.credentials, clock, entropy)
        self.second_factor = SecondFactor(register, cipher, clock, entropy)
        self._turn = trio.Lock()
        KeyCredentials(register, self.users, self.credentials, clock)

    async def create_key(self, by: Actor, keyring: Keyring, key: Key) -> tuple[Key, str] | None:
        """As :meth:`Keyring.create`, one at a time, so that bounds hold; ``None``: its user is no more."""
        async with self._turn:
            if key.user and self.users.find(key.account, key.user) is None:
                return None
            return await keyring.create(by, key)

    async def put_user(self, by: Actor, user: User) -> None:
        """As :meth:`Users.put`, one at a time."""
        async with self._turn:
            await self.users.put(by, user)

    async def enrol(self, by: Actor, account: str, user: str) -> str | None:
        """As :meth:`SecondFactor.enrol`, one at a time; ``None``: the user is no more."""
        async with self._turn:
            if self.users.find(account, user) is None:
                return None
            return await self.second_factor.enrol(by, account, user)

    async def delete_user(self, by: Actor, account: str, name: str) -> bool:
        """Forget a person, after their keys and second factor: who has the name next inherits nothing. False: there was
        nobody. Raises StoreError; what was done until then stays done, and the rest can be asked for again."""
        async with self._turn:
            for key in self.keys.all(account):
                if key.user == name:
                    await self.keys.revoke(by, account, key.name)
            await self.second_factor.remove(by, account, name)
            return await self.users.delete(by, account, name)
