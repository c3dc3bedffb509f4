"""Requests that plugins answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..chatapi import RequestSpec
from ..hooks import Hooks
from ..model import User
from ..protocol.requests import PluginRequest
from .session import Session


class Asking:
    """Who asks (`chatserver.chatapi.RequestContext`)."""

    def __init__(self, user: User, session: Session | None) -> None:
        self.user = user
        self.session = session


class PluginRequests:
    """Calls a plugin's handler, isolated like a hook. ``specs``: wire type → (plugin, spec)."""

    def __init__(self, specs: Mapping[str, tuple[str, RequestSpec]], hooks: Hooks) -> None:
        self._specs = specs
        self._hooks = hooks

    async def answer(self, session: Session, request: PluginRequest) -> Mapping[str, Any] | None:
        """What the reply carries. Raises `Reject`."""
        plugin, spec = self._specs[request.type]
        asking = Asking(session.user, session)
        what = f"request {request.type}"
        answer: Mapping[str, Any] | None = await self._hooks.guard(
            plugin, what, spec.handler, asking, request.fields
        )
        return answer
