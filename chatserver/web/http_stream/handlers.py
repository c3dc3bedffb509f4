"""The addresses of streams: one to open them, one for each."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from tornado.iostream import StreamClosedError

from ...model.errors import Reject
from ...protocol import requests
from ..endpoint import endpoint
from ..handler import Handler
from ..site import Site
from .elsewhere import Asked, Elsewhere, Found, Read, Relay
from .readers import EventReader, PollReader
from .streams import Proof, Stream, Streams

POLL_SECONDS = 25
BATCH = 100
"""Requests in one batch."""


class BatchForm(Struct, forbid_unknown_fields=True):
    """Requests as over the WebSocket. Batches are numbered from 1, so that one that is sent again counts once."""

    batch: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    requests: Annotated[tuple[msgspec.Raw, ...], Meta(max_length=BATCH)]


class Poll(Struct):
    """How many seconds an answer may wait for events; without it they are sent as they come."""

    wait: Annotated[int, Meta(ge=0, le=POLL_SECONDS)] | None = None


class _StreamHandler(Handler):
    def initialize(self, site: Site, streams: Streams, elsewhere: Elsewhere) -> None:  # type: ignore[override]
        super().initialize(site)
        self.streams = streams
        self.elsewhere = elsewhere


class OpenStream(_StreamHandler):
    """POST /api/v1/stream"""

    @endpoint(body=requests.Hello, status=201)
    async def post(self) -> None:
        """Open a stream."""
        stream, welcome = await self.streams.open(self._asked, self.body(requests.Hello))
        self.reply({"stream": stream.id, "welcome": msgspec.Raw(welcome)}, 201)


class OneStream(_StreamHandler):
    """GET, POST and DELETE /api/v1/stream/{stream}, for one that is here, or on another server of the cluster."""

    # The reason of the end is to be read then.
    answers_while_stopping = True
    _reader: EventReader | PollReader | Relay | None = None

    @endpoint(query=Poll, headers=("Last-Event-ID",), media=("text/event-stream", "application/json"))
    async def get(self, id: str) -> None:
        """The events of a stream, as they come or as a list."""
        # Tornado asks for the origin of those only that change something; to read is to take events away.
        if self._check_cross_origin(self.check_trusted_origin) is not None:
            raise Reject("Pages of this origin may not read streams.", "forbidden")
        wait = self.query(Poll).wait
        number = self._last_event_id()
        polls = wait is not None or self._wants_json
        seconds = POLL_SECONDS if wait is None else wait
        node = self.elsewhere.owner(id)
        if node is not None:
            read = self._reads_elsewhere(node, id, await self.streams.proof(self._asked), at_once=not polls)
            await (self._poll_elsewhere(read, number, seconds) if polls else self._relay(read, number))
            return
        stream = await self.streams.find(id, self._asked)
        await (self._poll(stream, number, seconds) if polls else self._send_events(stream, number))

    @property
    def _wants_json(self) -> bool:
        accepted = self.request.headers.get("Accept", "")
        return "application/json" in accepted and "text/event-stream" not in accepted

    def _last_event_id(self) -> int:
        """The number of the last event that the client has; 1 is ``welcome``."""
        text = self.request.headers.get("Last-Event-ID") or "1"
        if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) >= 1):
            raise Reject("Last-Event-ID: the number of an event.", "invalid", field="Last-Event-ID")
        return int(text)

    async def _poll(self, stream: Stream, number: int, seconds: int) -> None:
        reader = self._reader = self.streams.reader(stream)
        self.services.metrics.stream_answers["poll"] += 1
        events, last = await reader.events(number, seconds)
        self._reply_list(events, last)

    def _reply_list(self, events: Sequence[bytes], last: int) -> None:
        self.reply({"last": last, "events": [msgspec.Raw(event) for event in events]})

    async def _send_events(self, stream: Stream, number: int) -> None:
        connection = getattr(self.request.connection, "stream")  # noqa: B009 - behind what drains requests
        reader = self._reader = EventReader(stream.transport, self._send, connection)
        waiting = stream.transport.begin(reader, number)
        self._begin_events()
        reader.start(number)
        if waiting:
            reader.more()
        await reader.ended
        await self._end_events()

    def _begin_events(self) -> None:
        self.services.metrics.stream_answers["events"] += 1
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        # nginx and others that know this header pass each event on at once.
        self.set_header("X-Accel-Buffering", "no")

    async def _end_events(self) -> None:
        ended = self.finish()
        if self.request.version == "HTTP/1.0":
            # Such an answer has no length: its end is the end of the connection, even where the client keeps it.
            with contextlib.suppress(StreamClosedError):
                await ended
            self._disconnect()

    # One that is elsewhere

    def _reads_elsewhere(self, node: str, id: str, proof: Proof, *, at_once: bool) -> Read:
        def read(number: int, seconds: float) -> Awaitable[Found]:
            asked = Asked("read", id, proof, number=number, seconds=seconds, at_once=at_once)
            return self.elsewhere.ask(node, asked)

        return read

    async def _poll_elsewhere(self, read: Read, number: int, seconds: int) -> None:
        self.services.metrics.stream_answers["poll"] += 1
        found = await read(number, seconds)
        self._reply_list(found.events, found.last)

    async def _relay(self, read: Read, number: int) -> None:
        # Before the answer begins: a refusal has a status of its own.
        first = await read(number, 0)
        self._begin_events()
        relay = self._reader = Relay(read, self._send_slowly, self.services.timeouts.heartbeat)
        with contextlib.suppress(StreamClosedError):
            await relay.run(number, first)
            await self._end_events()

    async def _send_slowly(self, data: bytes) -> None:
        self.write(data)
        await self.flush()

    def _send(self, data: bytes) -> None:
        self.write(data)
        self.flush()

    def on_connection_close(self) -> None:
        if self._reader is not None:
            self._reader.gone()

    @endpoint(body=BatchForm)
    async def post(self, id: str) -> None:
        """Send requests."""
        form = self.body(BatchForm)
        frames = [bytes(each) for each in form.requests]
        most = self.services.settings.limits.frame_bytes
        if max(map(len, frames), default=0) > most:
            raise Reject(f"A request has {most} bytes at most.", "too_large", field="requests")
        node = self.elsewhere.owner(id)
        if node is not None:
            proof = await self.streams.proof(self._asked)
            await self.elsewhere.ask(node, Asked("send", id, proof, form.batch, frames=tuple(frames)))
        else:
            stream = await self.streams.find(id, self._asked)
            await stream.handle(form.batch, frames)
        self.reply({})

    @endpoint()
    async def delete(self, id: str) -> None:
        """End a stream."""
        node = self.elsewhere.owner(id)
        if node is not None:
            await self.elsewhere.ask(node, Asked("leave", id, await self.streams.proof(self._asked)))
        else:
            (await self.streams.find(id, self._asked)).transport.leave()
        self.reply({})
