"""The addresses of streams: one to open them, one for each."""

from __future__ import annotations

import contextlib
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from tornado.iostream import StreamClosedError

from ...model.errors import Reject
from ...protocol import requests
from ..endpoint import endpoint
from ..handler import Handler
from ..site import Site
from .readers import EventReader, PollReader
from .streams import Stream, Streams

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
    def initialize(self, site: Site, streams: Streams) -> None:  # type: ignore[override]
        super().initialize(site)
        self.streams = streams


class OpenStream(_StreamHandler):
    """POST /api/v1/stream"""

    @endpoint(body=requests.Hello, status=201)
    async def post(self) -> None:
        """Open a stream."""
        stream, welcome = await self.streams.open(self._asked, self.body(requests.Hello))
        self.reply({"stream": stream.id, "welcome": msgspec.Raw(welcome)}, 201)


class OneStream(_StreamHandler):
    """GET, POST and DELETE /api/v1/stream/{stream}"""

    # The reason of the end is to be read then.
    answers_while_stopping = True
    _reader: EventReader | PollReader | None = None

    @endpoint(query=Poll, headers=("Last-Event-ID",), media=("text/event-stream", "application/json"))
    async def get(self, id: str) -> None:
        """The events of a stream, as they come or as a list."""
        # Tornado asks for the origin of those only that change something; to read is to take events away.
        if self._check_cross_origin(self.check_trusted_origin) is not None:
            raise Reject("Pages of this origin may not read streams.", "forbidden")
        wait = self.query(Poll).wait
        number = self._last_event_id()
        stream = await self.streams.find(id, self._asked)
        if wait is not None or self._wants_json:
            await self._poll(stream, number, POLL_SECONDS if wait is None else wait)
        else:
            await self._send_events(stream, number)

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
        # Once the server stops, no other request can come: what is still to come goes into this answer.
        reader = self._reader = PollReader(
            stream.transport, lambda: self.services.stopping, self.services.timeouts.poll_pause
        )
        if stream.transport.begin(reader, number):
            reader.more()
        self.services.metrics.stream_answers["poll"] += 1
        events, last = await reader.events(seconds)
        self.reply({"last": last, "events": [msgspec.Raw(event) for event in events]})

    async def _send_events(self, stream: Stream, number: int) -> None:
        connection = getattr(self.request.connection, "stream")  # noqa: B009 - behind what drains requests
        reader = self._reader = EventReader(stream.transport, self._send, connection)
        waiting = stream.transport.begin(reader, number)
        self.services.metrics.stream_answers["events"] += 1
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        # nginx and others that know this header pass each event on at once.
        self.set_header("X-Accel-Buffering", "no")
        reader.start(number)
        if waiting:
            reader.more()
        await reader.ended
        ended = self.finish()
        if self.request.version == "HTTP/1.0":
            # Such an answer has no length: its end is the end of the connection, even where the client keeps it.
            with contextlib.suppress(StreamClosedError):
                await ended
            self._disconnect()

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
        stream = await self.streams.find(id, self._asked)
        await stream.handle(form.batch, frames)
        self.reply({})

    @endpoint()
    async def delete(self, id: str) -> None:
        """End a stream."""
        stream = await self.streams.find(id, self._asked)
        stream.transport.leave()
        self.reply({})
