"""The client for tests without a WebSocket: the same conversation over an HTTP stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Literal

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPResponse
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from .client import PATIENCE, Client, Heard

Over = Literal["websocket", "events", "poll"]
"""What a client's session goes over: a WebSocket, Server-Sent Events, or long polling."""


class HttpClient(Client):
    """A `Client` over ``POST`` and ``GET /api/v1/stream`` of the server at ``url``.

    ``reading`` is how it reads; ``stream`` is the stream's id, ``last`` the number of the last event that came.
    """

    def __init__(
        self,
        url: str,
        reading: Over = "events",
        *,
        headers: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(f"{url}/api/v1/stream", headers=headers, patience=patience)
        self.stream: str | None = None
        self.last = 0
        self.close_code: int | None = None
        self._reading = reading
        self._batch = 0
        self._sending = asyncio.Lock()
        self._http: AsyncHTTPClient | None = None

    async def connect(self) -> None:
        """Nothing is opened before hello."""
        # One each, as the common one has ten requests under way at most.
        self._http = SimpleAsyncHTTPClient(force_instance=True)

    async def hello(self, **fields: Any) -> Heard:
        """Open the stream; returns ``welcome`` once everything missed has come too."""
        if self._http is None:
            await self.connect()
        return await super().hello(**fields)

    async def send(self, frame: str | bytes | dict[str, Any], binary: bool = False) -> None:
        """Send a request; the first one opens the stream."""
        data = frame if isinstance(frame, dict) else json.loads(frame)
        async with self._sending:
            if self.stream is None:
                await self._open(data)
                return
            if self._reader is not None and self._reader.done():
                raise ConnectionError("the connection is closed")
            self._batch += 1
            answer = await self.fetch("POST", {"batch": self._batch, "requests": [data]})
        if answer.code == 404:
            raise ConnectionError("the connection is closed")
        if answer.code != 200:
            await self._came(_error(answer, data.get("id")))

    async def fetch(
        self, method: str, body: object = None, *, address: str | None = None, **options: Any
    ) -> HTTPResponse:
        """A request about this stream, as this user; errors are answers too."""
        assert self._http is not None
        headers = {**self._headers, **options.pop("headers", {})}
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            headers["Content-Type"] = "application/json"
        return await self._http.fetch(
            address or (self._url if self.stream is None else f"{self._url}/{self.stream}"),
            method=method,
            headers=headers,
            body=None if body is None else json.dumps(body),
            request_timeout=0,
            raise_error=False,
            **options,
        )

    async def _open(self, hello: dict[str, Any]) -> None:
        answer = await self.fetch("POST", hello)
        if answer.code != 201:
            await self._came(_error(answer, hello.get("id")))
            return
        opened = json.loads(answer.body)
        welcome = Heard(opened["welcome"])
        self.stream, self.last = opened["stream"], 1
        self.token = welcome.get("token", hello.get("token", self.token))
        await self._came(welcome)
        self._reader = asyncio.get_running_loop().create_task(self._read_all())

    async def _read_all(self) -> None:
        read = self._poll if self._reading == "poll" else self._events
        try:
            while self.close_code is None and await read():
                pass
        except (HTTPClientError, OSError):
            pass
        self._ended()

    async def _poll(self) -> bool:
        accept = {"Accept": "application/json", "Last-Event-ID": f"{self.last}"}
        answer = await asyncio.shield(self.fetch("GET", headers=accept))
        if answer.code != 200:
            return False
        list = json.loads(answer.body)
        for event in list["events"]:
            await self._got(event)
        assert self.last == list["last"]
        return True

    async def _events(self) -> bool:
        """Read one answer to its end."""
        came: asyncio.Queue[bytes | None] = asyncio.Queue()
        # Not cancelled with this task: what came of it later would be told as an error.
        reading = asyncio.ensure_future(
            self.fetch(
                "GET",
                headers={"Accept": "text/event-stream", "Last-Event-ID": f"{self.last}"},
                streaming_callback=came.put_nowait,
            )
        )
        reading.add_done_callback(lambda _: came.put_nowait(None))
        rest = b""
        while (data := await came.get()) is not None:
            *whole, rest = (rest + data).split(b"\n\n")
            for block in whole:
                await self._block(block)
        return reading.result().code == 200

    async def _block(self, block: bytes) -> None:
        for line in block.split(b"\n"):
            field, _, value = line.partition(b": ")
            if field == b"data":
                await self._got(json.loads(value))
            elif field == b"id":
                assert self.last == int(value)

    async def _got(self, event: dict[str, Any]) -> None:
        if event["type"] == "error" and event["code"] == "replaced":
            return
        self.last += 1
        if event["type"] == "closed":
            self.close_code = event["code"]
        await self._came(Heard(event))

    async def closed(self) -> int | None:
        """Wait for the server to close; returns the close code."""
        assert self._reader is not None
        await asyncio.wait_for(asyncio.shield(self._reader), PATIENCE)
        return self.close_code

    async def leave(self) -> None:
        """End the stream."""
        if self._http is None:
            return
        if self.stream is not None and self._reader is not None and not self._reader.done():
            await self.fetch("DELETE")
            await asyncio.wait([self._reader], timeout=PATIENCE)
            self._reader.cancel()
        self._http.close()
        self._http = None


def _error(answer: HTTPResponse, re: str | None) -> Heard:
    return Heard({"type": "error", "re": re, **json.loads(answer.body)["error"]})
