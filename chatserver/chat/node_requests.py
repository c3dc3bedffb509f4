"""What one server of a cluster asks another: a question over the bus, which may lose it, and its answer."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable

import msgspec

from ..delivery.bus import NODES, Bus, Carried
from ..model.errors import HTTP_STATUS, Reject

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
"""How long an answer may take, besides what was asked for takes."""

Work = Callable[[bytes], Awaitable[bytes]]


class _Question(msgspec.Struct, frozen=True, array_like=True, tag=True):
    number: int
    kind: str
    payload: bytes


class _Answer(msgspec.Struct, frozen=True, array_like=True, tag=True):
    number: int
    payload: bytes


class _Refusal(msgspec.Struct, frozen=True, array_like=True, tag=True):
    number: int
    code: str
    message: str
    field: str | None
    retry_after: float | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Question | _Answer | _Refusal).decode


class NodeRequests:
    """Asks, and answers by ``work``, which has what is done for each kind of question."""

    def __init__(self, bus: Bus) -> None:
        self.work: dict[str, Work] = {}
        self._bus = bus
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def topic(self) -> str:
        """What this server is asked by."""
        return topic_of(self._bus.node)

    async def ask(self, node: str, kind: str, payload: bytes, seconds: float = 0.0) -> bytes:
        """The answer of another server, which may take so many ``seconds``.

        Raises the `Reject` that it answers with, or ``unavailable`` where none comes. What was asked may have been done
        then: ask for nothing that must not be done twice.
        """
        number = next(self._numbers)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self._bus.problem is not None:
            raise _not_heard()
        self._waiting[number] = answer
        try:
            self._send(node, _Question(number, kind, payload))
            return await asyncio.wait_for(answer, seconds + ANSWER_SECONDS)
        except TimeoutError:
            raise _not_heard() from None
        finally:
            del self._waiting[number]

    def carried(self, payload: bytes, node: str) -> None:
        """What another server sent to this one."""
        match _decode(payload):
            case _Question() as question:
                task = asyncio.get_running_loop().create_task(self._answer(question, node))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case _Answer(number, found):
                answer = self._waiting.get(number)
                if answer is not None and not answer.done():
                    answer.set_result(found)
            case _Refusal(number, code, message, field, retry_after):
                answer = self._waiting.get(number)
                if answer is not None and not answer.done():
                    # A newer server may have others.
                    code = code if code in HTTP_STATUS else "rejected"
                    answer.set_exception(Reject(message, code, field=field, retry_after=retry_after))

    async def _answer(self, question: _Question, node: str) -> None:
        try:
            work = self.work.get(question.kind)
            if work is None:
                raise Reject("That server is of another version.", "unavailable", retry_after=1.0)
            self._send(node, _Answer(question.number, await work(question.payload)))
        except Reject as no:
            self._send(node, _Refusal(question.number, no.code, no.message, no.field, no.retry_after))
        except Exception:
            log.exception("what another server asked for failed")
            self._send(
                node,
                _Refusal(question.number, "internal", "Something went wrong in the server.", None, None),
            )

    def _send(self, node: str, what: _Question | _Answer | _Refusal) -> None:
        self._bus.elsewhere(topic_of(node), Carried(_encode(what), note=True))

    def stop(self) -> None:
        """Answer no more."""
        for task in self._tasks:
            task.cancel()


def topic_of(node: str) -> str:
    """The topic of one server."""
    return NODES + node


def _not_heard() -> Reject:
    return Reject("Another server doesn't answer.", "unavailable", retry_after=1.0)
