"""Who is there besides the steady load: people who talk, follow, lag, and pass by."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine

from .person import Journal, Person, Refused

BIG = "room0"
TEXTS = ("hello :wave:", "nothing *new* here", "see https://example.org/x :tada:", "a" * 300)


class Crowd:
    """All of them against the server on ``port``; ``small`` are the rooms in which people talk."""

    def __init__(self, port: int, journal: Journal, small: list[str], guests_per_second: float) -> None:
        self.journal = journal
        self.steady: list[Person] = []
        """Those who are to hear every number of their rooms."""
        self._port = port
        self._small = small
        self._rate = guests_per_second
        self._chance = random.Random(1)
        self._calm = (1.0, 3.0)
        self._stopping = asyncio.Event()
        self._work: list[asyncio.Task[None]] = []
        self._passing: set[asyncio.Task[None]] = set()

    def start(self, talkers_per_room: int, followers: int, laggers: int) -> None:
        """Let them come."""
        for room in self._small:
            for number in range(talkers_per_room):
                self._add(self._talk(self._person(f"t{number}-{room}"), room))
        for number in range(followers):
            self._add(self._follow(self._person(f"f{number}")))
        for number in range(laggers):
            self._add(self._lag(self._person(f"s{number}", lags=True)))
        self._add(self._pass_by())

    def _person(self, name: str, *, lags: bool = False) -> Person:
        person = Person(name, self._port, self.journal, lags=lags)
        self.steady.append(person)
        return person

    def _add(self, work: Coroutine[None, None, None]) -> None:
        self._work.append(asyncio.create_task(work))

    def hurry(self) -> None:
        """From now on everybody says the next thing as soon as the last one is there."""
        self._calm = (0.0, 0.02)

    async def stop(self) -> None:
        """Let everybody finish what they do, and come back who is away, until all have heard everything."""
        self._stopping.set()
        await asyncio.gather(*self._work)
        await asyncio.gather(*self._passing)
        for person in self.steady:
            await self._hear_out(person)

    async def _hear_out(self, person: Person) -> None:
        """The server may have closed a connection of somebody slow that looks open from here."""
        for _ in range(3):
            try:
                await self._back(person)
                await person.hear_out()
                return
            except OSError:
                await person.go(rudely=True)
        person.wrong("could not hear it out")

    def heard(self) -> dict[tuple[str, str], int]:
        """By name and room, the last number that each of the steady ones has heard."""
        return {
            (person.name, room): track.last for person in self.steady for room, track in person.tracks.items()
        }

    async def leave(self) -> None:
        """Everybody goes."""
        for person in self.steady:
            await person.go()

    # How they behave

    async def _talk(self, person: Person, room: str) -> None:
        """Says something every two seconds, and loses the connection every half minute."""
        await self._back(person, room)
        while not await self._over(self._chance.uniform(*self._calm)):
            try:
                await person.say(room, self._chance.choice(TEXTS))
            except OSError:
                await self._back(person)
            if self._chance.random() < 0.07 and self._calm[0]:
                await self._away(person)

    async def _follow(self, person: Person) -> None:
        """Hears all of the big room, with breaks."""
        await self._back(person, BIG)
        while not await self._over(self._chance.uniform(10, 30)):
            await self._away(person)

    async def _away(self, person: Person) -> None:
        await person.go(rudely=self._chance.random() < 0.5)
        await asyncio.sleep(self._chance.uniform(0, 3))
        await self._back(person)

    async def _lag(self, person: Person) -> None:
        """Stops reading for so long that the server has enough, then catches up."""
        await self._back(person, BIG)
        while not await self._over(self._chance.uniform(5, 10)):
            person.pause()
            await self._over(self._chance.uniform(20, 30))
            person.go_on()
            await self._over(1)
            if not person.here:
                await self._back(person)

    async def _pass_by(self) -> None:
        """New guests, one behind the other."""
        number = 0
        while not await self._over(self._chance.expovariate(self._rate)):
            number += 1
            task = asyncio.ensure_future(self._visit(Person(f"g{number}", self._port, self.journal)))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _visit(self, person: Person) -> None:
        self.journal.counts["guests"] += 1
        room = BIG if self._chance.random() < 0.3 else self._chance.choice(self._small)
        try:
            await person.come()
            await person.join(room)
            if self._chance.random() < 0.5:
                await person.say(room, self._chance.choice(TEXTS))
            if self._chance.random() < 0.2:
                # A command: no number, and never sent again.
                await person.ask("message", room=room, content="/me waves")
            await asyncio.sleep(self._chance.uniform(0, 3))
            # One in ten stays a member, as a guest does who just closes the window.
            if self._chance.random() < 0.9:
                await person.leave(room)
            await person.go(rudely=self._chance.random() < 0.5)
        except Refused as refused:
            person.wrong(str(refused))
        except OSError:
            self.journal.counts["guests cut off"] += 1
        finally:
            await person.go()

    # Around it

    async def _over(self, seconds: float) -> bool:
        """Wait; whether everybody is to stop."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _back(self, person: Person, room: str = "") -> None:
        """Come, and come again until it works."""
        while not person.here or (room and room not in person.tracks):
            try:
                if not person.here:
                    await person.come()
                if room:
                    await person.join(room)
            except Refused as refused:
                person.wrong(str(refused))
                return
            except OSError:
                await person.go(rudely=True)
                await asyncio.sleep(self._chance.uniform(0.1, 0.5))
