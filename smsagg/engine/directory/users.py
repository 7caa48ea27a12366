"""People of accounts and of the operator's own, kept in the register."""

from smsagg.directory.audit import Actor
from smsagg.directory.user import User, user_of
from smsagg.engine.directory.register import Register
from smsagg.errors import RegisterFull

KIND = "user"
USERS_MAX = 1_000
"""Of an account, and of the operator's own."""


class Users:
    """All of them."""

    def __init__(self, register: Register) -> None:
        self._register = register

    def find(self, account: str, name: str) -> User | None:
        """``None``: there is none."""
        document = self._register.get(KIND, f"{account}/{name}")
        return None if document is None else user_of(f"{account}/{name}", document)

    def role_of(self, account: str, name: str) -> str | None:
        """The role in which this person is let in now; ``None``: not at all."""
        user = self.find(account, name)
        return user.role if user is not None and user.enabled else None

    def all(self, account: str) -> list[User]:
        """By name."""
        return [user_of(path, document) for path, document in self._register.all(KIND, f"{account}/").items()]

    async def put(self, by: Actor, user: User) -> None:
        """Keep; returns after the commit. Raises StoreError, and RegisterFull."""
        if self.find(user.account, user.name) is None and len(self.all(user.account)) >= USERS_MAX:
            raise RegisterFull(f"there are {USERS_MAX} already")
        await self._register.put(by, KIND, user.path, user.document())

    async def delete(self, by: Actor, account: str, name: str) -> bool:
        """Forget; False: there was none. Raises StoreError."""
        return await self._register.delete(by, KIND, f"{account}/{name}")
