"""SIGKILL at any moment: what was acknowledged is there, nothing is there twice, and the numbers have no holes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from chatserver.testing import Client, ServerProcess

WRITERS = 4
MESSAGES = 120
CRASHES = 12


class Person:
    """A user with a real client's manners: resumes after a loss, and sends again what was not answered."""

    def __init__(self, name: str, server: ServerProcess) -> None:
        self.name = name
        self.server = server
        self.token: str | None = None
        self.epoch = ""
        self.acknowledged: dict[str, int] = {}
        self.log: list[tuple[int, str | None]] = []
        self.client: Client | None = None

    @property
    def last(self) -> int:
        return self.log[-1][0] if self.log else 0

    async def leave(self) -> None:
        if self.client is not None:
            await self.client.leave()

    async def connect(self) -> None:
        await self.leave()
        self.client = self.server.socket()
        if self.token is None:
            await self.client.hello(name=self.name)
            self.token = self.client.token
            joined = await self.client.join("general")
            self.log = [(event["seq"], None) for event in joined.events][-1:]
        else:
            resume = {"epoch": self.epoch, "rooms": {"general": self.last}}
            await self.client.hello(token=self.token, resume=resume)
        self.epoch = self.client.welcome["epoch"]

    async def note(self) -> None:
        """Take down what came, by the live rule: what is known already is ignored."""
        assert self.client is not None
        for event in await self.client.heard("message"):
            if event["seq"] > self.last:
                self.log.append((event["seq"], event.get("nonce")))

    async def write(self, nonces: list[str], enough: asyncio.Event, most: int) -> None:
        """Send all that has no answer yet, eight at a time; ``enough`` is set after ``most`` answers in all."""
        todo = [nonce for nonce in nonces if nonce not in self.acknowledged]
        window = asyncio.Semaphore(8)
        try:
            async with asyncio.TaskGroup() as group:
                for nonce in todo:
                    group.create_task(self._send(nonce, window, enough, most))
        except* ConnectionError:
            pass  # The server was killed: what is missing is sent again next time.

    async def _send(self, nonce: str, window: asyncio.Semaphore, enough: asyncio.Event, most: int) -> None:
        async with window:
            assert self.client is not None
            reply = await self.client.says(f"text of {nonce}", "general", nonce=nonce)
            self.acknowledged[nonce] = reply.seq
            if len(self.acknowledged) >= most:
                enough.set()


@pytest.mark.timeout(seconds=120)
async def test_sigkill_loses_and_doubles_nothing(process):
    chance = random.Random(20)
    server = process()
    await server.start()
    people = [Person(f"writer{number}", server) for number in range(WRITERS)]
    nonces = {person.name: [f"{person.name}-{n}" for n in range(MESSAGES)] for person in people}
    for round_number in range(CRASHES + 1):
        if round_number:
            await server.start()
        for person in people:
            await person.connect()
        enough = asyncio.Event()
        first = people[0]
        most = min(MESSAGES, len(first.acknowledged) + chance.randint(5, 25))
        if round_number == CRASHES:
            most = MESSAGES
        writing = [asyncio.ensure_future(p.write(nonces[p.name], enough, most)) for p in people]
        if round_number < CRASHES:
            waiting = asyncio.ensure_future(enough.wait())
            await asyncio.wait([waiting, *writing], return_when="FIRST_COMPLETED")
            waiting.cancel()
            await server.kill()
        await asyncio.gather(*writing)
        if round_number == CRASHES:
            for person in people:
                await person.note()
            events = await whole_log(people[0])
    for person in people:
        await person.leave()
    await server.kill()
    check(people, nonces, events)


async def whole_log(person: Person) -> list[dict]:
    """The room's log from its beginning, by ``sync``."""
    assert person.client is not None
    events: list[dict] = []
    more = True
    while more:
        after = events[-1]["seq"] if events else 0
        page = await person.client.ask("sync", room="general", after=after, limit=500)
        events += page.events
        more = page.more
    return events


def check(people: list[Person], nonces: dict[str, list[str]], events: list[dict]) -> None:
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), "the numbers have holes"
    at = {event["seq"]: event.get("nonce") for event in events}
    times = Counter(event.get("nonce") for event in events if event["type"] == "message")
    assert set(times.values()) == {1}, "something is there twice"
    for person in people:
        assert set(person.acknowledged) == set(nonces[person.name]), "something was never acknowledged"
        for nonce, seq in person.acknowledged.items():
            assert at[seq] == nonce, "something acknowledged is gone"


@pytest.mark.timeout(seconds=60)
async def test_who_listens_through_a_crash_hears_everything_once(process):
    server = process()
    await server.start()
    writer, listener = Person("writer", server), Person("listener", server)
    nonces = [f"n{n}" for n in range(60)]
    for person in (writer, listener):
        await person.connect()
    enough = asyncio.Event()
    writing = asyncio.ensure_future(writer.write(nonces, enough, 30))
    await enough.wait()
    await listener.note()
    await server.kill()
    await writing
    await server.start()
    for person in (listener, writer):
        await person.connect()
    await writer.write(nonces, asyncio.Event(), len(nonces))
    await listener.note()
    for person in (listener, writer):
        await person.leave()
    await server.kill()
    seqs = [seq for seq, _ in listener.log]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert [nonce for _, nonce in listener.log if nonce is not None] != []
    assert sorted(nonce for _, nonce in listener.log if nonce is not None) == sorted(nonces)
