"""A user with a client's manners: comes back on any node, resumes, and sends again what was not answered."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence

import msgspec

from benchmarks.soak.connection import Connection, Event

PATIENCE = 8.0
"""Seconds without an answer before a connection is given up."""
LATEST = 90.0
"""Seconds after which what has to come is given up, on a machine that is busy with more than this."""
PAUSE = 0.1
AT_ONCE = 8
"""So many messages are under way at once."""
LOST = (OSError, TimeoutError)


class Heard(Event):
    """An event or reply, with the fields that are looked at here."""

    content: str = ""
    gap: bool = False
    action: str = ""
    target: dict = msgspec.field(default_factory=dict)
    events: Sequence[Heard] | None = None


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, answer: Heard) -> None:
        super().__init__(f"{answer.code}: {answer.message}")
        self.code = answer.code


class Link:
    """One connection; ``heard`` takes events, in their order."""

    def __init__(self, connection: Connection, heard) -> None:
        self.code = 0
        self._connection = connection
        self._heard = heard
        self._numbers = itertools.count(1)
        self._answers: dict[str, asyncio.Future[Heard]] = {}
        self.reading = asyncio.get_running_loop().create_task(self._read())

    @classmethod
    async def open(cls, url: str, heard) -> Link:
        """Raises OSError or TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            return cls(await Connection.open(int(url.rpartition(":")[2]), kind=Heard), heard)

    async def ask(self, type: str, **fields) -> Heard:
        """Send a request, and wait for its answer. Raises Refused, OSError or TimeoutError."""
        if self.reading.done():
            raise ConnectionError
        re = str(next(self._numbers))
        answer = self._answers[re] = asyncio.get_running_loop().create_future()
        self._connection.send(type=type, id=re, **fields)
        async with asyncio.timeout(PATIENCE):
            found = await answer
        if found.type == "error":
            raise Refused(found)
        return found

    async def _read(self) -> None:
        while (events := await self._connection.events()) is not None:
            for event in events:
                # In the same turn: what comes after an answer follows what is in it.
                self._heard(event)
                if event.re in self._answers:
                    answer = self._answers.pop(event.re)
                    if not answer.done():
                        answer.set_result(event)
        self.code = self._connection.code
        self.cut()

    def cut(self) -> None:
        """Cut the connection; what has no answer by now gets none."""
        if not self.reading.done() and asyncio.current_task() is not self.reading:
            self.reading.cancel()
        self._connection.reset()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the connection was lost"))
                answer.exception()  # it may be that nothing waits for it any more


