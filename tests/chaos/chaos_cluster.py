"""Nodes in processes of their own, with a PostgreSQL and a Redis, each of which can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient

from chatserver.accounts.accounts import Accounts
from chatserver.config.settings import Auth
from chatserver.store import Store
from chatserver.testing import ServerProcess
from chatserver.testing.postgresql import PostgresqlServer
from chatserver.testing.redis import RedisServer

PASSWORD = "correct horse"
ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "0"))
"""How many rounds; 0 is the short run, as part of all tests."""


def free_port() -> int:
    """A TCP port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Cluster:
    """``async with Cluster(folder, postgresql, redis) as cluster``: two nodes, one chat.

    ``bus`` and ``store`` are other ways to Redis and to the database, by the URL that is given.
    """

    def __init__(self, folder: Path, postgresql: PostgresqlServer, redis: RedisServer, **options) -> None:
        self.postgresql = postgresql
        self.redis = redis
        self.folder = folder
        self.database = postgresql.make()
        self._bus = options.pop("bus", lambda url: url)
        self._store = options.pop("store", lambda url: url)
        self._more = options.pop("settings", {})
        self._options = {"plugins": ["basics", "moderation", "history"], **options}
        self.nodes: list[ServerProcess] = []
        self._prefix = secrets.token_hex(4)

    def ports(self) -> list[int]:
        """Where the nodes listen."""
        return [int(node.url.rpartition(":")[2]) for node in self.nodes]

    async def __aenter__(self) -> Cluster:
        for number in range(2):
            folder = self.folder / f"node{number}"
            folder.mkdir()
            # A proxy in front finds it there after a restart, too.
            settings = {**self._settings(), "server": {"port": free_port(), **self._more.get("server", {})}}
            self.nodes.append(ServerProcess(folder, **self._options, settings=settings))
        await asyncio.gather(*(node.start() for node in self.nodes))
        return self

    def _settings(self) -> dict:
        return {
            **self._more,
            "store": {"url": self._store(self.database)},
            "bus": {"url": self._bus(self.redis.url), "prefix": self._prefix},
            "rooms": [{"name": "general"}],
        }

    async def __aexit__(self, *_: object) -> None:
        for node in self.nodes:
            with contextlib.suppress(ProcessLookupError):
                await node.kill()
        self.postgresql.drop(self.database)

    def urls(self) -> list[str]:
        """Where the nodes listen just now."""
        return [node.url for node in self.nodes]

    async def http(self, number: int, method: str, path: str, token: str | None = None, **body):
        """A request to a node; the status, and what its JSON says."""
        answer = await AsyncHTTPClient().fetch(
            f"{self.nodes[number].url}/{path}",
            method=method,
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
            body=json.dumps(body) if method != "GET" else None,
            allow_nonstandard_methods=True,
            raise_error=False,
        )
        return answer.code, json.loads(answer.body or b"{}")

    async def account(self, name: str, role: str = "member") -> str:
        """Add an account; the token of a session."""
        async with self.accounts() as accounts:
            user = await accounts.add(name, PASSWORD, role)
            return await accounts.tokens.issue(user, "session")

    @contextlib.asynccontextmanager
    async def accounts(self):
        """The accounts, as a command has them beside the running servers."""
        store = Store.open_existing(self.database, self.folder, "full", "beside")
        accounts = Accounts(store, Auth(password_memory_mib=1))
        try:
            yield accounts
        finally:
            accounts.close()
            store.close()

    # What goes wrong

    async def kill(self, *numbers: int) -> None:
        """SIGKILL nodes, all at once, and start them again."""
        for number in numbers:
            self.nodes[number].signal(signal.SIGKILL)
        for number in numbers:
            await self.nodes[number].ended()
        await asyncio.gather(*(self.nodes[number].start() for number in numbers))

    async def freeze(self, number: int, seconds: float) -> None:
        """Stop a node without ending it: its connections stay, and nothing answers."""
        self.nodes[number].signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.nodes[number].signal(signal.SIGCONT)

    async def kill_postgresql(self, seconds: float) -> None:
        """Kill PostgreSQL, and start it after so many seconds."""
        await asyncio.to_thread(self.postgresql.kill)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.postgresql.start)

    async def kill_redis(self, seconds: float) -> None:
        """Kill Redis, and start it after so many seconds."""
        self.redis.kill()
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.redis.start)

    def told(self) -> str:
        """What the nodes have written to standard error."""
        return "\n".join(f"node {number}:\n{node.errors()}" for number, node in enumerate(self.nodes))

    def faults(self) -> list[str]:
        """What the nodes' logs have that no log should."""
        return [line for line in self.told().splitlines() if "Traceback" in line or "could not be" in line]
