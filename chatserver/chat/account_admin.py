"""What admins do with accounts: approve, disable, give a role, and send a link for a new password."""

from __future__ import annotations

import time

from ..accounts.accounts import Accounts
from ..model.audit import entry
from ..model.errors import Reject
from ..model.people import Account
from ..model.values import AccountState, User
from ..store import Connection, Store, audit
from ..store import accounts as people
from ..store import tokens as kept_tokens
from .access import Access
from .account_changes import AccountChanges


class AccountAdmin:
    """The use cases of admins, who need the permission ``server.accounts``. Refusals are raised as `Reject`."""

    def __init__(self, store: Store, accounts: Accounts, access: Access, changes: AccountChanges) -> None:
        self._store = store
        self._accounts = accounts
        self._access = access
        self._changes = changes

    async def listed(self, by: User, state: AccountState | None) -> list[Account]:
        """All accounts, or those in one state, by name."""
        await self._access.require(by, "server.accounts")
        return await self._store.read(lambda conn: people.accounts(conn, state))

    async def change(self, by: User, user_id: str, state: AccountState | None, role: str | None) -> Account:
        """Another state or role, in effect at once: ``active`` approves and enables, ``disabled`` ends all sessions."""
        await self._access.require(by, "server.accounts")
        account = await self.account(user_id)
        user = account.user
        if user.id == by.id:
            raise Reject("You can't change your own account here.", "forbidden", field="user")
        if state == "waiting":
            raise Reject("An account doesn't go back to waiting.", "invalid", field="state")
        if role is not None or account.state != "waiting":
            self._require_above(by, user)
        if role is not None and not self._access.permissions.may_give(by, role):
            raise Reject(
                "A role with more rights than your own is not yours to give.", "forbidden", field="role"
            )
        # The role first: a wrong one is refused before anything is written.
        if role is not None and role != user.role:
            await self._accounts.set_role(user, role, by=by)
        if state is not None:
            await set_state(self._store, user, state, by=by)
        await self._changes.refresh(user.id)
        return await self.account(user_id)

    async def refuse(self, by: User, user_id: str) -> None:
        """Remove an account that waits to be approved; its name is free again."""
        await self._access.require(by, "server.accounts")
        if not await self._store.write(lambda conn: people.drop_waiting(conn, user_id)):
            raise Reject("There is no such account that waits.", "not_found", field="user")

    async def reset_link(self, by: User, user_id: str) -> str:
        """The token of a link with which the account's owner sets another password: once, within a day."""
        await self._access.require(by, "server.accounts")
        account = await self.account(user_id)
        self._require_above(by, account.user)
        token = await self._accounts.tokens.issue(account.user, "reset")
        noted = entry("reset_link", time.time(), by=by, target=account.user)
        await self._store.write(lambda conn: audit.record(conn, noted))
        return token

    def _require_above(self, by: User, target: User) -> None:
        """Setting the password or the role of an account gives all its rights. Raises `Reject` ``forbidden``."""
        if by.scopes is not None:
            raise Reject("Only a session may do this, not a token of a program.", "forbidden")
        if not self._access.permissions.outranks(by, target):
            raise Reject("That account has a role as high as yours.", "forbidden", field="user")

    async def account(self, user_id: str) -> Account:
        """The account with this id. Raises `Reject` ``not_found``."""
        found = await self._store.read(lambda conn: people.account(conn, user_id))
        if found is None:
            raise Reject("There is no such account.", "not_found", field="user")
        return found


async def set_state(store: Store, user: User, state: AccountState, *, by: User | None = None) -> None:
    """Let an account be signed in to, or not, which ends its sessions; a running server is told."""

    def change(conn: Connection) -> None:
        people.set_state(conn, user.id, state)
        if state != "active":
            kept_tokens.drop(conn, user_id=user.id)
        people.add_signal(conn, user.id)
        audit.record(conn, entry("account_state", time.time(), by=by, target=user, detail=state))

    await store.write(change)