class Talker:
    """Talks and listens in one room; ``nodes`` gives the addresses that it tries, ``only`` is the one it keeps to.

    ``log`` is the room's log as it came, from seq 1: the text of messages, the type of other events. ``faults`` are
    what a server must not do to a client.
    """

    def __init__(self, name, nodes, *, room="general", token=None, seed=0, pause=0.01, only=None):
        self.name = name
        self.room = room
        self.token = token
        self.log: list[str] = []
        self.acknowledged: dict[str, int] = {}
        self.faults: list[str] = []
        self.connections = 0
        self.link: Link | None = None
        self.refusal: Refused | None = None
        """The answer after which it says no more."""
        self._nodes = nodes
        self._only = only
        self._chance = random.Random(f"{name} {seed}")
        self._pause = pause
        self._numbers = itertools.count()
        self._unanswered: list[str] = []
        self._epoch = ""
        self._came: set[int] = set()
        self._early: dict[int, Heard] | None = {}
        """What comes along with the answer to join, by seq: that may be before it."""
        self._catching_up = False
        self._talking = True
        self._task: asyncio.Task[None] | None = None

    async def ask(self, type: str, **fields) -> Heard:
        """Make a request, connecting first where that is needed. Raises Refused, OSError or TimeoutError."""
        await self._connected()
        return await self.link.ask(type, **fields)

    def start(self) -> None:
        """Begin to talk."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def trouble(self) -> object:
        """What has gone wrong, if anything has."""
        failed = self._task is not None and self._task.done() and self._task.exception()
        return self.faults[:5] or self.refusal or failed

    async def finish(self, begin_more: bool = False) -> None:
        """Begin nothing more; returns when all that was begun is answered. With ``begin_more``, when it is refused."""
        self._talking = begin_more
        if self._task is not None:
            await self._task

    async def leave(self) -> None:
        """End the connection, whatever is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._lose()
        # The transport is closed in the next turn.
        await asyncio.sleep(0)

    async def reach(self, seq: int, seconds: float = LATEST) -> None:
        """Listen until the log is so long, on any connection. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while len(self.log) < seq:
                try:
                    await self._connected()
                    await self._catch_up()
                    await asyncio.sleep(0.02)
                except LOST:
                    self._lose()
                    await asyncio.sleep(PAUSE)

    async def _run(self) -> None:
        while self._talking or self._unanswered:
            try:
                await self._connected()
                await self._say()
                await self._catch_up()
                await asyncio.sleep(self._pause)
            except Refused as refused:
                self.refusal = refused
                return
            except LOST:
                self._lose()
                await asyncio.sleep(PAUSE)

    def _lose(self) -> None:
        link, self.link = self.link, None
        if link is not None:
            link.cut()

    async def _connected(self) -> None:
        if self.link is not None and not self.link.reading.done():
            return
        urls = self._nodes()
        url = urls[self._only] if self._only is not None else self._chance.choice(urls)
        self._came.clear()
        self._catching_up = False
        self.link = await Link.open(url, self._take)
        try:
            await self._hello()
        except Refused as refused:
            self._lose()
            if refused.code in ("unavailable", "rate_limited"):
                raise ConnectionError(refused.code) from refused
            raise
        self.connections += 1

    async def _hello(self) -> None:
        fields = {"token": self.token} if self.token else {"name": self.name}
        if self._epoch:
            fields["resume"] = {"epoch": self._epoch, "rooms": {self.room: len(self.log)}}
        welcome = await self.link.ask("hello", **fields)
        self.token = welcome.token or self.token
        if not self._epoch:
            joined = await self.link.ask("join", room=self.room, after=0)
            self._catching_up = joined.gap or joined.more
            early, self._early = self._early, None
            for _, event in sorted(early.items()):
                if not joined.gap and (not joined.more or event in joined.events):
                    self._note(event)
        elif welcome.epoch != self._epoch:
            self.faults.append(f"the epoch changed from {self._epoch} to {welcome.epoch}")
        self._epoch = welcome.epoch

    async def _say(self) -> None:
        """Send what has no answer, first what was sent before, and wait for the answers."""
        while self._talking and len(self._unanswered) < AT_ONCE:
            self._unanswered.append(f"{self.name} {next(self._numbers)}")
        answers = await asyncio.gather(*map(self._send, self._unanswered), return_exceptions=True)
        self._unanswered = [text for text in self._unanswered if text not in self.acknowledged]
        for answer in answers:
            if isinstance(answer, Refused) and answer.code == "unavailable":
                await asyncio.sleep(PAUSE)
                return
            if isinstance(answer, BaseException):
                raise answer

    async def _send(self, text: str) -> None:
        answer = await self.link.ask("message", room=self.room, content=text, nonce=text)
        self.acknowledged[text] = answer.seq

    def _take(self, event: Heard) -> None:
        if event.events is not None:
            for each in event.events:
                self._note(each)
            if self._early is None:
                self._catching_up = event.more or len(self.log) < max(self._came, default=0)
        elif event.type == "gap" and event.room == self.room:
            self._catching_up = True
        elif event.re is None and event.room == self.room and event.seq and event.type != "read":
            if event.seq in self._came:
                self.faults.append(f"{event.seq} came twice on one connection")
            self._came.add(event.seq)
            if not self._catching_up:
                self._note(event)

    async def _catch_up(self) -> None:
        """Ask for what was too much to be sent. What came meanwhile is in it, but for what comes from now on."""
        while self._catching_up:
            await self.link.ask("sync", room=self.room, after=len(self.log), limit=500)

    def _note(self, event: Heard) -> None:
        """By the rule for clients: what is there already is ignored, and nothing may be missing."""
        if self._early is not None:
            self._early[event.seq] = event
        elif event.seq == len(self.log) + 1:
            told = f"({event.type} {event.action} {event.target.get('name', '')})"
            self.log.append(event.content if event.type == "message" else told)
        elif event.seq > len(self.log):
            self.faults.append(f"{event.seq} came after {len(self.log)}")


def check(talkers) -> None:
    """Every acknowledged message is there once, at its number, in its sender's order; all have the same log."""
    for talker in talkers:
        assert not talker.faults, (talker.name, talker.faults[:5])
    log = max((talker.log for talker in talkers), key=len)
    for talker in talkers:
        differs = next(
            (seq for seq, pair in enumerate(zip(talker.log, log, strict=False), 1) if pair[0] != pair[1]),
            None,
        )
        assert differs is None, (talker.name, differs)
    twice = [text for text, times in Counter(log).items() if times > 1 and text[0] != "("]
    assert not twice, twice[:5]
    for talker in talkers:
        for text, seq in talker.acknowledged.items():
            assert log[seq - 1] == text, (text, seq, log[seq - 1])
        own = [int(text.rpartition(" ")[2]) for text in log if text.startswith(talker.name + " ")]
        assert own == list(range(len(own))), (
            talker.name,
            [n for n, m in itertools.pairwise(own) if m != n + 1],
        )


async def said(talkers, more):
    """Wait until so many more messages are acknowledged."""
    wanted = sum(len(talker.acknowledged) for talker in talkers) + more
    async with asyncio.timeout(LATEST):
        while sum(len(talker.acknowledged) for talker in talkers) < wanted:
            trouble = [talker.trouble for talker in talkers]
            assert not any(trouble), trouble
            await asyncio.sleep(0.02)


async def settle(talkers) -> None:
    """Let all finish, and listen to the end; then `check`."""
    await asyncio.gather(*(talker.finish() for talker in talkers))
    refused = {talker.name: talker.refusal for talker in talkers if talker.refusal is not None}
    assert not refused, refused
    head = max(seq for talker in talkers for seq in talker.acknowledged.values())
    try:
        await asyncio.gather(*(talker.reach(head) for talker in talkers))
    except TimeoutError:
        raise AssertionError({talker.name: (len(talker.log), head) for talker in talkers}) from None
    check(talkers)
