"""Erasing a user: all that they wrote, are called and have uploaded goes, while people chat."""

from __future__ import annotations

import asyncio
import html
import logging
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Literal

import msgspec

from ..accounts.accounts import Accounts
from ..model.audit import entry
from ..model.errors import Reject
from ..model.ids import SYSTEM_ID
from ..model.unnaming import unnamed
from ..model.values import User
from ..plugins.host import PluginHost
from ..store import Connection, Store, audit, erasing_users, room_lists
from ..store import accounts as people
from ..store import changes as log_changes
from ..store import queries as reading
from ..store import tokens as kept_tokens
from ..store.erasing_users import Place, Traces
from .access import Access
from .account_changes import AccountChanges
from .drafts import escaped
from .registry import RoomRegistry
from .rooms import SYSTEM

log = logging.getLogger(__name__)

PAGE = 50
"""So many messages or events are one step."""
KEPT_SECONDS = 3600.0
"""How long it is told what became of an erasure."""


class Progress(msgspec.Struct):
    """How far an erasure is: ``done`` of ``total`` steps. ``error`` says why it failed; it may be begun again."""

    user: str
    done: int
    total: int
    state: Literal["running", "done", "failed"] = "running"
    error: str = ""
    ended: float = 0.0


class Erasure:
    """The use cases of admins. Refusals are raised as `Reject`."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        access: Access,
        rooms: RoomRegistry,
        changes: AccountChanges,
        plugins: PluginHost,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._access = access
        self._rooms = rooms
        self._changes = changes
        self._plugins = plugins
        self._progress: dict[str, Progress] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def traces(self, by: User | None, name_or_id: str) -> tuple[User, Traces]:
        """Whom it would erase, and how much of theirs. ``by`` None is the command line."""
        user = await self._erasable(by, name_or_id)
        return user, await self._store.read(partial(erasing_users.traces, user_id=user.id))

    async def begin(self, by: User | None, name_or_id: str) -> Progress:
        """Shut a user out and begin to erase them. One that is under way goes on."""
        user = await self._erasable(by, name_or_id)
        known = self._progress.get(user.id)
        if known is not None and known.state == "running":
            return known
        now = time.monotonic()
        old = [key for key, each in self._progress.items() if each.ended and each.ended < now - KEPT_SECONDS]
        for key in old:
            del self._progress[key]
        traces = await self._store.read(partial(erasing_users.traces, user_id=user.id))
        progress = self._progress[user.id] = Progress(user.id, 0, traces.messages + traces.mentions + 1)
        task = asyncio.create_task(self._run(by, user, progress))
        self._tasks[user.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(user.id, None))
        return progress

    async def progress(self, by: User | None, user_id: str) -> Progress:
        """How far it is. Raises `Reject` ``not_found`` where this server has begun none since its start, and the user
        is not erased."""
        if by is not None:
            await self._access.require(by, "server.accounts")
        if user_id in self._progress:
            return self._progress[user_id]
        user = await self._store.read(partial(people.user_by_id, user_id=user_id))
        if user is None or user.name != people.alias_of(user_id):
            raise Reject("No erasure of that user was begun here.", "not_found", field="user")
        return Progress(user_id, 1, 1, "done")

    async def stop(self) -> None:
        """End what is under way; it has to be begun again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _erasable(self, by: User | None, name_or_id: str) -> User:
        if by is not None:
            await self._access.require(by, "server.accounts")
        user = await self._accounts.find(name_or_id)
        if user.bot or user.id == SYSTEM_ID:
            raise Reject("A program's user can't be erased.", "invalid", field="user")
        if by is not None:
            if by.scopes is not None:
                raise Reject("Only a session may do this, not a token of a program.", "forbidden")
            if not self._access.permissions.outranks(by, user):
                raise Reject("That user has a role as high as yours.", "forbidden", field="user")
        if user.role == "admin" and await self._store.read(people.count_admins) < 2:
            raise Reject("That is the only admin: make another one first.", "forbidden", field="user")
        return user

    # The work

    async def _run(self, by: User | None, user: User, progress: Progress) -> None:
        try:
            await self._erase(by, user, progress)
            progress.state, progress.done = "done", progress.total
        except Reject as refusal:
            progress.state, progress.error = "failed", refusal.message
            log.warning("erasing %s stopped: %s", user.id, refusal)
        except Exception as error:
            progress.state, progress.error = "failed", f"{type(error).__name__}: {error}"
            log.exception("erasing %s stopped", user.id)
        finally:
            progress.ended = time.monotonic()

    async def _erase(self, by: User | None, user: User, progress: Progress) -> None:
        """All of it, in an order in which it can be begun again after each step: the name goes last."""
        alias = people.alias_of(user.id)
        await self._store.write(partial(_shut_out, user_id=user.id))
        await self._changes.refresh(user.id)
        async for ids in self._own(user):
            await asyncio.gather(*(self._delete(message_id, room) for message_id, room in ids))
            progress.done += len(ids)
        while naming := await self._store.read(partial(erasing_users.naming, user_id=user.id, most=PAGE)):
            await asyncio.gather(*(self._unname(message_id, user, alias) for message_id in naming))
            progress.done += len(naming)
        await self._rewrite_events(user, alias)
        await self._plugins.current.hooks.erase_user(user, alias)
        ended = await self._store.write(partial(_end, by=by, user=user, alias=alias))
        await self._changes.refresh(user.id)
        await self._leave_rooms(ended)
        await self._store.erased()

    async def _own(self, user: User) -> AsyncIterator[list[tuple[str, str]]]:
        """The ids of the user's messages, and their rooms, by pages."""
        after: Place = (0, 0)
        while page := await self._store.read(
            partial(erasing_users.texts, user_id=user.id, after=after, most=PAGE)
        ):
            yield [(message_id, room) for _, message_id, room in page]
            after = page[-1][0]

    async def _delete(self, message_id: str, room: str) -> None:
        await self._change(room, log_changes.Delete(SYSTEM, message_id, erasing=True))

    async def _unname(self, message_id: str, user: User, alias: str) -> None:
        """Let a message of another user name the alias in the user's place."""
        message = await self._store.read(partial(reading.message, message_id=message_id))
        if message is None:
            return
        names = (user.name, user.display_name)
        content = unnamed(message.content, names, alias)
        shown = unnamed(message.html, [html.escape(name, quote=False) for name in names], alias)
        if message.html == escaped(message.content):
            shown = escaped(content)
        mentions = await self._store.read(
            partial(erasing_users.named_beside, message=message_id, user_id=user.id)
        )
        edit = log_changes.Edit(SYSTEM, message_id, content, shown, mentions=mentions, erasing=True)
        await self._change(message.room, edit)

    async def _change(self, room: str, change: log_changes.Change) -> None:
        """Append a change of a message, unless that is gone by now."""
        live = await self._rooms.get(room)
        try:
            await live.append(change)
        except Reject as refusal:
            if refusal.code != "not_found":
                raise

    async def _rewrite_events(self, user: User, alias: str) -> None:
        """Take names and words of the user from the events of rooms and members."""
        after: Place = (0, 0)
        while page := await self._store.read(
            partial(erasing_users.told_of, user_id=user.id, after=after, most=PAGE)
        ):
            changed = {place: _cleaned(type, data, user, alias) for place, type, data in page}
            await self._store.write(partial(erasing_users.rewrite, changed=changed))
            after = page[-1][0]

    async def _leave_rooms(self, user: User) -> None:
        """Take the user out of all rooms but the direct ones."""
        lists = await self._store.read(lambda conn: room_lists.room_list(conn, user.id, 0))
        for mine in lists.mine:
            if mine.room.kind != "direct":
                live = await self._rooms.get(mine.room.name)
                await live.append(log_changes.ChangeMember(SYSTEM, user, "removed"))


def _shut_out(conn: Connection, user_id: str) -> None:
    """Let the user sign in no more; a running server is told."""
    people.set_state(conn, user_id, "disabled")
    kept_tokens.drop(conn, user_id=user_id)
    people.add_signal(conn, user_id)


def _end(conn: Connection, by: User | None, user: User, alias: str) -> User:
    """Take all but the id from the user, here and in the audit log."""
    erasing_users.rename_in_audit(conn, user, alias)
    erasing_users.drop_rest(conn, user.id)
    ended = people.end_account(conn, user.id)
    audit.record(conn, entry("account_erased", time.time(), by=by, target=ended))
    return ended


def _cleaned(type: str, data: dict[str, Any], user: User, alias: str) -> dict[str, Any]:
    """An event's data without what the user wrote there, and with the alias for their names."""
    if type == "room":
        return {"action": data.get("action", "changed")}
    target = data.get("target", {})
    cleaned = {key: value for key, value in data.items() if key != "reason"}
    if target.get("id") == user.id:
        cleaned["target"] = {"id": user.id, "name": alias, "display_name": people.ENDED}
    return cleaned
