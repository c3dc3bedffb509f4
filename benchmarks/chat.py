"""The server under test: its settings for the benchmark, and a room with a long past."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import chatserver
from chatserver.model.values import Room, User
from chatserver.store import Outcome, Store
from chatserver.store import accounts as people
from chatserver.store.changes import Batch, Change, CreateRoom, Post

from .launch import Launch, Server

BUNDLED = ("basics", "moderation", "emoji", "history", "files")
SEED_BATCH = 5000

# The generator is one address and far faster than people: the limits that would stop it are raised, nothing else.
_LIMITS = {
    "connections": 100_000,
    "connections_per_ip": 100_000,
    "messages_per_second": 100_000,
    "burst": 100_000,
}


KEEPS = {"full": "all (fsync)", "normal": "all but the last moments"}


def variant(
    name: str,
    *,
    url: str = "memory:",
    durability: str = "full",
    transport: str = "lean",
    plugins: Sequence[str] = (),
    program: Sequence[str] = ("chatserver", "serve"),
) -> Server:
    """chatserver with this storage and these plugins; ``program`` is the module that runs it, and its arguments."""

    def command(launch: Launch) -> list[str]:
        enabled: dict[str, object] = {each: {} for each in plugins}
        settings: dict[str, dict[str, object]] = {
            "store": {"url": url, "durability": durability},
            "server": {"transport": transport},
            "plugins": {"enabled": enabled},
        }
        config = write_settings(launch, settings)
        return [sys.executable, "-m", *program, "--config", str(config)]

    keeps = "nothing" if url == "memory:" else KEEPS[durability]
    return Server(name, "chat", keeps, command, lambda: f"{chatserver.__version__}, Tornado {_tornado()}")


def write_settings(launch: Launch, settings: Mapping[str, Mapping[str, object]]) -> Path:
    """The settings as a file in the launch's folder."""
    document: dict[str, Any] = {
        "server": {"host": "127.0.0.1", "port": launch.port},
        "data_dir": str(launch.folder / "data"),
        "limits": dict(_LIMITS),
        "rooms": [{"name": f"room{number}"} for number in range(launch.rooms)],
        "log": {"level": "error"},
    }
    for more in (settings, launch.settings):
        for section, values in more.items():
            document[section] = {**document.get(section, {}), **values}
    path = launch.folder / "config.yaml"
    path.write_text(json.dumps(document))  # JSON is YAML
    return path


def _tornado() -> str:
    import tornado

    return tornado.version


def seed(folder: Path, messages: int) -> None:
    """Fill ``room0`` of the database in ``folder`` with messages of twenty people, without syncing each."""
    asyncio.run(_seed(folder, messages))


async def _seed(folder: Path, messages: int) -> None:
    store = Store.open("sqlite:", folder / "data", "normal", running=False)
    try:
        users = [User(f"useed{number}", f"seed{number}", f"seed{number}", "guest") for number in range(20)]
        for user in users:
            await store.write(partial(people.ensure_user, user=user, key=user.name, now=time.time()))
        await _append(store, [CreateRoom(users[0], Room("room0"))])
        for first in range(0, messages, SEED_BATCH):
            numbers = range(first, min(first + SEED_BATCH, messages))
            await _append(store, [_message(users[number % 20], number) for number in numbers])
    finally:
        store.close()


def _message(user: User, number: int) -> Post:
    text = f"message {number}: the quick brown fox jumps over the lazy dog and goes on its way"
    return Post(user, f"m{number:012x}", text, text)


async def _append(store: Store, entries: list[Change]) -> None:
    future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
    store.append(Batch("room0", time.time(), entries), future.set_result)
    for outcome in await future:
        if isinstance(outcome, Exception):
            raise outcome
