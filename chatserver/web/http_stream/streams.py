"""The open streams of this process: each is a session that comes and goes with single requests."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Sequence

import msgspec

from ...accounts.tokens import token_hash
from ...model.errors import Close, Reject
from ...model.values import Request, User
from ...protocol import requests
from ...sessions.connection import Connection
from ...sessions.context import ConnectionContext
from .codec import EventCodec, payloads
from .readers import PollReader
from .transport import HttpTransport, stream_ended

log = logging.getLogger(__name__)


class Proof(msgspec.Struct, frozen=True, array_like=True):
    """Whose request it is: the hash of its token, and the id of the user whom a plugin names for it."""

    token: str | None
    named: str | None = None


class Stream:
    """A session over HTTP, and whose it is: of the user whom a plugin named, or else of a token."""

    def __init__(self, id: str, connection: Connection, transport: HttpTransport, named: User | None) -> None:
        self.id = id
        self.transport = transport
        self.token: str | None = None
        self.named = named
        self._connection = connection
        # What comes after hello waits for its end, as on a WebSocket, and a batch for the one before.
        self._turn = asyncio.Lock()
        self._batch = 0

    async def enter(self, hello: requests.Hello) -> None:
        """Say hello, and send what was missed. Raises `Reject`."""
        async with self._turn:
            await self._connection.enter(hello, self.named)

    async def handle(self, batch: int, frames: Sequence[bytes]) -> None:
        """Let requests take effect in order, each batch once, the first one being 1.

        Raises `Reject` ``invalid`` when a batch before is missing, ``not_found`` when the stream ends meanwhile.
        """
        async with self._turn:
            if batch <= self._batch:
                return
            if batch > self._batch + 1:
                raise Reject(f"batch: the next one is {self._batch + 1}.", "invalid", field="batch")
            self._batch = batch
            try:
                for frame in frames:
                    if not self.transport.writable:
                        raise stream_ended()
                    waiting = self._connection.on_message(frame)
                    if waiting is not None:
                        await waiting
            except Reject:
                raise
            except Exception:
                self._connection.close(Close.RESTART, "the server failed")
                raise


class _First(msgspec.Struct):
    """What is read of the first event: ``welcome``, or why there is none."""

    type: str
    token: str | None = None


class Streams:
    """Opens streams, and finds them again."""

    def __init__(self, context: ConnectionContext) -> None:
        self._context = context
        self._services = context.services
        # One object, so that all clients of streams share the bytes.
        self._codec = EventCodec()
        self._open: dict[str, Stream] = {}

    async def open(self, asked: Request, hello: requests.Hello) -> tuple[Stream, bytes]:
        """A new stream and its first event, ``welcome``. Raises `Reject` where a WebSocket would be refused."""
        named = await self._services.sign_in.vouched(asked)
        if self._context.keepalive.full(asked.remote_ip):
            raise Reject("There are too many connections.", "rate_limited", retry_after=60)
        # With the name of this server in front, so that others know where it is.
        node = self._services.bus.node
        id = f"{node}.{secrets.token_urlsafe(24)}" if node else secrets.token_urlsafe(24)
        connection = Connection(self._context, self._codec, asked, heartbeats=True)
        transport = HttpTransport(connection, self._services.timeouts.stream_cut, lambda: self._forget(id))
        stream = Stream(id, connection, transport, named)
        connection.on_open(transport)
        self._context.keepalive.heard_hello(connection)
        try:
            welcome, token = await self._welcome(stream, hello)
        except Reject:
            transport.leave()
            raise
        if named is None:
            stream.token = token or hello.token or asked.token
        self._open[id] = stream
        return stream, welcome

    async def _welcome(self, stream: Stream, hello: requests.Hello) -> tuple[bytes, str | None]:
        """Say hello; what was missed follows when the client reads. ``welcome``, and a new guest's token."""
        reader = PollReader(stream.transport)
        stream.transport.begin(reader, 0)
        entering = asyncio.get_running_loop().create_task(stream.enter(hello))
        entering.add_done_callback(_entered)
        await asyncio.wait((entering, reader.woken), return_when=asyncio.FIRST_COMPLETED)
        stream.transport.left(reader)
        chunk = stream.transport.first()
        if chunk is None:
            await entering
        else:
            payload = payloads([chunk])[0]
            first = msgspec.json.decode(payload, type=_First)
            if first.type == "welcome":
                return payload, first.token
        raise Reject("The connection was closed meanwhile.", "unavailable")

    def _forget(self, id: str) -> None:
        self._open.pop(id, None)

    async def find(self, id: str, asked: Request) -> Stream:
        """The stream with this id. Raises `Reject` ``not_found`` when it is another session's, too."""
        if id not in self._open:
            raise stream_ended()
        return self.of(id, await self.proof(asked, self._open[id].named is not None))

    async def proof(self, asked: Request, named: bool = True) -> Proof:
        """Whose request it is; whom plugins name is left out where that doesn't count."""
        user = await self._services.sign_in.vouched(asked) if named else None
        return Proof(token_hash(asked.token) if asked.token else None, user.id if user else None)

    def of(self, id: str, proof: Proof) -> Stream:
        """The same for a request that is known already."""
        stream = self._open.get(id)
        if stream is None or not _owns(proof, stream):
            raise stream_ended()
        return stream

    def reader(self, stream: Stream, *, at_once: bool = False) -> PollReader:
        """What waits for events, and takes them as a list. Without ``at_once`` a moment lies between two of them."""
        pause = 0.0 if at_once else self._services.timeouts.poll_pause
        # Once the server stops, no other request can come: what is still to come goes into this answer.
        return PollReader(stream.transport, lambda: self._services.stopping, pause)


def _owns(proof: Proof, stream: Stream) -> bool:
    if stream.named is not None:
        return proof.named == stream.named.id
    if stream.token is None or proof.token is None:
        return False
    return hmac.compare_digest(token_hash(stream.token), proof.token)


def _entered(entering: asyncio.Task[None]) -> None:
    if entering.cancelled():
        return
    error = entering.exception()
    if error is not None and not isinstance(error, Reject):
        log.error("hello failed", exc_info=error)
