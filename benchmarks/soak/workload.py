"""The clients beside the steady load: senders, readers, slow readers, and guests that come and go."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine

from .client import Client, Journal, Refused

BIG = "room0"
TEXTS = ("hello :wave:", "nothing *new* here", "see https://example.org/x :tada:", "a" * 300)


class Workload:
    """All of them against the server on ``port``; ``small`` are the rooms in which the senders are."""

    def __init__(self, port: int, journal: Journal, small: list[str], guests_per_second: float) -> None:
        self.journal = journal
        self.steady: list[Client] = []
        """Those that are to receive every event of their rooms."""
        self._port = port
        self._small = small
        self._rate = guests_per_second
        self._chance = random.Random(1)
        self._pause = (1.0, 3.0)
        self._stopping = asyncio.Event()
        self._work: list[asyncio.Task[None]] = []
        self._guests: set[asyncio.Task[None]] = set()

    def start(self, senders_per_room: int, readers: int, slow_readers: int) -> None:
        """Let them connect and begin."""
        for room in self._small:
            for number in range(senders_per_room):
                self._add(self._send(self._client(f"t{number}-{room}"), room))
        for number in range(readers):
            self._add(self._read(self._client(f"f{number}")))
        for number in range(slow_readers):
            self._add(self._read_slowly(self._client(f"s{number}", slow=True)))
        self._add(self._let_guests_in())

    def _client(self, name: str, *, slow: bool = False) -> Client:
        client = Client(name, self._port, self.journal, slow=slow)
        self.steady.append(client)
        return client

    def _add(self, work: Coroutine[None, None, None]) -> None:
        self._work.append(asyncio.create_task(work))

    def speed_up(self) -> None:
        """From now on each sender sends as soon as its last message is acknowledged."""
        self._pause = (0.0, 0.02)

    async def stop(self) -> None:
        """Let all finish what they do, reconnect, and wait until each has received everything."""
        self._stopping.set()
        await asyncio.gather(*self._work)
        await asyncio.gather(*self._guests)
        for client in self.steady:
            await self._catch_up(client)

    async def _catch_up(self, client: Client) -> None:
        """The server may have closed a slow client's connection that looks open from here."""
        for _ in range(3):
            try:
                await self._connect(client)
                await client.catch_up()
                return
            except OSError:
                await client.disconnect(reset=True)
        client.report("could not catch up")

    def received(self) -> dict[tuple[str, str], int]:
        """By name and room, the last seq that each of the steady clients has without a hole."""
        return {
            (client.name, room): cursor.last
            for client in self.steady
            for room, cursor in client.cursors.items()
        }

    async def disconnect(self) -> None:
        """Close all connections."""
        for client in self.steady:
            await client.disconnect()

    # How they behave

    async def _send(self, client: Client, room: str) -> None:
        """Sends a message every two seconds, and loses the connection every half minute."""
        await self._connect(client, room)
        while not await self._stopped_within(self._chance.uniform(*self._pause)):
            try:
                await client.say(room, self._chance.choice(TEXTS))
            except OSError:
                await self._connect(client)
            if self._chance.random() < 0.07 and self._pause[0]:
                await self._reconnect(client)

    async def _read(self, client: Client) -> None:
        """Receives all of the big room, with breaks."""
        await self._connect(client, BIG)
        while not await self._stopped_within(self._chance.uniform(10, 30)):
            await self._reconnect(client)

    async def _reconnect(self, client: Client) -> None:
        await client.disconnect(reset=self._chance.random() < 0.5)
        await asyncio.sleep(self._chance.uniform(0, 3))
        await self._connect(client)

    async def _read_slowly(self, client: Client) -> None:
        """Stops reading until the server closes the connection as too slow, then catches up."""
        await self._connect(client, BIG)
        while not await self._stopped_within(self._chance.uniform(5, 10)):
            client.stop_reading()
            await self._stopped_within(self._chance.uniform(20, 30))
            client.read_on()
            await self._stopped_within(1)
            if not client.connected:
                await self._connect(client)

    async def _let_guests_in(self) -> None:
        """New guests, one after the other."""
        number = 0
        while not await self._stopped_within(self._chance.expovariate(self._rate)):
            number += 1
            task = asyncio.ensure_future(self._visit(Client(f"g{number}", self._port, self.journal)))
            self._guests.add(task)
            task.add_done_callback(self._guests.discard)

    async def _visit(self, client: Client) -> None:
        self.journal.counts["guests"] += 1
        room = BIG if self._chance.random() < 0.3 else self._chance.choice(self._small)
        try:
            await client.connect()
            await client.join(room)
            if self._chance.random() < 0.5:
                await client.say(room, self._chance.choice(TEXTS))
            if self._chance.random() < 0.2:
                # A command: no seq, and never sent again.
                await client.ask("message", room=room, content="/me waves")
            await asyncio.sleep(self._chance.uniform(0, 3))
            # One in ten stays a member, as a guest that just closes the window does.
            if self._chance.random() < 0.9:
                await client.leave(room)
            await client.disconnect(reset=self._chance.random() < 0.5)
        except Refused as refused:
            client.report(str(refused))
        except OSError:
            self.journal.counts["guests cut off"] += 1
        finally:
            await client.disconnect()

    # Around it

    async def _stopped_within(self, seconds: float) -> bool:
        """Wait; whether all are to stop."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _connect(self, client: Client, room: str = "") -> None:
        """Connect and join, again and again until it works."""
        while not client.connected or (room and room not in client.cursors):
            try:
                if not client.connected:
                    await client.connect()
                if room:
                    await client.join(room)
            except Refused as refused:
                client.report(str(refused))
                return
            except OSError:
                await client.disconnect(reset=True)
                await asyncio.sleep(self._chance.uniform(0.1, 0.5))
