"""Requests that plugins answer."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

from ..delivery.session import Session
from ..model import errors
from ..model.names import room_key
from ..model.values import User
from ..plugins.answers import REPLY_BYTES, encoded
from ..plugins.endpoints import RequestContext, RequestSpec
from ..plugins.host import PluginHost
from ..plugins.texts import Texts
from ..protocol import replies
from ..protocol.decoder import unknown_type
from ..protocol.requests import PluginRequest


class Asking:
    """The caller of a request (`chatserver.plugins.endpoints.RequestContext`)."""

    def __init__(self, user: User, session: Session, texts: Texts) -> None:
        self.user = user
        self.session = session
        self._texts = texts

    def t(self, key: str, **values: Any) -> str:
        """A text of the plugin's in the caller's language. Raises KeyError."""
        return self._texts.text(key, self.session.language, values)


class PluginRequests:
    """Calls a plugin's handler, isolated like a hook."""

    def __init__(self, plugins: PluginHost) -> None:
        self._plugins = plugins

    async def answer(self, session: Session, request: PluginRequest) -> Mapping[str, Any] | None:
        """What the reply carries. Raises `Reject`."""
        current = self._plugins.current
        if not request.known or request.type not in current.requests:
            # Its plugin may have been switched off since the frame was read.
            raise unknown_type(request.type)
        plugin, spec = current.requests[request.type]
        asking = Asking(session.user, session, current.texts_of(plugin))
        what = f"request {request.type}"
        self._check_room(plugin, request.fields)
        answer: Mapping[str, Any] | None = await current.hooks.guard(
            plugin, what, _reply, spec, asking, request.fields, place=spec.handler
        )
        return answer

    def _check_room(self, plugin: str, fields: Any) -> None:
        """Raises `Reject` for a request about a room (its field ``room``) that the plugin doesn't work in."""
        rooms = self._plugins.rooms_of(plugin)
        if rooms is not None:
            room = fields.get("room") if isinstance(fields, Mapping) else getattr(fields, "room", None)
            if isinstance(room, str) and room_key(room) not in rooms:
                raise errors.not_in_plugins_rooms(plugin, rooms)


async def _reply(spec: RequestSpec, asking: RequestContext, fields: Any) -> Mapping[str, Any]:
    """What the handler answers, encoded field by field: what can't be sent is the plugin's failure."""
    answer: Any = spec.handler(asking, fields)
    if isawaitable(answer):
        answer = await answer
    if answer is None:
        return {}
    if not isinstance(answer, Mapping):
        raise TypeError(f"a reply is a mapping or None, not {type(answer).__name__}")
    for name in answer:
        if not isinstance(name, str) or name in replies.OWN_FIELDS:
            raise ValueError(f"a reply can't have a field {name!r}")
    reply, left = {}, REPLY_BYTES
    for name, value in answer.items():
        name.encode()
        reply[name] = encoded(value, left)
        left -= len(reply[name])
    return reply
