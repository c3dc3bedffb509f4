"""A client for tests: one user's connection, which sends messages, waits for events and makes requests."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

PATIENCE = 15.0
"""How long to wait for what should come, in seconds."""


class Heard(dict[str, Any]):
    """An event or a reply; its fields are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{name!r} is not in {dict(self)}") from None


class Refused(Exception):
    """The server answered with an error: ``code``, ``message``, and all of it in ``error``."""

    def __init__(self, error: Heard) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.error = error
        self.code: str = error["code"]
        self.message: str = error["message"]
        self.field: str | None = error.get("field")


class Client:
    """A WebSocket that has said hello. ``room`` is where it talks unless told otherwise. It waits for an event for
    ``patience`` seconds."""

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, patience: float = PATIENCE
    ) -> None:
        self._url = url
        self._patience = patience
        self._headers = dict(headers or {})
        self._numbers = itertools.count(1)
        self._replies: dict[str, asyncio.Future[Heard]] = {}
        self._inbox: list[Heard] = []
        self._news = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self._socket: WebSocketClientConnection | None = None
        self.welcome = Heard()
        self.token: str | None = None
        self.room: str | None = None
        self.seen: dict[str, int] = {}
        """The last seq heard in each room: what `hello` resumes from when it is given back."""
        self.everything: list[Heard] = []
        """All frames that have come, in their order, those taken since included."""

    @property
    def name(self) -> str:
        return str(self.welcome["user"]["name"])

    @property
    def id(self) -> str:
        return str(self.welcome["user"]["id"])

    async def connect(self) -> None:
        """Open the socket; nothing is said yet."""
        self._socket = await websocket_connect(HTTPRequest(self._url, headers=self._headers))
        self._reader = asyncio.get_running_loop().create_task(self._read(self._socket))

    async def hello(self, **fields: Any) -> Heard:
        """Say hello; returns ``welcome`` once everything missed has come too."""
        if self._socket is None:
            await self.connect()
        self.welcome = await self.ask("hello", **fields)
        self.token = self.welcome.get("token", fields.get("token", self.token))
        await self.hears("live")
        return self.welcome

    async def send(self, frame: str | bytes | dict[str, Any], binary: bool = False) -> None:
        """Send a frame as it is."""
        assert self._socket is not None
        data = json.dumps(frame) if isinstance(frame, dict) else frame
        try:
            await self._socket.write_message(data, binary=binary)
        except WebSocketClosedError:
            raise ConnectionError("the connection is closed") from None

    async def ask(self, type: str, **fields: Any) -> Heard:
        """Send a request and wait for its reply. Raises `Refused`, or ConnectionError when the socket is closed."""
        id = str(next(self._numbers))
        future: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        self._replies[id] = future
        try:
            await self.send({"type": type, "id": id, **fields})
            reply = await asyncio.wait_for(future, PATIENCE)
        finally:
            # No caller awaits it any more: a later failure would be reported as never retrieved.
            self._replies.pop(id, None)
        if reply["type"] == "error":
            raise Refused(reply)
        return reply

    async def join(self, room: str, **fields: Any) -> Heard:
        """Join a room, and talk there from now on."""
        reply = await self.ask("join", room=room, **fields)
        self.room = room
        return reply

    async def says(self, content: str, room: str | None = None, **fields: Any) -> Heard:
        """Send a message; returns once it is committed. Raises `Refused`."""
        where = {} if "to" in fields else {"room": room or self.room}
        return await self.ask("message", content=content, **where, **fields)

    async def hears(self, type: str = "message", **like: Any) -> Heard:
        """The next event of this type whose fields are like these; others stay for later."""
        try:
            async with asyncio.timeout(self._patience), self._news:
                while (found := self._take(type, like)) is None:
                    await self._news.wait()
                return found
        except TimeoutError:
            waiting = [dict(event) for event in self._inbox]
            raise AssertionError(f"no {type} like {like} came; what came: {waiting}") from None

    def _take(self, type: str, like: dict[str, Any]) -> Heard | None:
        for index, event in enumerate(self._inbox):
            if event["type"] == type and all(event.get(key) == value for key, value in like.items()):
                return self._inbox.pop(index)
        return None

    async def heard(self, type: str = "message") -> list[Heard]:
        """All events of this type that have come and were not taken; everything sent before has arrived."""
        await self.ask("ping")
        found = [event for event in self._inbox if event["type"] == type]
        self._inbox = [event for event in self._inbox if event["type"] != type]
        return found

    async def closed(self) -> int | None:
        """Wait for the server to close; returns the close code."""
        assert self._reader is not None
        assert self._socket is not None
        await asyncio.wait_for(asyncio.shield(self._reader), PATIENCE)
        return self._socket.close_code

    async def leave(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
        if self._reader is not None:
            await asyncio.wait([self._reader], timeout=PATIENCE)
            self._reader.cancel()

    async def _read(self, socket: WebSocketClientConnection) -> None:
        while (frame := await socket.read_message()) is not None:
            await self._came(Heard(json.loads(frame)))
        self._ended()

    async def _came(self, event: Heard) -> None:
        self.everything.append(event)
        future = self._replies.pop(str(event.get("re")), None)
        if "seq" in event and "room" in event and event["type"] != "ok":
            self.seen[event["room"]] = event["seq"]
        if future is not None and not future.done():
            future.set_result(event)
            return
        async with self._news:
            self._inbox.append(event)
            self._news.notify_all()

    def _ended(self) -> None:
        for future in self._replies.values():
            if not future.done():
                future.set_exception(ConnectionError("the connection was closed"))
