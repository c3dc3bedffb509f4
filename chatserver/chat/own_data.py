"""All that the server and its plugins keep of a user, for the user."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from ..accounts.accounts import Accounts
from ..model.values import User
from ..plugins.host import PluginHost
from ..protocol import replies, requests
from ..protocol.events import iso
from .account_end import AccountEnd
from .api_tokens import ApiTokens
from .audit import AuditLog
from .listing import RoomLists
from .people import People
from .profiles import Profiles

Line = Mapping[str, Any] | msgspec.Raw
"""An object of JSON, whose ``type`` says what it is."""


class OwnData:
    """Collects it, a line at a time."""

    def __init__(
        self,
        accounts: Accounts,
        profiles: Profiles,
        people: People,
        rooms: RoomLists,
        tokens: ApiTokens,
        audit: AuditLog,
        texts: AccountEnd,
        plugins: PluginHost,
    ) -> None:
        self._accounts = accounts
        self._profiles = profiles
        self._people = people
        self._rooms = rooms
        self._tokens = tokens
        self._audit = audit
        self._texts = texts
        self._plugins = plugins

    async def lines(self, user: User) -> AsyncIterator[Line]:
        """The user with their profile, rooms, blocked people, tokens, what is noted of them, what plugins keep, and
        each message that is not deleted, with its files."""
        shown = self._profiles.shown(user, user)
        yield {"type": "user", **replies.own_profile_fields(shown)}
        lists = await self._rooms.of(user)
        for each in lists.mine:
            other = lists.partners.get(each.room.name)
            partner = {} if other is None else {"with": other.public()}
            yield {"type": "room", "name": each.room.name, "role": each.role, "read": each.read, **partner}
        for blocked in await self._people.blocked(user):
            yield {"type": "blocked", "user": blocked.public()}
        for kept in await self._tokens.listed(user):
            scopes = msgspec.json.decode(kept.scopes or "[]")
            yield {"type": "token", "id": kept.id, "name": kept.name, "scopes": scopes}
        async for entry in self._audit.everything(user, requests.Audit(user=user.id)):
            yield {"type": "noted", **replies.audit_fields(entry)}
        async for line in self._plugins.current.hooks.own_data(user):
            yield line
        async for page in self._texts.texts(user):
            for text in page:
                fields = {"type": "message", "message_id": text.id, "room": text.room, "ts": iso(text.ts)}
                files = {"files": [msgspec.to_builtins(each) for each in text.files]} if text.files else {}
                yield {**fields, "content": text.content, **files}
