"""Streams that another server of the cluster has: what a request wants of them is asked of that, and done there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from ...chat.nodes import Nodes
from ...model.errors import Reject
from ...protocol import replies
from .codec import END, FIELD, PING, EventCodec
from .readers import BEATS, RETRY_MS
from .streams import Proof, Streams
from .transport import stream_ended

HANDLE_SECONDS = 30.0
"""How long a batch of requests may take."""
KIND = "stream"


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What a request wants: to ``read`` what comes after the event ``number``, waiting for ``seconds``; to ``send``
    the batch of this number; or to ``leave``."""

    what: str
    stream: str
    proof: Proof
    number: int = 0
    seconds: float = 0.0
    frames: tuple[bytes, ...] = ()
    at_once: bool = False
    """Whether it is read on for a client that gets each event as it comes."""


class Found(msgspec.Struct, frozen=True, array_like=True):
    """What was read, as payloads, and the number of the last one."""

    events: tuple[bytes, ...] = ()
    last: int = 0


Read = Callable[[int, float], Awaitable[Found]]
"""Reads what comes after the event of a number, waiting so many seconds."""

_encode = msgspec.msgpack.Encoder().encode
_asked = msgspec.msgpack.Decoder(Asked).decode
_found = msgspec.msgpack.Decoder(Found).decode


class Elsewhere:
    """Asks other servers for their streams, and answers for those that are here. ``nodes`` is None on a single one."""

    def __init__(self, streams: Streams, nodes: Nodes | None) -> None:
        self._streams = streams
        self._nodes = nodes
        if nodes is not None:
            nodes.requests.work[KIND] = self._answer

    def owner(self, stream: str) -> str | None:
        """The other server that has this stream; None for one that is here, or nowhere."""
        node, dot, _ = stream.partition(".")
        if self._nodes is None or not dot or node == self._nodes.here_id:
            return None
        return node if any(each.id == node for each in self._nodes.others()) else None

    async def ask(self, node: str, asked: Asked) -> Found:
        """Raises `Reject` as the other server does, ``unavailable`` where it can't be heard."""
        if self._nodes is None:
            raise stream_ended()
        seconds = HANDLE_SECONDS if asked.what == "send" else asked.seconds
        return _found(await self._nodes.requests.ask(node, KIND, _encode(asked), seconds))

    async def _answer(self, payload: bytes) -> bytes:
        asked = _asked(payload)
        stream = self._streams.of(asked.stream, asked.proof)
        match asked.what:
            case "read":
                reader = self._streams.reader(stream, at_once=asked.at_once)
                events, last = await reader.events(asked.number, asked.seconds)
                return _encode(Found(tuple(events), last))
            case "send":
                await stream.handle(asked.number, asked.frames)
            case "leave":
                stream.transport.leave()
        return _encode(Found())


class Relay:
    """Writes the events of a stream that is elsewhere into an answer that stays open, by reading them again and again.

    ``write(data)`` sends, and waits for a client that takes it slowly.
    """

    def __init__(
        self,
        read: Read,
        write: Callable[[bytes], Awaitable[None]],
        heartbeat: float,
    ) -> None:
        self._read = read
        self._write = write
        self._heartbeat = heartbeat
        self._gone = asyncio.Event()

    async def run(self, number: int, first: Found) -> None:
        """Write until the client has gone, the stream has ended, or an answer has lasted long enough."""
        until = time.monotonic() + BEATS * self._heartbeat
        await self._write(b"retry: %d\nid: %d\n\n" % (RETRY_MS, number))
        found: Found | None = first
        while found is not None and not self._gone.is_set():
            if found.events:
                await self._write(_written(found.events, found.last))
                number = found.last
            elif found is not first:
                await self._write(PING)
            if time.monotonic() >= until:
                return
            found = await self._next(number)

    async def _next(self, number: int) -> Found | None:
        reading = asyncio.ensure_future(self._read(number, self._heartbeat / 2))
        gone = asyncio.ensure_future(self._gone.wait())
        await asyncio.wait((reading, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not reading.done():
            reading.cancel()
            return None
        try:
            return reading.result()
        except Reject as refusal:
            if refusal.code == "replaced":
                await self._write(EventCodec().encode(replies.error(None, refusal)))
            # What else it is, the client's next request is told.
            return None

    def gone(self) -> None:
        """The client has gone."""
        self._gone.set()


def _written(events: Sequence[bytes], last: int) -> bytes:
    return b"".join((*(FIELD + event + END for event in events), b"id: %d\n\n" % last))
