"""What searching costs: ``python -m benchmarks.search_figures``, or ``make search-figures MESSAGES=1000000``.

A server with its index on disk, and rooms full of generated messages, some of them Chinese. Prints the size of the
index against that of the texts, and how long requests take from a client's question to its answer.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import accumulate
from pathlib import Path

from chatserver.testing import Client, ServerProcess

MESSAGES = int(os.environ.get("MESSAGES", "200000"))
ROOMS = 60
SENDERS = 8
WINDOW = 20
QUERIES = 40
WORDS = 30_000
HANZI = 2_500
CHINESE_WORDS = 12_000
CHINESE = 0.15
LINKS = 0.05
SETTINGS = {
    "rooms": [{"name": f"room{number}"} for number in range(ROOMS)],
    "limits": {"messages_per_second": 100_000, "burst": 100_000},
    "store": {"durability": "normal"},
}


class Texts:
    """Messages whose words are as common as in a language: the second half as often as the first, and so on."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        made = random.Random(1)
        syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "is")]
        self.words = _lexicon(made, syllables, (1, 2, 2, 3, 3, 4), WORDS)
        self._weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))
        hanzi = [chr(0x4E00 + number) for number in range(HANZI)]
        self.chinese_words = _lexicon(made, hanzi, (1, 2, 2, 2, 3), CHINESE_WORDS)
        self._chinese_weights = list(accumulate(1 / rank for rank in range(1, CHINESE_WORDS + 1)))

    def message(self) -> str:
        if self._random.random() < CHINESE:
            return "".join(self.chinese(self._random.randint(2, 24)))
        link = [f"https://example.org/{self.some(1)[0]}"] if self._random.random() < LINKS else []
        return " ".join(self.some(self._random.randint(1, 30)) + link)

    def some(self, count: int) -> list[str]:
        return self._random.choices(self.words, cum_weights=self._weights, k=count)

    def chinese(self, count: int) -> list[str]:
        return self._random.choices(self.chinese_words, cum_weights=self._chinese_weights, k=count)


def _lexicon(made: random.Random, parts: list[str], sizes: tuple[int, ...], count: int) -> list[str]:
    """Different words, the commonest first: those tend to be short."""
    found: dict[str, None] = {}
    while len(found) < count:
        size = min(made.choice(sizes), 1 + len(found) // 20 + made.randint(0, 1))
        found["".join(made.choices(parts, k=size))] = None
    return list(found)


def kinds(texts: Texts) -> dict[str, Callable[[], dict[str, object]]]:
    """What is asked, by how it is called."""
    common = texts.words[:100]
    choose = random.Random(2).choice

    def query(*words: str, **fields: object) -> dict[str, object]:
        return {"query": " ".join(words), **fields}

    return {
        "one of the hundred commonest words": lambda: query(choose(common)),
        "any word": lambda: query(texts.some(1)[0]),
        "two common words": lambda: query(choose(common), choose(common)),
        "two words": lambda: query(*texts.some(2)),
        "a phrase of two words": lambda: query('"' + " ".join(texts.some(2)) + '"'),
        "a Chinese word": lambda: query(choose(texts.chinese_words[50:3000])),
        "a word, from a user": lambda: query(choose(common), "from:user3"),
        "a common word, in one room": lambda: query(choose(common), room="room7"),
        "a common word, the best": lambda: query(choose(common), sort="best"),
        "has:link": lambda: query("has:link"),
        "a beginning of four letters": lambda: query(choose(texts.words)[:4]),
    }


async def fill(server: ServerProcess, texts: Iterator[str]) -> int:
    """Send them all, from several users with rooms of their own; how many bytes they have."""
    size = 0

    async def send(client: Client, rooms: list[str], turn: int) -> None:
        nonlocal size
        for text in texts:
            size += len(text.encode())
            turn += 1
            await client.ask("message", room=rooms[turn % len(rooms)], content=text)

    async def sender(number: int) -> None:
        client = await server.client(name=f"user{number}")
        rooms = [f"room{room}" for room in range(number, ROOMS, SENDERS)]
        for room in rooms:
            await client.ask("join", room=room)
        await asyncio.gather(*(send(client, rooms, turn) for turn in range(WINDOW)))
        await client.leave()

    await asyncio.gather(*(sender(number) for number in range(SENDERS)))
    return size


async def measure(server: ServerProcess) -> None:
    texts = Texts(3)
    started = time.perf_counter()
    size = await fill(server, (texts.message() for _ in range(MESSAGES)))
    seconds = time.perf_counter() - started
    print(f"{MESSAGES:,} messages of {size / MESSAGES:.0f} bytes, sent in {seconds:.0f} s")
    print(f"the index is {index_bytes(server.config.parent) / size:.2f} times as large as the texts\n")
    reader = await server.client(name="reader")
    for room in range(ROOMS):
        await reader.ask("join", room=f"room{room}")
    print(f"{'what is looked for':38} median       p95   p95 of the processor's time")
    for name, made in kinds(Texts(4)).items():
        times, worked = [], []
        for _ in range(QUERIES):
            asked = made()
            started, before = time.perf_counter(), processor_ms(server.pid)
            await reader.ask("search", **asked)
            times.append((time.perf_counter() - started) * 1000)
            worked.append(processor_ms(server.pid) - before)
        p95, p95_worked = (statistics.quantiles(each, n=20)[-1] for each in (times, worked))
        print(f"{name:38} {statistics.median(times):5.1f} ms  {p95:5.1f} ms  {p95_worked:5.1f} ms")
    await reader.leave()


def processor_ms(pid: int) -> float:
    """The time that all threads of a process have run."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def index_bytes(folder: Path) -> int:
    """What the tables of search take on the disk."""
    (file,) = folder.rglob("chat.db")
    with closing(sqlite3.connect(file)) as database:
        found = database.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'search%' OR name LIKE 'sqlite_autoindex_search%'"
        )
        return int(found.fetchone()[0])


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with ServerProcess(Path(folder), plugins=["search", "history"], settings=SETTINGS) as server:
            await measure(server)


if __name__ == "__main__":
    asyncio.run(main())
